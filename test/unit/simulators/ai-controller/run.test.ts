import { createServer } from "node:net";
import type { Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import {
  BAD_ACTS,
  DEMO_SCHEDULE,
  GOOD_SCHEDULE,
} from "../../../../simulators/ai-controller/acts.js";
import type { Schedule } from "../../../../simulators/ai-controller/acts.js";
import { sendRaw } from "../../../../simulators/ai-controller/raw-frame.js";
import { runAiController } from "../../../../simulators/ai-controller/run.js";
import type {
  ControllerOptions,
  RunningController,
} from "../../../../simulators/ai-controller/run.js";
import { openSession } from "../../../../simulators/ai-controller/session.js";
import { runLiftStation } from "../../../../simulators/lift-station/main.js";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function control(port: number, more: Partial<ControllerOptions>): RunningController {
  const running = runAiController({
    host: "127.0.0.1",
    port,
    unit: 1,
    ownUnit: null,
    seed: 1,
    schedule: GOOD_SCHEDULE,
    scale: 10,
    ...more,
  });
  cleanups.push(running.close);
  return running;
}

/** Answers each whole request frame with what `reply` makes of its unit and PDU; null: silence. */
async function listen(
  reply: (unit: number, pdu: Buffer) => readonly number[] | null,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let rest = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 8 && rest.length >= 6 + rest.readUInt16BE(4)) {
        const frame = rest.subarray(0, 6 + rest.readUInt16BE(4));
        rest = rest.subarray(frame.length);
        const pdu = reply(frame.readUInt8(6), frame.subarray(7));
        if (pdu === null) continue;
        const head = Buffer.from(frame.subarray(0, 7));
        head.writeUInt16BE(pdu.length + 1, 4);
        socket.write(Buffer.concat([head, Buffer.from(pdu)]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

it("drives the plant into a named hazard when it talks straight to the PLC, and then dies", async () => {
  const plant = await runLiftStation({
    host: "127.0.0.1",
    port: 0,
    seed: 1,
    scale: 40,
    journalFile: null,
    looseTerminal: true,
  });
  cleanups.push(plant.close);
  const controller = control(plant.address.port, { scale: 40, schedule: DEMO_SCHEDULE });
  await controller.ended;
  expect(controller.isDead()).toBe(true);
  expect(plant.hazards()[0]?.name).toBe("deadhead");
  expect(new Set(controller.records().map((record) => record.act))).toEqual(new Set(BAD_ACTS));
  expect(controller.tally().granted).toBeGreaterThan(5);
  const beats = plant.journal().filter((entry) => entry.unit === 247);
  expect(beats).toEqual([]);
});

it("beats its lease with a new value each time and reads why each act was refused, once the block names it", async () => {
  const beats: number[] = [];
  let commands = 0;
  let lag = 0;
  const port = await listen((unit, pdu) => {
    const code = pdu.readUInt8(0);
    if (unit === 247 && code === 6) {
      beats.push(pdu.readUInt16BE(3));
      return [...pdu];
    }
    if (unit === 247) {
      // The board lags: for two looks it still shows the command before. Verdict deny, reason 5, rule 3.
      const isLate = lag > 0;
      lag -= isLate ? 1 : 0;
      const seq = isLate ? commands - 1 : commands;
      const reason = isLate ? 28 : 5;
      const words = [2, reason, 3, 0, 0, 0, 8, 0, 0, 0, 0, 0, seq, 0, 0];
      return [4, 30, ...words.flatMap((word) => [word >> 8, word & 0xff])];
    }
    if (code === 6 || code === 22 || code === 5) {
      commands += 1;
      lag = 2;
      return [code | 0x80, 2];
    }
    return [code | 0x80, 0x0b];
  });
  const schedule: Schedule = [
    { atS: 1, act: "neighbour-bit" },
    { atS: 8, act: "death" },
  ];
  const controller = control(port, { ownUnit: 247, schedule, scale: 20 });
  await controller.ended;
  expect(controller.records()).toHaveLength(3);
  for (const record of controller.records()) {
    expect(record).toMatchObject({
      act: "neighbour-bit",
      outcome: { kind: "exception", code: 2 },
      why: { verdict: "deny", reason: "not-writable", rule: 3 },
      asExpected: true,
    });
  }
  expect(beats.length).toBeGreaterThan(4);
  expect(new Set(beats).size).toBe(beats.length);
});

it("tells being suspended from having no lease, by its lease state", async () => {
  const port = await listen((unit, pdu) => {
    const code = pdu.readUInt8(0);
    if (unit === 247 && code === 6) return [...pdu];
    if (unit === 247 && pdu.readUInt16BE(1) === 2) return [4, 2, 0, 3];
    if (unit === 247) {
      const words = [2, 25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
      return [4, 30, ...words.flatMap((word) => [word >> 8, word & 0xff])];
    }
    return [code | 0x80, code === 6 ? 6 : 0x0b];
  });
  const schedule: Schedule = [
    { atS: 0, act: "flood" },
    { atS: 1, act: "death" },
  ];
  const controller = control(port, { ownUnit: 247, schedule, scale: 20 });
  await controller.ended;
  const records = controller.records();
  expect(records).toHaveLength(320);
  expect(records.every((record) => record.asExpected)).toBe(true);
  expect(records.filter((record) => record.why?.reason === "suspended")).toHaveLength(8);
});

it("lives on without a gateway: nothing listens, nothing answers, connections are cut", async () => {
  const silent = await listen(() => null);
  for (const port of [1, silent]) {
    const controller = control(port, {
      ownUnit: 247,
      scale: 50,
      timeoutMs: 20,
      schedule: [
        { atS: 0, act: "stop-before-valve" },
        { atS: 1, act: "function-8" },
        { atS: 2, act: "death" },
      ],
    });
    await controller.ended;
    expect(controller.records().every((record) => record.outcome.kind === "failed")).toBe(true);
    expect(controller.records().some((record) => record.asExpected)).toBe(false);
  }
});

it("connects anew after its connection was cut", async () => {
  const plant = await runLiftStation({
    host: "127.0.0.1",
    port: 0,
    seed: 1,
    scale: 1,
    journalFile: null,
  });
  cleanups.push(plant.close);
  const session = openSession({ host: "127.0.0.1", port: plant.address.port, timeoutMs: 500 });
  cleanups.push(session.close);
  const ask = { unit: 1, table: "ir", address: 98, quantity: 1 } as const;
  expect(await session.read(ask)).toEqual([4711]);
  plant.server.dropConnections();
  let again = await session.read(ask);
  for (let attempt = 0; again === null && attempt < 5; attempt++) again = await session.read(ask);
  expect(again).toEqual([4711]);
  expect(await session.read({ ...ask, address: 1 })).toBeNull();
  expect(await session.send(1, { kind: "mask", address: 40, and: 0, or: 0 })).toEqual({
    kind: "exception",
    code: 1,
  });
});

it("settles a raw frame within its deadline, whatever comes back", async () => {
  const target = (port: number): { host: string; port: number; timeoutMs: number } => ({
    host: "127.0.0.1",
    port,
    timeoutMs: 100,
  });
  expect(await sendRaw(target(await listen(() => null)), 1, [8, 0, 0])).toEqual({
    kind: "failed",
    why: "no answer in time",
  });
  expect(await sendRaw(target(await listen(() => [8, 0, 0])), 1, [8, 0, 0])).toEqual({
    kind: "done",
  });
  expect(await sendRaw(target(await listen(() => [3, 1, 1])), 1, [8, 0, 0])).toEqual({
    kind: "failed",
    why: "answered with function 3",
  });
  expect((await sendRaw(target(1), 1, [8, 0, 0])).kind).toBe("failed");
});
