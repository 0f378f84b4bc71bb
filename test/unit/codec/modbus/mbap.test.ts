import { describe, expect, it } from "vitest";
import {
  createMbapReader,
  encodeMbap,
  feedMbap,
  readFrame,
  unfinishedBytes,
  type MbapRead,
  type MbapReader,
} from "../../../../src/codec/modbus/mbap.js";
import { bytesOf, hexOf } from "../../../support/hex.js";

const READ_ONE = "1234 0000 0006 11 0300000001";

describe("the frame reader", () => {
  it("takes a frame for what it says", () => {
    expect(readAll(createMbapReader(), bytesOf(READ_ONE))).toEqual([
      { kind: "frame", transaction: 0x1234, unit: 0x11, pdu: bytesOf("0300000001") },
    ]);
  });

  it("does not copy a frame that lies whole in the chunk", () => {
    const chunk = bytesOf(READ_ONE + READ_ONE);
    const reader = createMbapReader();
    feedMbap(reader, chunk);
    readFrame(reader);
    const second = readFrame(reader);
    expect(second.kind === "frame" && second.pdu.buffer === chunk.buffer).toBe(true);
    expect(second.kind === "frame" && second.pdu.byteOffset).toBe(12 + 7);
  });

  it("gives the same frames wherever the stream is cut in two", () => {
    const stream = bytesOf(READ_ONE + "0001 0000 0002 00 07" + READ_ONE);
    const whole = readAll(createMbapReader(), stream);
    expect(whole).toHaveLength(3);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const reader = createMbapReader();
      const parts = [stream.slice(0, cut), stream.slice(cut)];
      expect(parts.flatMap((part) => readAll(reader, part))).toEqual(whole);
    }
  });

  it("refers to nothing of a chunk that it has emptied", () => {
    const stream = bytesOf(READ_ONE);
    const reader = createMbapReader();
    const buffer = new Uint8Array(4);
    const frames: MbapRead[] = [];
    for (let at = 0; at < stream.length; at += buffer.length) {
      buffer.set(stream.subarray(at, at + buffer.length));
      frames.push(...readAll(reader, buffer));
    }
    buffer.fill(0xee);
    expect(frames).toEqual([
      { kind: "frame", transaction: 0x1234, unit: 0x11, pdu: bytesOf("0300000001") },
    ]);
  });

  it("keeps two frames apart that both came in pieces", () => {
    const reader = createMbapReader();
    const first = readEach(reader, bytesOf(READ_ONE));
    readEach(reader, bytesOf("9999 0000 0003 22 8302"));
    expect(first).toEqual([
      { kind: "frame", transaction: 0x1234, unit: 0x11, pdu: bytesOf("0300000001") },
    ]);
  });

  it("reads 1,000 requests of one segment in their order", () => {
    const frames = Array.from({ length: 1000 }, (_, n) => encodeMbap(n, 1, bytesOf("07")));
    const stream = Buffer.concat(frames.flatMap((frame) => (frame === null ? [] : [frame])));
    const read = readAll(createMbapReader(), stream);
    expect(read.map((frame) => frame.kind === "frame" && frame.transaction)).toEqual(
      Array.from({ length: 1000 }, (_, n) => n),
    );
  });

  it("tells two readers apart", () => {
    const [one, other] = [createMbapReader(), createMbapReader()];
    readAll(one, bytesOf("1234 00"));
    expect(readAll(other, bytesOf(READ_ONE))).toHaveLength(1);
    expect(readAll(one, bytesOf("00 0006 11 0300000001"))).toHaveLength(1);
  });

  it("counts the bytes of an unfinished frame", () => {
    const reader = createMbapReader();
    readAll(reader, bytesOf(READ_ONE));
    expect(unfinishedBytes(reader)).toBe(0);
    readAll(reader, bytesOf(READ_ONE + "000100"));
    expect(unfinishedBytes(reader)).toBe(3);
    feedMbap(reader, bytesOf("00 00"));
    expect(unfinishedBytes(reader)).toBe(5);
  });

  it.each(["0000", "0001", "00ff", "0100", "ffff"])("closes on MBAP length %s", (length) => {
    for (const read of [readAll, readEach]) {
      const reader = createMbapReader();
      const bytes = bytesOf(`0001 0000 ${length} 11 0300000001`);
      expect(read(reader, bytes).at(0)).toEqual({ kind: "fault", why: "length" });
    }
  });

  it.each(["0001", "0100", "ffff"])("closes on protocol id %s", (protocol) => {
    for (const read of [readAll, readEach]) {
      const reader = createMbapReader();
      const bytes = bytesOf(`0001 ${protocol} 0006 11 0300000001`);
      expect(read(reader, bytes).at(0)).toEqual({ kind: "fault", why: "protocol" });
    }
  });

  it.each(["0002", "00fe"])("takes MBAP length %s, the least and the most there is", (length) => {
    const pdu = new Uint8Array(Number.parseInt(length, 16) - 1).fill(7);
    const frame = Uint8Array.from([...bytesOf(`0001 0000 ${length} 11`), ...pdu]);
    expect(readAll(createMbapReader(), frame)).toEqual([
      { kind: "frame", transaction: 1, unit: 0x11, pdu },
    ]);
  });

  it("reads what came before the junk, and nothing after it, ever", () => {
    const reader = createMbapReader();
    const read = readAll(reader, bytesOf(`${READ_ONE} 0001 0001 0006 11 ${READ_ONE}`));
    expect(read.map(({ kind }) => kind)).toEqual(["frame", "fault"]);
    expect(readAll(reader, bytesOf(READ_ONE)).map(({ kind }) => kind)).toEqual(["fault"]);
  });

  it("faults rather than lose bytes when it is fed before it was emptied", () => {
    const reader = createMbapReader();
    feedMbap(reader, bytesOf(READ_ONE));
    feedMbap(reader, bytesOf(READ_ONE));
    expect(readFrame(reader).kind).toBe("fault");
  });
});

describe("the frame writer", () => {
  it("writes the header before the PDU", () => {
    expect(hexOf(encodeMbap(0x1234, 0x11, bytesOf("0300000001")))).toBe(
      READ_ONE.replaceAll(" ", ""),
    );
  });

  it.each([
    ["an empty PDU", 1, 1, 0],
    ["a PDU of 254 bytes", 1, 1, 254],
    ["unit 256", 1, 256, 5],
    ["unit -1", 1, -1, 5],
    ["transaction 65,536", 65_536, 1, 5],
    ["transaction NaN", Number.NaN, 1, 5],
    ["unit 1.5", 1, 1.5, 5],
  ])("refuses %s", (_, transaction, unit, bytes) => {
    expect(encodeMbap(transaction, unit, new Uint8Array(bytes))).toBeNull();
    expect(encodeMbap(1, 255, new Uint8Array(253))).toHaveLength(260);
  });
});

function readAll(reader: MbapReader, chunk: Uint8Array): readonly MbapRead[] {
  feedMbap(reader, chunk);
  const frames: MbapRead[] = [];
  for (let read = readFrame(reader); read.kind !== "more"; read = readFrame(reader)) {
    frames.push(read);
    if (read.kind === "fault") break;
  }
  return frames;
}

function readEach(reader: MbapReader, stream: Uint8Array): readonly MbapRead[] {
  return [...stream].flatMap((byte) => readAll(reader, Uint8Array.of(byte)));
}
