import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import {
  readOnce,
  whenIdle,
  writeBitsTo,
  writeOnce,
  writeWordsTo,
} from "../../../support/plc-call.js";
import {
  FIRST_US,
  MOST_US,
  READ_TWO,
  TIMEOUT_US,
  connectTo,
  startLink,
} from "../../../support/plc-link.js";
import { replyTo, rightReply } from "../../../support/rogue-device.js";

describe("a device that answers as it should", () => {
  it("takes the words of a read and the moment the request left", async () => {
    const { link, clock } = await startLink((request, socket) => {
      socket.write(rightReply(request, [1, 65_535]));
    });
    clock.advance(123);
    expect(await readOnce(link, READ_TWO)).toEqual({
      kind: "read",
      sentUs: 123,
      words: [1, 65_535],
    });
  });

  it("reads bits as 0 and 1", async () => {
    const { link } = await startLink((request, socket) => {
      socket.write(replyTo(request, [2, 2, 0b0000_0101, 1]));
    });
    expect(await readOnce(link, { table: "di", address: 0, quantity: 9 })).toMatchObject({
      words: [1, 0, 1, 0, 0, 0, 0, 0, 1],
    });
  });

  it.each([
    { write: writeBitsTo(3, [true]), pdu: "050003ff00" },
    { write: writeBitsTo(3, [true, false, true]), pdu: "0f000300030105" },
    { write: writeWordsTo(9, [513]), pdu: "0600090201" },
    { write: writeWordsTo(9, [1, 2]), pdu: "100009000204" + "00010002" },
    {
      write: { ...writeWordsTo(4, []), data: { kind: "mask", and: 0xf2, or: 0x25 } } as const,
      pdu: "16000400f20025",
    },
  ])("chooses the function by the shape of the write: $pdu", async ({ write, pdu }) => {
    const { link, device } = await startLink((request, socket) =>
      socket.write(rightReply(request)),
    );
    const result = await writeOnce(link, write);
    expect(device.requests.map((request) => request.toString("hex", 6))).toEqual([`07${pdu}`]);
    expect(result.kind).toBe("acknowledged");
  });

  it("keeps the reply of a write as bytes of its own", async () => {
    const { link } = await startLink((request, socket) => socket.write(rightReply(request)));
    const first = await writeOnce(link, writeWordsTo(9, [513]));
    await writeOnce(link, writeWordsTo(9, [1027]));
    expect(first).toEqual({
      kind: "acknowledged",
      reply: Uint8Array.from([6, 0, 9, 2, 1]),
    });
  });

  it("takes a reply that comes one byte at a time", async () => {
    const { link } = await startLink((request, socket) => {
      dripInto(socket, [...rightReply(request, [7, 8])]);
    });
    expect(await readOnce(link, READ_TWO)).toMatchObject({ words: [7, 8] });
    expect(await readOnce(link, READ_TWO)).toMatchObject({ words: [7, 8] });
  });

  it("gives every request another transaction id, over reconnects too, until all have been used", async () => {
    const { link, device, clock } = await startLink((request, socket, count) => {
      if (count === 2) socket.destroy();
      else socket.write(rightReply(request, [0, 0]));
    });
    for (let n = 0; n < 3; n += 1) await readOnce(link, READ_TWO);
    const back = whenIdle(link);
    clock.advance(FIRST_US);
    await back;
    for (let n = 0; n < 300; n += 1) await readOnce(link, READ_TWO);
    const ids = device.requests.map((request) => request.readUInt16BE(0));
    expect(new Set(ids).size).toBe(303);
  });

  it("has no timer per request", async () => {
    const { link, clock } = await startLink((request, socket) => {
      socket.write(rightReply(request, [0, 0]));
    });
    for (let n = 0; n < 20; n += 1) await readOnce(link, READ_TWO);
    expect(clock.waiting()).toBe(1);
    clock.advance(TIMEOUT_US);
    expect(clock.waiting()).toBe(0);
    expect(await readOnce(link, READ_TWO)).toMatchObject({ kind: "read" });
  });

  it("sends a request from within the answer to the one before", async () => {
    const { link } = await startLink((request, socket) => {
      socket.write(rightReply(request, [4, 5]));
    });
    const second = new Promise((resolve) => {
      link.write(writeWordsTo(1, [2]), () => {
        link.read(READ_TWO, resolve);
      });
    });
    expect(await second).toMatchObject({ words: [4, 5] });
  });

  it("says that it is idle after each answer, and only while it is", async () => {
    const { link } = await startLink((request, socket) => {
      socket.write(rightReply(request, [4, 5]));
    });
    const seen: boolean[] = [];
    link.onIdle(() => seen.push(link.idle()));
    const done = readOnce(link, READ_TWO);
    expect(link.idle()).toBe(false);
    await done;
    await readOnce(link, READ_TWO);
    expect(seen).toEqual([true, true]);
  });
});

describe("exceptions", () => {
  it.each([1, 2, 3, 6, 8, 10])(
    "reports exception %i to a write as surely not done",
    async (code) => {
      const { link, device } = await startLink((request, socket) => {
        socket.write(replyTo(request, [0x86, code]));
      });
      expect(await writeOnce(link, writeWordsTo(1, [2]))).toEqual({
        kind: "exception",
        code,
        reply: Uint8Array.from([0x86, code]),
      });
      expect(link.idle()).toBe(true);
      expect(device.connections()).toBe(1);
    },
  );

  it.each([4, 5, 11])("does not take exception %i to a write for a refusal", async (code) => {
    const { link } = await startLink((request, socket) => {
      socket.write(replyTo(request, [0x86, code]));
    });
    const result = await writeOnce(link, writeWordsTo(1, [2]));
    expect(result.kind).toBe("unknown");
    expect(link.idle()).toBe(true);
  });

  it.each([1, 2, 4, 5, 6, 11])("reports exception %i to a read", async (code) => {
    const { link } = await startLink((request, socket) => {
      socket.write(replyTo(request, [0x83, code]));
    });
    expect(await readOnce(link, READ_TWO)).toEqual({ kind: "exception", code });
  });
});

describe("what is never sent", () => {
  it("refuses a second request while one is on its way", async () => {
    const { link, device, asked } = await startLink(() => undefined);
    link.write(writeWordsTo(1, [2]), () => undefined);
    expect(await writeOnce(link, writeWordsTo(3, [4]))).toMatchObject({ kind: "not-sent" });
    expect(await readOnce(link, READ_TWO)).toEqual({ kind: "failed", why: "closed" });
    await asked(1);
    expect(device.requests).toHaveLength(1);
  });

  it.each([
    ["words for coils", { ...writeWordsTo(1, [2]), table: "co" } as const],
    ["bits for registers", { ...writeBitsTo(1, [true]), table: "hr" } as const],
    ["no values", writeWordsTo(1, [])],
    ["NaN", writeWordsTo(1, [Number.NaN])],
    ["a fraction", writeWordsTo(1, [1.5])],
    ["more than 16 bits", writeWordsTo(1, [65_536])],
    ["a negative", writeWordsTo(1, [-1])],
    ["124 registers", writeWordsTo(1, new Array<number>(124).fill(0))],
    ["1969 coils", writeBitsTo(1, new Array<boolean>(1969).fill(true))],
    ["an address beyond the table", writeWordsTo(65_535, [1, 2])],
  ])("does not send %s, and stays idle", async (_, write) => {
    const { link } = await startLink((request, socket) => socket.write(rightReply(request)));
    expect(await writeOnce(link, write)).toMatchObject({ kind: "not-sent" });
    expect(link.idle()).toBe(true);
  });

  it("leaves a write unknown when the link is closed under it, and sends nothing after that", async () => {
    const { link, device, clock, asked } = await startLink(() => undefined);
    const done = writeOnce(link, writeWordsTo(1, [2]));
    await asked(1);
    link.close();
    link.close();
    expect((await done).kind).toBe("unknown");
    expect(await writeOnce(link, writeWordsTo(1, [2]))).toMatchObject({ kind: "not-sent" });
    await device.ended(1);
    clock.advance(10 * MOST_US);
    expect(clock.waiting()).toBe(0);
    expect(device.connections()).toBe(1);
  });

  it("refuses a device given by name", () => {
    expect(() => connectTo(502, "plc.local")).toThrow(/numeric address/);
  });
});

function dripInto(socket: Socket, bytes: readonly number[]): void {
  const [byte, ...rest] = bytes;
  if (byte === undefined || !socket.writable) return;
  socket.write(Buffer.from([byte]));
  setImmediate(dripInto, socket, rest);
}
