import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeClaim } from "../../src/codec/door/claim.js";
import { ORDER_BYTES_MAX, type Claim, type Order } from "../../src/codec/door/message.js";
import { readOrder } from "../../src/codec/door/order.js";
import { FrameSplitter, FrameWriter } from "../../src/codec/door/wire.js";
import { DoorHost } from "../../src/guard/door-host.js";
import type { SouthWrite } from "../../src/guard/ports.js";
import { ForgetfulDisk } from "../support/forgetful-disk.js";
import {
  settleLoop,
  startRig,
  StillDevice,
  untilEnforcing,
  type GatewayRig,
} from "../support/gateway-rig.js";
import { twoDevices, X } from "../support/two-devices.js";

/** A door's end, whichever way it reaches the guard. */
type DoorEnd = {
  readonly orders: Order[];
  readonly send: (...claims: readonly Claim[]) => void;
  readonly sendBytes: ((bytes: Uint8Array) => void) | null;
  readonly isCut: () => boolean;
  readonly close: () => Promise<void>;
};

const LEFT = new Map([
  ["co0", 0],
  ["hr0", 40],
  ["co1", 0],
  ["di0", 1],
]);
const RIGHT = new Map([
  ["co0", 1],
  ["hr0", 40],
  ["co1", 0],
]);
const WINDOW_SPEED_A = 100 + 4 * X.speedA;

let disk: ForgetfulDisk;
let devices: readonly StillDevice[];
let sent: SouthWrite[];
let rig: GatewayRig;
let door: DoorEnd;

describe.each([
  ["in the guard's own process", openInProcess],
  ["over door-modbus.sock", openSocket],
])("the guard behind a door %s", (_name, open) => {
  beforeEach(async () => {
    disk = new ForgetfulDisk();
    sent = [];
    const note = (write: SouthWrite): void => void sent.push(write);
    const made = [new StillDevice(LEFT, note), new StillDevice(RIGHT, note)];
    devices = made;
    let now = (): number => 0;
    rig = await startRig(
      twoDevices(),
      disk,
      made.map((device) => device.link(() => now())),
    );
    now = rig.clock.nowUs;
    await untilEnforcing(rig, disk, made);
    door = await open(rig);
    door.send({ kind: "hello", version: 1, door: 0 });
    door.send({ kind: "open", connection: 5, listener: 0, peer: "127.0.0.1" });
    await until(() => door.orders.length > 0);
  });

  afterEach(async () => {
    await door.close();
  });

  it("tells the door its config first, then everything that was read", async () => {
    await until(() => door.orders.some(({ kind }) => kind === "device"));
    expect(door.orders[0]).toMatchObject({ kind: "config", version: 1, ownUnit: 247, devices: 2 });
    const images = door.orders.filter(({ kind }) => kind === "image");
    expect(images.length).toBeGreaterThanOrEqual(2);
    expect(door.orders).toContainEqual({ kind: "device", device: 0, answering: true });
  });

  it("answers a permitted write once it was written, with the why block of that answer", async () => {
    door.send(request(1, 1, [6, 0, 0, 0, 41]));
    await until(() => replyTo(1) !== undefined);
    expect(sent).toContainEqual({
      device: 0,
      table: "hr",
      address: 0,
      data: { kind: "words", words: [41] },
    });
    const reply = replyTo(1);
    expect(reply?.pdu).toEqual(Uint8Array.of(6, 0, 0, 0, 41));
    expect(reply?.why?.length).toBe(30);
  });

  it("serves each device under its own unit, and none under another [HP-060 allows] [HP-060 refuses]", async () => {
    door.send(request(1, 1, [6, 0, 0, 0, 41]), request(2, 2, [6, 0, 0, 0, 42]));
    door.send(request(3, 3, [6, 0, 0, 0, 43]));
    await until(() => [1, 2, 3].every((ticket) => replyTo(ticket) !== undefined));
    expect(sent.map(({ device, data }) => [device, data]).sort()).toEqual([
      [0, { kind: "words", words: [41] }],
      [1, { kind: "words", words: [42] }],
    ]);
    expect(replyTo(3)?.pdu).toEqual(Uint8Array.of(0x86, 0x0a));
  });

  it("shows in the window block what would be permitted, to the raw step [HP-058]", async () => {
    const flagsLowHigh = (): readonly number[] => [...(windowAt(WINDOW_SPEED_A) ?? [])].slice(0, 6);
    const answerTo = async (ticket: number, unit: number, value: number): Promise<unknown> => {
      door.send(request(ticket, unit, [6, 0, 0, 0, value]));
      await until(() => replyTo(ticket) !== undefined);
      return replyTo(ticket)?.pdu[0];
    };
    // Both speeds stand at 40, and together they may be 90.
    await until(() => flagsLowHigh().join() === "0,0,0,0,0,50");
    expect(await answerTo(1, 1, 51)).toBe(0x86);
    expect(await answerTo(2, 2, 50)).toBe(6);
    await until(() => flagsLowHigh().join() === "0,0,0,0,0,40");
    expect(await answerTo(3, 1, 41)).toBe(0x86);
    expect(await answerTo(4, 1, 40)).toBe(6);
  });

  it("sends nothing and answers nothing while the record is not on stable storage", async () => {
    door.send(request(1, 1, [6, 0, 0, 0, 41]), request(2, 1, [6, 0, 0, 0, 99]));
    await turns(200, () => {
      for (const device of devices) device.answer();
    });
    expect(sent).toEqual([]);
    expect([replyTo(1), replyTo(2)]).toEqual([undefined, undefined]);
    await until(() => replyTo(1) !== undefined && replyTo(2) !== undefined);
    expect(replyTo(2)?.pdu).toEqual(Uint8Array.of(0x86, 3));
  });

  it("answers every ticket exactly once, whatever was asked", async () => {
    const pdus = [
      [6, 0, 0, 0, 42],
      [6, 0, 0, 0, 99],
      [8, 0, 0, 0, 0],
      [6, 0, 0],
      [16, 0, 0, 0, 0, 0],
      [5, 0, 1, 0xff, 0],
      [3, 0, 0, 0, 1],
      [22, 0, 0, 0xff, 0, 0, 1],
      [23, 0, 90, 0, 1, 0, 0, 0, 1, 2, 0, 42],
    ];
    const tickets = Array.from({ length: 45 }, (_, ticket) => ticket);
    for (const ticket of tickets) door.send(request(ticket, 1, pdus[ticket % pdus.length] ?? []));
    await until(() => tickets.every((ticket) => replyTo(ticket) !== undefined));
    const answered = door.orders.filter(({ kind }) => kind === "reply");
    expect(answered).toHaveLength(tickets.length);
  });

  it("refuses what is not served, not well formed, not a device's, or not mapped, each its own way", async () => {
    door.send(
      request(1, 1, [8, 0, 0, 0, 0]),
      request(2, 1, [16, 0, 0, 0, 2, 3, 0, 0, 0]),
      request(3, 9, [6, 0, 0, 0, 42]),
      request(4, 247, [6, 0, 7, 0, 42]),
      request(5, 1, [23, 0, 90, 0, 1, 0, 0, 0, 1, 2, 0, 42]),
    );
    await until(() => [1, 2, 3, 4, 5].every((ticket) => replyTo(ticket) !== undefined));
    const exceptions = [1, 2, 3, 4, 5].map((ticket) => replyTo(ticket)?.pdu[1]);
    expect(exceptions).toEqual([1, 3, 0x0a, 2, 2]);
    expect(sent).toEqual([]);
  });

  it("reads after the write for FC23, and answers with what was read", async () => {
    door.send(request(1, 1, [23, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 43]));
    await until(() => replyTo(1) !== undefined);
    expect(replyTo(1)?.pdu).toEqual(Uint8Array.of(23, 2, 0, 43));
    expect(sent).toHaveLength(1);
  });

  it("withdraws what a client that is gone had asked for and was not sent", async () => {
    door.send(request(1, 1, [6, 0, 0, 0, 41]));
    await turns(20, () => undefined);
    door.send({ kind: "gone", connection: 5 });
    await turns(20, () => undefined);
    await turns(300, () => {
      disk.goOn();
      for (const device of devices) device.answer();
      rig.clock.advance(1_000);
    });
    expect(sent).toEqual([]);
    expect(rig.guard.openCommands).toBe(0);
  });

  it("treats an older claim of when a command came in as older, and a future one as now", async () => {
    rig.clock.advance(1_000_000);
    door.send(
      { ...request(1, 1, [6, 0, 0, 0, 41]), receivedHostUs: rig.clock.nowUs() - 900_000 },
      { ...request(2, 1, [6, 0, 0, 0, 42]), receivedHostUs: rig.clock.nowUs() + 9_000_000 },
    );
    await until(() => replyTo(1) !== undefined && replyTo(2) !== undefined);
    expect(replyTo(1)?.pdu).toEqual(Uint8Array.of(0x86, 6));
  });

  it("cuts off a door that speaks for a connection it never opened, or a listener that is not there [HP-059 refuses]", async () => {
    door.send({ ...request(1, 1, [6, 0, 0, 0, 41]), connection: 6 });
    await until(() => door.isCut());
    expect(replyTo(1)).toBeUndefined();
    const other = await open(rig);
    other.send({ kind: "hello", version: 1, door: 0 });
    other.send({ kind: "open", connection: 1, listener: 9, peer: "127.0.0.1" });
    await until(() => other.isCut());
    await other.close();
  });
});

describe("the guard behind a door's socket", () => {
  it.each([
    ["an empty frame", [0, 0, 0, 0]],
    ["a frame longer than a claim can be", [0, 0, 4, 1]],
    ["no CBOR", [0, 0, 0, 2, 0xff, 0xff]],
    ["an order instead of a claim", [0, 0, 0, 2, 0x81, 22]],
    ["a claim before its hello", [0, 0, 0, 3, 0x82, 2, 5]],
    ["another version of the protocol", [0, 0, 0, 4, 0x83, 0, 2, 0]],
  ])("cuts off %s, and serves the next door", async (_what, bytes) => {
    disk = new ForgetfulDisk();
    devices = [];
    const links = [LEFT, RIGHT].map((values) =>
      new StillDevice(values, () => undefined).link(() => 0),
    );
    rig = await startRig(twoDevices(), disk, links);
    const bad = await openSocket(rig);
    bad.sendBytes?.(Uint8Array.from(bytes));
    await until(() => bad.isCut());
    expect(bad.orders).toEqual([]);
    await bad.close();
    const good = await openSocket(rig);
    good.send({ kind: "hello", version: 1, door: 0 });
    await until(() => good.orders.length > 0);
    await good.close();
  });
});

function request(
  ticket: number,
  unit: number,
  pdu: readonly number[],
): Extract<Claim, { kind: "request" }> {
  const receivedHostUs = rig.clock.nowUs();
  return {
    kind: "request",
    ticket,
    connection: 5,
    unit,
    pdu: Uint8Array.from(pdu),
    receivedHostUs,
  };
}

function replyTo(ticket: number): Extract<Order, { kind: "reply" }> | undefined {
  return door.orders
    .filter((order) => order.kind === "reply")
    .find((order) => order.ticket === ticket);
}

/** Newest words of the own unit from `start` on, as the asking controller sees them. */
function windowAt(start: number): Uint8Array | undefined {
  return door.orders
    .filter((order) => order.kind === "own")
    .findLast((order) => order.controller === 0 && order.start === start)?.words;
}

/** Lets disk, devices and time go on until it is met. */
async function until(met: () => boolean): Promise<void> {
  for (let turn = 0; !met(); turn++) {
    if (turn > 2_000) throw new Error("it never came to that");
    disk.goOn();
    for (const device of devices) device.answer();
    rig.clock.advance(1_000);
    await settleLoop();
  }
}

async function turns(count: number, act: () => void): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    act();
    await settleLoop();
  }
}

async function openInProcess(to: GatewayRig): Promise<DoorEnd> {
  const orders: Order[] = [];
  const session = to.guard.openDoor((order) => void orders.push(order));
  let cut = false;
  return await Promise.resolve({
    orders,
    send: (...claims: readonly Claim[]) => {
      for (const claim of claims) {
        if (cut || session.receive(claim)) continue;
        cut = true;
        session.close();
      }
      to.guard.pause();
    },
    sendBytes: null,
    isCut: () => cut,
    close: async () => {
      if (!cut) session.close();
      await Promise.resolve();
    },
  });
}

async function openSocket(to: GatewayRig): Promise<DoorEnd> {
  const directory = mkdtempSync(join(tmpdir(), "hp-contract-"));
  const path = join(directory, "door.sock");
  const host = new DoorHost(to.guard, { path, hosts: ["127.0.0.1"] }, () => undefined);
  await host.listen();
  const orders: Order[] = [];
  const splitter = new FrameSplitter(ORDER_BYTES_MAX, (bytes, at, end) => {
    const order = readOrder(bytes, at, end);
    if (order === null) throw new Error("the guard sent what no door would read");
    orders.push(order);
    return true;
  });
  const socket = connect(path);
  let cut = false;
  socket.on("data", (chunk) => void splitter.take(new Uint8Array(chunk)));
  socket.on("error", () => undefined);
  socket.on("close", () => {
    cut = true;
  });
  await new Promise<void>((resolve) => {
    socket.on("connect", resolve);
  });
  const out = new FrameWriter();
  return {
    orders,
    send: (...claims) => {
      for (const claim of claims) writeClaim(out, claim);
      socket.write(out.take());
    },
    sendBytes: (bytes) => void socket.write(bytes),
    isCut: () => cut,
    close: async () => {
      socket.destroy();
      host.close();
      rmSync(directory, { recursive: true, force: true });
      await Promise.resolve();
    },
  };
}
