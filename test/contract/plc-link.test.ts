import { describe, expect, it, onTestFinished } from "vitest";
import { connectPlc } from "../../src/adapters/modbus-client/plc-link.js";
import type { ModbusRequest } from "../../src/codec/modbus/pdu-request.js";
import type { PlcLink, ReadResult, Us, WriteResult } from "../../src/guard/ports.js";
import { createManualClock, type ManualClock } from "../support/host-clock.js";
import { createMemoryLink } from "../support/memory-link.js";
import { startModbusServer, type Memory } from "../support/modbus-server.js";
import { readOnce, whenIdle, writeBitsTo, writeOnce, writeWordsTo } from "../support/plc-call.js";

/** What src/guard/ports.ts promises of a device link, held by the real one and by the one other tests stand on. */
type Rig = {
  readonly link: PlcLink;
  readonly memory: Memory;
  readonly journal: readonly ModbusRequest[];
  readonly clock: ManualClock;
  /** While true, the device carries requests out and does not answer. */
  readonly setSilent: (silent: boolean) => void;
  /** The connection breaks. */
  readonly drop: () => void;
  /** The device can be reached again: settles when the link is up. */
  readonly restore: () => void | Promise<void>;
  /** Lets what was sent arrive, and what was answered come back. */
  readonly settle: (until: () => boolean) => void | Promise<void>;
};

const TIMEOUT_US = 500_000;
const WAIT_US = 20_000;
const LATENCY_US = 100;
const READ_TWO = { table: "hr", address: 10, quantity: 2 } as const;

describe.each([
  { name: "over the network", start: startReal },
  { name: "of memory", start: startFake },
])("a device link $name", ({ start }) => {
  it("writes, acknowledges with the reply's bytes, and reads back [HP-052 allows]", async () => {
    const { link, memory } = await start();
    const result = await writeOnce(link, writeWordsTo(10, [513, 7]));
    expect(result).toEqual({ kind: "acknowledged", reply: Uint8Array.of(16, 0, 10, 0, 2) });
    expect(await readOnce(link, READ_TWO)).toMatchObject({ kind: "read", words: [513, 7] });
    expect((await writeOnce(link, writeBitsTo(3, [true]))).kind).toBe("acknowledged");
    expect(memory.co[3]).toBe(true);
  });

  it("stamps a read with the moment it was sent", async () => {
    const { link, clock } = await start();
    const sentUs: Us = clock.nowUs();
    expect(await readOnce(link, READ_TWO)).toMatchObject({ sentUs });
  });

  it("has one request on the wire: another one is refused at once and never sent", async () => {
    const { link, journal, settle } = await start();
    const results: string[] = [];
    link.read(READ_TWO, ({ kind }) => results.push(`first ${kind}`));
    link.write(writeWordsTo(1, [1]), ({ kind }) => results.push(`second ${kind}`));
    link.read(READ_TWO, ({ kind }) => results.push(`third ${kind}`));
    expect(results).toEqual(["second not-sent", "third failed"]);
    expect(link.idle()).toBe(false);
    await settle(() => results.length === 3);
    expect(results.at(-1)).toBe("first read");
    expect(journal.map((request) => request.function)).toEqual([3]);
  });

  it("is idle again when it answers, so that the next request can be made from there", async () => {
    const { link, settle } = await start();
    const seen: boolean[] = [];
    link.read(READ_TWO, () => {
      seen.push(link.idle());
      link.read(READ_TWO, () => seen.push(link.idle()));
    });
    await settle(() => seen.length === 2);
    expect(seen).toEqual([true, true]);
  });

  it("says that it is idle after an answer that asked nothing more", async () => {
    const { link, settle } = await start();
    const seen: boolean[] = [];
    link.onIdle(() => seen.push(link.idle()));
    link.read(READ_TWO, () => {
      link.read(READ_TWO, () => undefined);
    });
    await settle(() => seen.length === 1);
    expect(seen).toEqual([true]);
  });

  it("leaves a write unknown that is carried out and not answered in time", async () => {
    const rig = await start();
    rig.setSilent(true);
    const results: WriteResult[] = [];
    rig.link.write(writeWordsTo(5, [9]), (result) => results.push(result));
    await rig.settle(() => rig.journal.length === 1);
    rig.clock.advance(TIMEOUT_US);
    await rig.settle(() => results.length === 1);
    expect(results.map(({ kind }) => kind)).toEqual(["unknown"]);
    expect(rig.memory.hr[5]).toBe(9);
    expect(rig.link.idle()).toBe(false);
  });

  it("fails a read that is not answered in time", async () => {
    const rig = await start();
    rig.setSilent(true);
    const results: ReadResult[] = [];
    rig.link.read(READ_TWO, (result) => results.push(result));
    await rig.settle(() => rig.journal.length === 1);
    rig.clock.advance(TIMEOUT_US);
    await rig.settle(() => results.length === 1);
    expect(results).toEqual([{ kind: "failed", why: "timeout" }]);
  });

  it("settles a request once when the connection breaks, tells that it is down, and comes back", async () => {
    const rig = await start();
    const seen: string[] = [];
    rig.link.onLink((up) => seen.push(up ? "up" : "down"));
    rig.setSilent(true);
    rig.link.write(writeWordsTo(5, [9]), ({ kind }) => seen.push(kind));
    await rig.settle(() => rig.journal.length === 1);
    rig.drop();
    await rig.settle(() => seen.length === 2);
    expect(seen).toEqual(["unknown", "down"]);
    expect((await writeOnce(rig.link, writeWordsTo(5, [10]))).kind).toBe("not-sent");
    expect(await readOnce(rig.link, READ_TWO)).toEqual({ kind: "failed", why: "closed" });
    rig.setSilent(false);
    await rig.restore();
    expect(seen).toEqual(["unknown", "down", "up"]);
    expect((await writeOnce(rig.link, writeWordsTo(6, [11]))).kind).toBe("acknowledged");
    // Nothing was sent twice: the write that was lost stands in the journal once, the refused one not at all.
    expect(rig.journal).toHaveLength(2);
  });

  it("fails a read that no request can carry, and sends nothing", async () => {
    const { link, journal } = await start();
    for (const quantity of [0, 126, Number.NaN]) {
      const read = { table: "hr", address: 0, quantity } as const;
      expect((await readOnce(link, read)).kind).toBe("failed");
    }
    expect(link.idle()).toBe(true);
    expect(journal).toEqual([]);
  });

  it("does not send what no request can carry", async () => {
    const { link, journal } = await start();
    expect((await writeOnce(link, writeWordsTo(1, [65_536]))).kind).toBe("not-sent");
    expect((await writeOnce(link, { ...writeWordsTo(1, [1]), table: "co" })).kind).toBe("not-sent");
    expect(link.idle()).toBe(true);
    expect(journal).toEqual([]);
  });

  it("settles what is out when it is closed, and is silent from then on", async () => {
    const rig = await start();
    const seen: string[] = [];
    rig.link.onLink((up) => seen.push(up ? "up" : "down"));
    rig.setSilent(true);
    rig.link.write(writeWordsTo(5, [9]), ({ kind }) => seen.push(kind));
    rig.link.close();
    expect(seen).toEqual(["unknown"]);
    expect((await writeOnce(rig.link, writeWordsTo(5, [10]))).kind).toBe("not-sent");
    rig.clock.advance(10 * TIMEOUT_US);
    expect(rig.link.idle()).toBe(false);
    expect(seen).toEqual(["unknown"]);
  });
});

async function startReal(): Promise<Rig> {
  const server = await startModbusServer();
  onTestFinished(server.close);
  const clock = createManualClock();
  const link = connectPlc({
    host: "127.0.0.1",
    port: server.port,
    unit: 1,
    timeoutUs: TIMEOUT_US,
    clock,
    hostClock: clock,
    reconnect: { firstUs: WAIT_US, mostUs: WAIT_US },
  });
  onTestFinished(link.close);
  await whenIdle(link);
  return {
    ...server,
    link,
    clock,
    restore: async () => {
      const idle = whenIdle(link);
      clock.advance(WAIT_US);
      await idle;
    },
    settle: async (until) => {
      while (!until()) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function startFake(): Rig {
  const clock = createManualClock();
  const fake = createMemoryLink(clock, LATENCY_US, TIMEOUT_US);
  const settle = (until: () => boolean): void => {
    while (!until() && clock.dueInUs() === LATENCY_US) clock.advance(LATENCY_US);
  };
  // Calls that only wait for their answer get it without the test moving the clock.
  const arriveSoon = (): void => {
    setImmediate(settle, () => false);
  };
  return {
    ...fake,
    link: {
      ...fake.link,
      write: (write, settled) => {
        fake.link.write(write, settled);
        arriveSoon();
      },
      read: (read, settled) => {
        fake.link.read(read, settled);
        arriveSoon();
      },
    },
    clock,
    settle,
  };
}
