import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { listen } from "../../../support/modbus-server.js";
import { readOnce, whenIdle, writeOnce, writeWordsTo } from "../../../support/plc-call.js";
import {
  FIRST_US,
  READ_TWO,
  TIMEOUT_US,
  UNIT,
  connectTo,
  expectNewConnection,
  passBackOff,
  startLink,
} from "../../../support/plc-link.js";
import { replyTo, rightReply, startRogue } from "../../../support/rogue-device.js";

/** Each gets the request and says what to send: none of it may count as an answer. */
const LIES: readonly (readonly [string, (request: Buffer) => Buffer])[] = [
  ["another transaction id", (r) => changed(rightReply(r, [1, 2]), 1, (r[1] ?? 0) ^ 1)],
  [
    "the transaction id of the request before",
    (r) => changed(rightReply(r, [1, 2]), 1, (r[1] ?? 0) - 1),
  ],
  ["another unit", (r) => changed(rightReply(r, [1, 2]), 6, UNIT + 1)],
  ["another function", (r) => changed(rightReply(r, [1, 2]), 7, 4)],
  ["the exception of another function", (r) => replyTo(r, [0x84, 2])],
  ["an exception with a code nobody knows", (r) => replyTo(r, [(r[7] ?? 0) | 0x80, 0x55])],
  ["exception 0", (r) => replyTo(r, [(r[7] ?? 0) | 0x80, 0])],
  ["exception 7, which was withdrawn", (r) => replyTo(r, [(r[7] ?? 0) | 0x80, 7])],
  ["an exception with a byte too many", (r) => replyTo(r, [(r[7] ?? 0) | 0x80, 2, 0])],
  ["an exception without its code", (r) => replyTo(r, [(r[7] ?? 0) | 0x80])],
  ["a reply cut short", (r) => replyTo(r, [...rightReply(r, [1, 2]).subarray(7, -1)])],
  ["a reply with a byte too many", (r) => replyTo(r, [...rightReply(r, [1, 2]).subarray(7), 0])],
  ["a function code and nothing else", (r) => replyTo(r, [r[7] ?? 0])],
  ["protocol id 1", (r) => changed(rightReply(r, [1, 2]), 3, 1)],
  ["MBAP length 0", (r) => changed(rightReply(r, [1, 2]), 5, 0)],
  ["MBAP length 1", (r) => changed(rightReply(r, [1, 2]), 5, 1)],
  ["MBAP length 255", (r) => changed(rightReply(r, [1, 2]), 5, 255)],
  ["a web page", () => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
];

const READ_LIES: typeof LIES = [
  ["one register too few", (r) => rightReply(r, [1])],
  ["one register too many", (r) => rightReply(r, [1, 2, 3])],
  ["a byte count below its bytes", (r) => changed(rightReply(r, [1, 2]), 8, 2)],
  ["a byte count above its bytes", (r) => changed(rightReply(r, [1, 2]), 8, 6)],
];

const WRITE_LIES: typeof LIES = [
  ["another address", (r) => changed(rightReply(r), 9, 99)],
  ["another value", (r) => changed(rightReply(r), 11, 99)],
];

describe("a device that lies", () => {
  it.each([...LIES, ...READ_LIES])(
    "fails a read answered with %s, and connects anew [HP-052 refuses]",
    async (_, lie) => {
      const { link, device, clock } = await startLink((request, socket, count) => {
        socket.write(count === 0 ? lie(request) : rightReply(request, [3, 4]));
      });
      expect(await readOnce(link, READ_TWO)).toEqual({ kind: "failed", why: "malformed" });
      await expectNewConnection(link, device, clock);
      expect(await readOnce(link, READ_TWO)).toMatchObject({ words: [3, 4] });
    },
  );

  it.each([...LIES, ...WRITE_LIES])(
    "leaves a write answered with %s unknown, sends it no second time, and connects anew [HP-052 refuses] [HP-053]",
    async (_, lie) => {
      const { link, device, clock } = await startLink((request, socket) => {
        socket.write(lie(request));
      });
      const result = await writeOnce(link, writeWordsTo(1, [2]));
      expect(result.kind).toBe("unknown");
      await expectNewConnection(link, device, clock);
      expect(device.requests).toHaveLength(1);
    },
  );

  it("leaves FC16 unknown when the echo names another quantity", async () => {
    const { link } = await startLink((request, socket) => {
      socket.write(changed(rightReply(request), 11, 0));
    });
    expect((await writeOnce(link, writeWordsTo(1, [2, 3]))).kind).toBe("unknown");
  });

  it("takes the first of two replies and gives up the connection for the second", async () => {
    const { link, device, clock } = await startLink((request, socket) => {
      socket.write(Buffer.concat([rightReply(request, [1, 2]), rightReply(request, [9, 9])]));
    });
    const seen: boolean[] = [];
    link.onLink((up) => seen.push(up));
    link.onIdle(() => seen.push(link.idle()));
    expect(await readOnce(link, READ_TWO)).toMatchObject({ words: [1, 2] });
    expect(link.idle()).toBe(false);
    expect(seen).toEqual([false]);
    await expectNewConnection(link, device, clock);
  });

  it("gives up the connection for half a frame behind the reply", async () => {
    const { link, device, clock } = await startLink((request, socket) => {
      socket.write(Buffer.concat([rightReply(request, [1, 2]), Buffer.from([0])]));
    });
    expect(await readOnce(link, READ_TWO)).toMatchObject({ words: [1, 2] });
    await expectNewConnection(link, device, clock);
  });

  it.each([
    ["a whole frame", Buffer.from("000100000003070302", "hex")],
    ["one byte", Buffer.from([0])],
  ])("gives up the connection when %s comes and nothing was asked", async (_, bytes) => {
    const device = await startRogue(
      () => undefined,
      (socket, count) => count === 0 && socket.write(bytes),
    );
    onTestFinished(device.close);
    const { link, clock } = connectTo(device.port);
    await device.ended(1);
    await expectNewConnection(link, device, clock);
  });
});

describe("a device that is silent", () => {
  it("fails a read at its deadline and not before", async () => {
    const { link, clock, asked } = await startLink(() => undefined);
    const done = readOnce(link, READ_TWO);
    await asked(1);
    clock.advance(TIMEOUT_US - 1);
    expect(link.idle()).toBe(false);
    clock.advance(1);
    expect(await done).toEqual({ kind: "failed", why: "timeout" });
  });

  it("leaves a write unknown at its deadline, resets the connection and never sends it again [HP-053]", async () => {
    const { link, device, clock, asked } = await startLink(() => undefined);
    const done = writeOnce(link, writeWordsTo(1, [2]));
    await asked(1);
    clock.advance(TIMEOUT_US);
    expect((await done).kind).toBe("unknown");
    await device.ended(1);
    // A close would let the kernel go on delivering what is still in its buffer.
    expect(device.endings).toEqual(["ECONNRESET"]);
    await expectNewConnection(link, device, clock);
    expect(device.requests).toHaveLength(1);
  });

  it("measures the deadline of a later request from that request", async () => {
    const { link, clock, asked } = await startLink((request, socket, count) => {
      if (count === 0) socket.write(rightReply(request, [1, 2]));
    });
    await readOnce(link, READ_TWO);
    clock.advance(TIMEOUT_US - 10);
    const done = readOnce(link, READ_TWO);
    await asked(2);
    clock.advance(TIMEOUT_US - 1);
    expect(link.idle()).toBe(false);
    expect(clock.waiting()).toBe(1);
    clock.advance(1);
    expect(await done).toEqual({ kind: "failed", why: "timeout" });
  });

  it("does not let bytes that trickle in put off the deadline", async () => {
    const { link, clock, asked } = await startLink((request, socket) => {
      socket.write(rightReply(request, [1, 2]).subarray(0, 9));
    });
    const done = readOnce(link, READ_TWO);
    await asked(1);
    clock.advance(TIMEOUT_US);
    expect(await done).toEqual({ kind: "failed", why: "timeout" });
  });

  it("gives a reply that comes after the deadline to nobody", async () => {
    let late = (): void => undefined;
    const { link, device, clock, asked } = await startLink((request, socket, count) => {
      if (count === 0) late = () => socket.write(rightReply(request, [9, 9]));
      else socket.write(rightReply(request, [1, 2]));
    });
    const first = readOnce(link, READ_TWO);
    await asked(1);
    clock.advance(TIMEOUT_US);
    expect(await first).toEqual({ kind: "failed", why: "timeout" });
    late();
    await expectNewConnection(link, device, clock);
    expect(await readOnce(link, READ_TWO)).toMatchObject({ words: [1, 2] });
  });
});

describe("a device that goes away", () => {
  it.each([
    ["resets in the middle of its reply", "resetAndDestroy"],
    ["closes in the middle of its reply", "end"],
    ["drops the connection in the middle of its reply", "destroy"],
  ] as const)("leaves the write unknown when it %s", async (_, how) => {
    const { link, device, clock } = await startLink((request, socket) => {
      socket.write(rightReply(request).subarray(0, 8), () => socket[how]());
    });
    expect((await writeOnce(link, writeWordsTo(1, [2]))).kind).toBe("unknown");
    await expectNewConnection(link, device, clock);
    expect(device.requests).toHaveLength(1);
  });

  it("fails a read as closed", async () => {
    const { link } = await startLink((_, socket) => socket.destroy());
    expect(await readOnce(link, READ_TWO)).toEqual({ kind: "failed", why: "closed" });
  });

  it("tells once that it went down and once that it is back", async () => {
    const { link, device, clock } = await startLink((_, socket) => socket.destroy());
    const told: boolean[] = [];
    link.onLink((up) => told.push(up));
    await readOnce(link, READ_TWO);
    await expectNewConnection(link, device, clock);
    expect(told).toEqual([false, true]);
  });

  it("settles the request before it tells that the line is down, and is not idle in between", async () => {
    const { link } = await startLink((_, socket) => socket.destroy());
    const seen: string[] = [];
    const down = new Promise<void>((resolve) => {
      link.onLink((up) => {
        seen.push(`link ${up}`);
        resolve();
      });
    });
    link.write(writeWordsTo(1, [2]), ({ kind }) => seen.push(`${kind}, idle ${link.idle()}`));
    await down;
    expect(seen).toEqual(["unknown, idle false", "link false"]);
  });

  it("waits longer each time up to the bound, and the first wait again once a request was answered", async () => {
    const device = await startRogue(
      (request, socket, count) => {
        if (count === 0) socket.write(rightReply(request, [1, 2]));
        else socket.destroy();
      },
      (socket, count) => count < 5 && socket.destroy(),
    );
    onTestFinished(device.close);
    const { link, clock } = connectTo(device.port);
    const waits: number[] = [];
    for (let n = 1; n <= 5; n += 1) {
      await device.ended(n);
      waits.push(await passBackOff(clock));
    }
    expect(waits).toEqual([50_000, 100_000, 200_000, 400_000, 400_000]);
    await whenIdle(link);
    await readOnce(link, READ_TWO);
    await readOnce(link, READ_TWO);
    expect(await passBackOff(clock)).toBe(FIRST_US);
  });

  it("says at start that nobody listens, then connects when somebody does", async () => {
    const empty = createServer();
    const port = await listen(empty);
    empty.close();
    await once(empty, "close");
    const { link, clock } = connectTo(port);
    const why = await new Promise<string>((resolve) => {
      link.onLink((up, said) => {
        if (!up) resolve(said);
      });
    });
    expect(why).toMatch(/ECONNREFUSED/);
    expect(await writeOnce(link, writeWordsTo(1, [2]))).toEqual({
      kind: "not-sent",
      cause: "no-line",
      why: "the device is not connected",
    });
    expect(await readOnce(link, READ_TWO)).toEqual({ kind: "failed", why: "closed" });
    const late = createServer((socket) => socket.on("error", () => socket.destroy()));
    late.listen(port, "127.0.0.1");
    await once(late, "listening");
    onTestFinished(() => void late.close());
    const idle = whenIdle(link);
    clock.advance(FIRST_US);
    await idle;
    link.close();
  });
});

function changed(frame: Buffer, at: number, byte: number): Buffer {
  const copy = Buffer.from(frame);
  copy[at] = byte;
  return copy;
}
