import { once } from "node:events";
import { createServer } from "node:net";
import jsmodbus from "jsmodbus";
import modbusSerial from "modbus-serial";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectPlc } from "../../src/adapters/modbus-client/plc-link.js";
import type { PlcLink } from "../../src/guard/ports.js";
import { createHostClock } from "../support/host-clock.js";
import { exchange } from "../support/modbus-exchange.js";
import { listen } from "../support/modbus-server.js";
import {
  compileModbusPeer,
  pythonPeer,
  requireDebian,
  startPeer,
} from "../support/peer-process.js";
import { readOnce, whenIdle, writeBitsTo, writeOnce, writeWordsTo } from "../support/plc-call.js";

/** Our client against servers that are not ours. All hold 1,000 addresses; input n reads n, odd inputs are set. */
const ADDRESSES = 1000;
const UNIT = 1;
/** So long that only a peer that never answers meets it. */
const TIMEOUT_US = 10_000_000;
const UNANSWERED_TIMEOUT_US = 500_000;

type Peer = {
  readonly name: string;
  readonly start: () => Promise<number>;
  /** modbus-serial's server knows no FC22. */
  readonly masks: boolean;
  /** What it answers to a read beyond its memory; null: not an exception that means anything. */
  readonly beyond: number | null;
};

const PEERS: readonly Peer[] = [
  { name: "modbus-serial", start: startModbusSerial, masks: false, beyond: null },
  { name: "jsmodbus", start: startJsmodbus, masks: false, beyond: null },
  { name: "libmodbus", start: startLibmodbus, masks: true, beyond: 2 },
  { name: "pymodbus", start: startPymodbus, masks: true, beyond: 2 },
];

describe.each(PEERS)("a PLC made of $name", ({ start, masks, beyond }) => {
  it("is written and read back: coils, registers, one and many", async () => {
    const link = await connectTo(await start());
    const acknowledged = { kind: "acknowledged" };
    expect(await writeOnce(link, writeBitsTo(7, [true]))).toMatchObject(acknowledged);
    expect(await writeOnce(link, writeBitsTo(20, [true, false, true]))).toMatchObject(acknowledged);
    expect(await writeOnce(link, writeWordsTo(7, [65_535]))).toMatchObject(acknowledged);
    expect(await writeOnce(link, writeWordsTo(20, [1, 2, 32_768]))).toMatchObject(acknowledged);
    expect(await wordsAt(link, "co", 7, 1)).toEqual([1]);
    expect(await wordsAt(link, "co", 19, 5)).toEqual([0, 1, 0, 1, 0]);
    expect(await wordsAt(link, "hr", 7, 1)).toEqual([65_535]);
    expect(await wordsAt(link, "hr", 19, 5)).toEqual([0, 1, 2, 32_768, 0]);
  });

  it("gives its inputs", async () => {
    const link = await connectTo(await start());
    expect(await wordsAt(link, "ir", 5, 4)).toEqual([5, 6, 7, 8]);
    expect(await wordsAt(link, "di", 4, 3)).toEqual([0, 1, 0]);
    expect(await wordsAt(link, "ir", 0, 125)).toHaveLength(125);
  });

  it("carries 500 writes, each read back, in order", async () => {
    const link = await connectTo(await start());
    for (let n = 0; n < 500; n += 1) {
      expect((await writeOnce(link, writeWordsTo(n % 50, [n]))).kind).toBe("acknowledged");
      expect(await wordsAt(link, "hr", n % 50, 1)).toEqual([n]);
    }
  });

  it("answers a mask write by doing it, or is not believed to have done it", async () => {
    const port = await start();
    const link = await connectTo(port);
    await writeOnce(link, writeWordsTo(9, [0x12]));
    const mask = { kind: "mask", and: 0xf2, or: 0x25 } as const;
    // jsmodbus says nothing at all to a function that it does not know.
    const asking = masks ? link : await connectTo(port, UNANSWERED_TIMEOUT_US);
    const result = await writeOnce(asking, { ...writeWordsTo(9, []), data: mask });
    expect(result.kind === "acknowledged").toBe(masks);
    expect(await wordsAt(link, "hr", 9, 1)).toEqual([masks ? 0x17 : 0x12]);
  });

  it("is never believed about addresses it does not have", async () => {
    const link = await connectTo(await start());
    const read = await readOnce(link, { table: "hr", address: 60_000, quantity: 2 });
    if (beyond !== null) expect(read).toEqual({ kind: "exception", code: beyond });
    const write = await writeOnce(await back(link), writeWordsTo(60_000, [1]));
    if (beyond !== null) expect(write).toMatchObject({ kind: "exception", code: beyond });
    expect(await wordsAt(await back(link), "ir", 5, 1)).toEqual([5]);
  });
});

describe("functions that the link does not send", () => {
  const both = {
    kind: "read-write-words",
    function: 23,
    readAddress: 100,
    readQuantity: 4,
    address: 101,
    words: [11, 22],
  } as const;
  it.each([
    { name: "libmodbus", start: startLibmodbus },
    { name: "pymodbus", start: startPymodbus },
  ])("FC23 is understood by $name, which writes before it reads", async ({ start }) => {
    expect(await exchange(await reachable(await start()), UNIT, both)).toEqual({
      kind: "words",
      words: [0, 11, 22, 0],
    });
  });

  it("43/14 is understood by pymodbus", async () => {
    const ask = { kind: "identify", function: 43, level: 1, object: 0 } as const;
    const value = Uint8Array.from(Buffer.from("pymodbus"));
    expect(await exchange(await reachable(await startPymodbus()), UNIT, ask)).toMatchObject({
      kind: "identity",
      objects: [{ id: 0, value }, { id: 1 }, { id: 2 }],
    });
  });
});

async function connectTo(port: number, timeoutUs = TIMEOUT_US): Promise<PlcLink> {
  const clock = createHostClock();
  const link = connectPlc({
    host: "127.0.0.1",
    port,
    unit: UNIT,
    timeoutUs,
    clock,
    hostClock: clock,
    reconnect: { firstUs: 10_000, mostUs: 200_000 },
  });
  onTestFinished(link.close);
  return back(link);
}

/** The link, once it is idle: a peer that answered wrongly was hung up on. */
async function back(link: PlcLink): Promise<PlcLink> {
  await whenIdle(link);
  return link;
}

/** A server that names its port before it listens is there once the link is up. */
async function reachable(port: number): Promise<number> {
  (await connectTo(port)).close();
  return port;
}

async function wordsAt(
  link: PlcLink,
  table: "co" | "di" | "ir" | "hr",
  address: number,
  quantity: number,
): Promise<readonly number[]> {
  const read = await readOnce(link, { table, address, quantity });
  if (read.kind !== "read") throw new Error(`the read came to ${JSON.stringify(read)}`);
  return read.words;
}

async function startModbusSerial(): Promise<number> {
  const coils = new Array<boolean>(ADDRESSES).fill(false);
  const registers = new Uint16Array(ADDRESSES);
  const inRange = (address: number): number => {
    if (address >= ADDRESSES) throw new RangeError("no such address");
    return address;
  };
  const port = await freePort();
  const server = new modbusSerial.ServerTCP(
    {
      getCoil: (address: number) => coils[inRange(address)] ?? false,
      getDiscreteInput: (address: number) => inRange(address) % 2 === 1,
      getInputRegister: (address: number) => inRange(address),
      getHoldingRegister: (address: number) => registers[inRange(address)] ?? 0,
      setCoil: (address: number, value: boolean) => {
        coils[inRange(address)] = value;
      },
      setRegister: (address: number, value: number) => {
        registers[inRange(address)] = value;
      },
    },
    { host: "127.0.0.1", port, unitID: UNIT },
  );
  server.on("socketError", () => undefined);
  onTestFinished(async () => {
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  });
  await once(server, "initialized");
  return port;
}

async function startJsmodbus(): Promise<number> {
  const net = createServer();
  const bytes = ADDRESSES * 2;
  const holding = Buffer.alloc(bytes);
  const input = Buffer.alloc(bytes);
  for (let n = 0; n < ADDRESSES; n += 1) input.writeUInt16BE(n, n * 2);
  const coils = Buffer.alloc(ADDRESSES / 8);
  const discrete = Buffer.alloc(ADDRESSES / 8, 0b1010_1010);
  new jsmodbus.server.TCP(net, { holding, input, coils, discrete });
  net.on("connection", (socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => socket.destroy());
  });
  onTestFinished(() => void net.close());
  return listen(net);
}

async function startLibmodbus(): Promise<number> {
  return startPeer(await compileModbusPeer("modbus-server"));
}

async function startPymodbus(): Promise<number> {
  await requireDebian("python3-pymodbus");
  const [python, script] = pythonPeer("modbus_server");
  return startPeer(python, [script]);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await listen(probe);
  probe.close();
  await once(probe, "close");
  return port;
}
