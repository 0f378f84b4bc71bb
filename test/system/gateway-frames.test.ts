import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  eventually,
  OWN_UNIT,
  readProc,
  startGateway,
  startPlant,
  within,
  type Plant,
  type LiveGateway,
} from "../support/live-gateway.js";
import { coilPdu, connectBytes, frameOf, readPdu, word, writePdu } from "../support/byte-client.js";

/** Frames of any kind against the running door, from raw sockets. The device is plain memory with a journal. */
let plant: Plant;
let gateway: LiveGateway;

beforeAll(async () => {
  plant = await startPlant();
  gateway = await startGateway(plant.port);
});

describe("a frame that is no Modbus/TCP", () => {
  const read = [...readPdu(3, 40, 1)];
  const frames: readonly [string, readonly number[]][] = [
    ["length 0", [0, 1, 0, 0, 0, 0, 1, ...read]],
    ["length 1", [0, 1, 0, 0, 0, 1, 1, ...read]],
    ["length 255", [0, 1, 0, 0, 0, 255, 1, ...read, ...new Array<number>(249).fill(0)]],
    ["length 65535", [0, 1, 0, 0, 255, 255, 1, ...read]],
    ["protocol id 1", [0, 1, 0, 1, 0, 6, 1, ...read]],
    ["protocol id 0x0100", [0, 1, 1, 0, 0, 6, 1, ...read]],
    ["an HTTP request", [...Buffer.from("GET / HTTP/1.1\r\nHost: plc\r\n\r\n")]],
    ["a TLS hello", [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]],
    ["an RTU frame", [1, 3, 0, 40, 0, 1, 0x05, 0xc2]],
  ];

  it.each(frames)("%s closes the connection [HP-050 refuses]", async (_, bytes) => {
    const client = await connectBytes(gateway.port);
    client.send(Uint8Array.from(bytes));
    expect(await within("the door closes", client.ended)).toBe("end");
    expect(gateway.launcher.exitCode).toBe(null);
  });

  it("closes after what stood before it in the segment was answered", async () => {
    const client = await connectBytes(gateway.port);
    client.send(frameOf(7, 1, read), Uint8Array.of(0, 8, 0, 9, 0, 6, 1, ...read));
    expect(await client.next()).toMatchObject({ transaction: 7, unit: 1 });
    expect(await within("the door closes", client.ended)).toBe("end");
  });

  it("is counted, and other connections notice nothing", async () => {
    const client = await connectBytes(gateway.port);
    await eventually("the guard has the counts", async () => {
      const { doors } = await gateway.status();
      return (doors[0]?.counts.frameFaults ?? 0) >= frames.length ? true : null;
    });
    expect(await client.ask(1, read)).toEqual([3, 2, ...word(plant.memory.hr[40] ?? 0)]);
  });
});

describe("a request that Modbus does not allow", () => {
  const requests: readonly [string, readonly number[]][] = [
    ["FC1 quantity 0", readPdu(1, 0, 0)],
    ["FC1 quantity 2001", readPdu(1, 0, 2001)],
    ["FC2 quantity 0", readPdu(2, 0, 0)],
    ["FC3 quantity 0", readPdu(3, 40, 0)],
    ["FC3 quantity 126", readPdu(3, 40, 126)],
    ["FC4 quantity 65535", readPdu(4, 0, 65_535)],
    ["FC3 with a byte too many", [...readPdu(3, 40, 1), 0]],
    ["FC3 cut short", [3, 0, 40, 0]],
    ["FC5 value 1", [5, 0, 2, 0, 1]],
    ["FC5 value FFFF", [5, 0, 2, 255, 255]],
    ["FC5 value FF01", [5, 0, 2, 255, 1]],
    ["FC6 with smuggled bytes", [...writePdu(40, 1_100), 0, 41]],
    ["FC6 cut short", [6, 0, 40, 4]],
    ["FC15 quantity 0", [15, 0, 2, 0, 0, 0]],
    ["FC15 quantity 1969", [15, 0, 2, ...word(1969), 247, ...new Array<number>(247).fill(0)]],
    ["FC15 byte count off by one", [15, 0, 2, 0, 1, 2, 1, 0]],
    ["FC15 smuggled bytes", [15, 0, 2, 0, 1, 1, 1, 1]],
    ["FC16 quantity 0", [16, 0, 40, 0, 0, 0]],
    ["FC16 quantity 124", [16, 0, 40, 0, 124, 246, ...new Array<number>(246).fill(0)]],
    ["FC16 byte count less than its quantity", [16, 0, 40, 0, 2, 2, 4, 0, 4, 0]],
    ["FC16 smuggled bytes", [16, 0, 41, 0, 1, 2, 0, 1, 0, 2]],
    ["FC16 cut short", [16, 0, 41, 0, 1, 2, 0]],
    ["FC22 smuggled bytes", [22, 0, 41, 0, 0, 0, 1, 9]],
    ["FC23 write quantity 0", [23, 0, 40, 0, 1, 0, 41, 0, 0, 0]],
    ["FC23 read quantity 126", [23, 0, 40, 0, 126, 0, 41, 0, 1, 2, 0, 1]],
    ["FC23 smuggled bytes", [23, 0, 40, 0, 1, 0, 41, 0, 1, 2, 0, 1, 0, 2]],
  ];

  it.each(requests)(
    "%s is answered with exception 3 and the connection is kept [HP-050 refuses]",
    async (_, pdu) => {
      const before = writesOf(plant);
      const client = await connectBytes(gateway.port);
      expect(await client.ask(1, pdu)).toEqual([(pdu[0] ?? 0) | 0x80, 3]);
      expect(await client.ask(1, readPdu(4, 98, 1))).toEqual([4, 2, ...word(4711)]);
      expect(writesOf(plant)).toBe(before);
    },
  );
});

describe("a function that is not served", () => {
  const codes = [
    7, 8, 11, 12, 17, 20, 21, 24, 65, 66, 67, 68, 69, 70, 71, 72, 90, 100, 105, 110, 127,
  ];

  it.each(codes)(
    "%i gets exception 1 and the device never sees it [HP-051 refuses]",
    async (code) => {
      const client = await connectBytes(gateway.port);
      expect(await client.ask(1, [code, 0, 1, 0, 0])).toEqual([code | 0x80, 1]);
      expect(await client.ask(1, [code])).toEqual([code | 0x80, 1]);
      expect(plant.received.map(([first]) => first)).not.toContain(code);
    },
  );

  it.each([0, 128, 131, 255])("%i is no function: it is refused all the same", async (code) => {
    const client = await connectBytes(gateway.port);
    const [first, exception] = await client.ask(1, [code, 0, 1]);
    expect(first).toBe(code | 0x80);
    expect([1, 3]).toContain(exception);
  });

  it("43 with MEI type 13 is one of them, with 14 it tells our own identity [HP-051 allows]", async () => {
    const client = await connectBytes(gateway.port);
    expect(await client.ask(1, [43, 13, 0, 0])).toEqual([0xab, 1]);
    const identity = await client.ask(1, [43, 14, 1, 0]);
    expect(Buffer.from(identity).toString("latin1")).toContain("Holdpoint");
    expect(plant.received.map(([first]) => first)).not.toContain(43);
  });
});

describe("what is asked", () => {
  it("unit 0 is answered like any unit that is listed, and never broadcast [HP-050 allows]", async () => {
    const client = await connectBytes(gateway.port);
    expect(await client.ask(0, readPdu(4, 98, 1))).toEqual([4, 2, ...word(4711)]);
    const stranger = await connectBytes(gateway.aiPort);
    expect(await stranger.ask(0, readPdu(4, 98, 1))).toEqual([0x84, 0x0a]);
    expect(await stranger.ask(0, writePdu(70, 1))).toEqual([0x86, 0x0a]);
  });

  it("is understood when it comes byte by byte", async () => {
    const client = await connectBytes(gateway.port);
    for (const byte of frameOf(9, 1, readPdu(4, 98, 1))) {
      client.send(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.next()).toEqual({ transaction: 9, unit: 1, pdu: [4, 2, ...word(4711)] });
  });

  it("is understood when two requests are cut at any byte", async () => {
    const client = await connectBytes(gateway.port);
    const both = Buffer.concat([
      frameOf(1, 1, readPdu(4, 98, 1)),
      frameOf(2, 1, [16, 0, 41, 0, 1, 2, ...word(123)]),
    ]);
    for (let cut = 1; cut < both.length; cut += 1) {
      client.send(both.subarray(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 2));
      client.send(both.subarray(cut));
      expect(await client.take(2)).toEqual([
        { transaction: 1, unit: 1, pdu: [4, 2, ...word(4711)] },
        { transaction: 2, unit: 1, pdu: [16, 0, 41, 0, 1] },
      ]);
    }
  });

  it("is answered in the order it was asked, reads behind writes too", async () => {
    const client = await connectBytes(gateway.port);
    const frames = Array.from({ length: 120 }, (_, n) =>
      n % 3 === 0
        ? frameOf(n, 1, writePdu(41, 1_000 + n))
        : frameOf(n, 1, n % 3 === 1 ? readPdu(4, 98, 1) : [100, n]),
    );
    const before = plant.journal.length;
    client.send(...frames);
    const answers = await client.take(frames.length);
    expect(answers.map(({ transaction }) => transaction)).toEqual(frames.map((_, n) => n));
    expect(answers.map(({ pdu: [code = 0] }) => code & 0x7f)).toEqual(
      frames.map((_, n) => [6, 4, 100][n % 3]),
    );
    // More than may wait at one output at once: the rest is told "not now" (6), and none of it happens.
    const done = answers
      .filter(({ pdu: [code] }) => code === 6)
      .map(({ transaction }) => transaction);
    const refused = answers.filter(({ pdu: [code] }) => code === 134);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(refused.map(({ pdu }) => pdu[1]))).toEqual(new Set([6]));
    const written = plant.journal
      .slice(before)
      .flatMap((request) =>
        request.kind === "write-words" && request.address === 41 ? request.words : [],
      );
    expect(written).toEqual(done.map((n) => 1_000 + n));
  });

  it("may bear the same id twice: each is answered on its own", async () => {
    const client = await connectBytes(gateway.port);
    client.send(
      frameOf(5, 1, writePdu(41, 2_001)),
      frameOf(5, 1, readPdu(4, 98, 1)),
      frameOf(5, 1, writePdu(41, 2_002)),
    );
    const answers = await client.take(3);
    expect(answers.map(({ transaction, pdu }) => [transaction, pdu[0]])).toEqual([
      [5, 6],
      [5, 4],
      [5, 6],
    ]);
    expect(plant.memory.hr[41]).toBe(2_002);
  });

  it("of a unit that is not listed, or an address that is not mapped, is refused [HP-060 refuses]", async () => {
    const client = await connectBytes(gateway.port);
    expect(await client.ask(2, readPdu(3, 40, 1))).toEqual([0x83, 0x0a]);
    expect(await client.ask(2, writePdu(41, 1))).toEqual([0x86, 0x0a]);
    expect(await client.ask(1, readPdu(3, 4_000, 1))).toEqual([0x83, 2]);
    expect(await client.ask(1, readPdu(3, 65_535, 2))).toEqual([0x83, 2]);
    expect((await client.ask(OWN_UNIT, readPdu(4, 0, 2))).slice(0, 2)).toEqual([4, 4]);
  });
});

describe("a client that does not play by the rules", () => {
  it("is closed when it sends half a frame and then nothing, however it dribbles", async () => {
    const client = await connectBytes(gateway.port);
    client.send(frameOf(1, 1, readPdu(3, 40, 1)).subarray(0, 9));
    expect(await within("the door loses patience", client.ended)).toBe("end");
  });

  it("is not closed for saying nothing at all, and may leave in the middle", async () => {
    const quiet = await connectBytes(gateway.port);
    const client = await connectBytes(gateway.port);
    client.send(frameOf(1, 1, readPdu(3, 40, 1)).subarray(0, 9));
    client.socket.destroy();
    const other = await connectBytes(gateway.port);
    other.send(frameOf(1, 1, readPdu(3, 40, 1)).subarray(0, 9));
    await within("the door loses patience", other.ended);
    expect(await quiet.ask(1, readPdu(4, 98, 1))).toEqual([4, 2, ...word(4711)]);
  });

  it("does not make the door grow by never reading its answers", async () => {
    const pid = await gateway.doorPid();
    const before = residentKiB(pid);
    const open = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const openBefore = open();
    const readers = await Promise.all(
      Array.from({ length: 4 }, async () => await connectBytes(gateway.port)),
    );
    const ended = Promise.all(readers.map(async ({ ended }) => await ended));
    const chunk = Buffer.concat(
      Array.from({ length: 200 }, (_, n) => frameOf(n, 1, readPdu(4, 100, 50))),
    );
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, residentKiB(pid))), 20);
    for (const { socket } of readers) {
      socket.pause();
      // Each asks for 40 MB of answers: far more than the kernel's own buffers take.
      for (let n = 0; n < 2_000; n += 1) socket.write(chunk);
    }
    // They are let go by the door's patience; a paused socket learns it only when it is read.
    await eventually("the door lets go of those that do not read", async () => {
      const { doors } = await gateway.status();
      return (doors[0]?.counts.connections ?? 99) <= 1 ? true : null;
    });
    clearInterval(watch);
    expect((peak - before) / 1_024).toBeLessThan(60);
    // The peers still hold their ends; those of the door are free for others.
    await eventually("their sockets are closed", () => (open() <= openBefore ? true : null));
    for (const { socket } of readers) socket.destroy();
    await within("all have ended", ended);
    const client = await connectBytes(gateway.port);
    expect(await client.ask(1, coilPdu(2, true))).toEqual(coilPdu(2, true));
  });

  it("takes nobody's room with the guard by leaving before it is answered [HP-055 refuses]", async () => {
    for (let n = 0; n < 40; n += 1) {
      const client = await connectBytes(gateway.port);
      const writes = Array.from({ length: 32 }, (_, k) => frameOf(k, 1, writePdu(41, 100 + k)));
      client.send(...writes, Uint8Array.of(0, 0, 0, 1, 0, 6, 1, ...readPdu(3, 40, 1)));
      await within("the door closes", client.ended);
    }
    const client = await connectBytes(gateway.port);
    expect(await client.ask(1, coilPdu(2, true))).toEqual(coilPdu(2, true));
    const { reasons } = await gateway.status();
    expect(reasons["withdrawn"] ?? 0).toBeGreaterThan(0);
  });

  it("is refused politely when 2,000 others are there already, and served when one has left", async () => {
    await eventually("the door is empty", async () => {
      const { doors } = await gateway.status();
      return doors[0]?.counts.connections === 0 ? true : null;
    });
    const crowd = await openMany(gateway.port, 2_000);
    const late = await connectBytes(gateway.port);
    expect(await within("the door refuses", late.ended)).toBe("end");
    const [first, , last] = [crowd[0], crowd[1], crowd.at(-1)];
    expect(await first?.ask(1, readPdu(4, 98, 1))).toEqual([4, 2, ...word(4711)]);
    expect(await last?.ask(1, writePdu(41, 77))).toEqual(writePdu(41, 77));
    first?.socket.destroy();
    await eventually("another one gets in", async () => {
      const client = await connectBytes(gateway.port);
      const answer = await client.ask(1, readPdu(4, 98, 1)).catch(() => null);
      client.socket.destroy();
      return answer;
    });
    await eventually("the guard has the count", async () => {
      const { doors } = await gateway.status();
      return (doors[0]?.counts.refusedConnections ?? 0) > 0 ? true : null;
    });
    for (const { socket } of crowd) socket.destroy();
  });
});

/** Writes of any kind that reached the device. */
function writesOf({ journal }: Plant): number {
  return journal.filter(({ kind }) => /write|mask/.test(kind)).length;
}

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readProc(`${pid}/status`))?.[1]);
}

type Raw = Awaited<ReturnType<typeof connectBytes>>;

async function openMany(port: number, count: number): Promise<readonly Raw[]> {
  const all: Raw[] = [];
  while (all.length < count) {
    const few = Array.from({ length: 100 }, async () => await connectBytes(port));
    all.push(...(await Promise.all(few)));
  }
  return all;
}
