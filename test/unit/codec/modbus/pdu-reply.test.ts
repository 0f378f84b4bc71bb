import { describe, expect, it } from "vitest";
import {
  encodeException,
  exceptionOf,
  surelyNotDone,
} from "../../../../src/codec/modbus/exception.js";
import { encodeReply, parseReply } from "../../../../src/codec/modbus/pdu-reply.js";
import type { ModbusRequest, WriteRequest } from "../../../../src/codec/modbus/pdu-request.js";
import { bytesOf, hexOf } from "../../../support/hex.js";

const READ_BITS = { kind: "read-bits", function: 1, address: 5, quantity: 9 } as const;
const READ_WORDS = { kind: "read-words", function: 4, address: 5, quantity: 2 } as const;
const BOTH: ModbusRequest = {
  kind: "read-write-words",
  function: 23,
  readAddress: 3,
  readQuantity: 2,
  address: 0,
  words: [1, 2, 3],
};
const WRITES: readonly (readonly [string, WriteRequest])[] = [
  ["05 0007 ff00", { kind: "write-bits", function: 5, address: 7, bits: [true] }],
  ["05 0007 0000", { kind: "write-bits", function: 5, address: 7, bits: [false] }],
  ["06 0007 1234", { kind: "write-words", function: 6, address: 7, words: [0x1234] }],
  ["0f 0007 0003", { kind: "write-bits", function: 15, address: 7, bits: [true, false, true] }],
  ["10 0007 0002", { kind: "write-words", function: 16, address: 7, words: [1, 2] }],
  ["16 0007 00f2 0025", { kind: "mask-word", function: 22, address: 7, and: 0xf2, or: 0x25 }],
];

describe("a reply that fits its request", () => {
  it("gives the bits, first one least significant", () => {
    expect(parseReply(READ_BITS, bytesOf("01 02 05 01"))).toEqual({
      kind: "bits",
      bits: [true, false, true, false, false, false, false, false, true],
    });
  });

  it("gives the words", () => {
    expect(parseReply(READ_WORDS, bytesOf("04 04 8001 0000"))).toEqual({
      kind: "words",
      words: [0x8001, 0],
    });
    expect(parseReply(BOTH, bytesOf("17 04 0001 ffff"))).toEqual({
      kind: "words",
      words: [1, 65_535],
    });
  });

  it.each(WRITES)("is the echo of a write: %s", (hex, request) => {
    expect(parseReply(request, bytesOf(hex))).toEqual({ kind: "written" });
    expect(hexOf(encodeReply({ kind: "written", request }))).toBe(hex.replaceAll(" ", ""));
  });

  it.each([1, 2, 3, 4, 5, 6, 8, 10, 11] as const)("is exception %i", (code) => {
    expect(parseReply(READ_WORDS, encodeException(4, code))).toEqual({ kind: "exception", code });
  });
});

describe("a reply that does not fit its request", () => {
  it.each(WRITES)("has any one byte of the echo changed: %s", (hex, request) => {
    const echo = bytesOf(hex);
    for (let at = 0; at < echo.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Uint8Array.from(echo);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(parseReply(request, changed).kind).toBe("mismatch");
      }
    }
  });

  it.each(WRITES)("has the echo cut or stretched: %s", (hex, request) => {
    const echo = bytesOf(hex);
    for (let bytes = 0; bytes < echo.length; bytes += 1) {
      expect(parseReply(request, echo.slice(0, bytes)).kind).toBe("mismatch");
    }
    expect(parseReply(request, bytesOf(`${hex} 00`))).toEqual({ kind: "mismatch", why: "length" });
  });

  it.each([
    ["function", "03 04 0000 0000"],
    ["function", "83 02"],
    ["function", ""],
    ["length", "04"],
    ["length", "04 04 0000 00"],
    ["length", "04 04 0000 0000 00"],
    ["length", "04 02 0000"],
    ["length", "04 06 0000 0000 0000"],
    ["byte-count", "04 02 0000 0000"],
    ["byte-count", "04 ff 0000 0000"],
    ["length", "84"],
    ["length", "84 02 00"],
    ["exception", "84 00"],
    ["exception", "84 07"],
    ["exception", "84 09"],
    ["exception", "84 0c"],
    ["exception", "84 ff"],
  ])("is refused for its %s: %s", (why, hex) => {
    expect(parseReply(READ_WORDS, bytesOf(hex))).toEqual({ kind: "mismatch", why });
  });

  it("has the bytes of another number of bits", () => {
    expect(parseReply(READ_BITS, bytesOf("01 01 05")).kind).toBe("mismatch");
    expect(parseReply(READ_BITS, bytesOf("01 03 05 01 00")).kind).toBe("mismatch");
    expect(parseReply(READ_BITS, bytesOf("01 01 05 01")).kind).toBe("mismatch");
  });

  it("is no answer to a request that could never have been sent", () => {
    const request = { kind: "write-words", function: 6, address: 0, words: [70_000] } as const;
    expect(parseReply(request, bytesOf("06 0000 1170")).kind).toBe("mismatch");
  });
});

describe("the reply writer", () => {
  it("writes bits and words with their byte counts", () => {
    const bits = [true, false, true, false, false, false, false, false, true];
    expect(hexOf(encodeReply({ kind: "bits", function: 2, bits }))).toBe("02020501");
    expect(hexOf(encodeReply({ kind: "words", function: 3, words: [1, 65_535] }))).toBe(
      "03040001ffff",
    );
  });

  it("writes an exception with the top bit of its function", () => {
    expect(hexOf(encodeReply({ kind: "exception", function: 6, code: 3 }))).toBe("8603");
    expect(hexOf(encodeException(0xff, 1))).toBe("ff01");
  });

  it("refuses what fits no reply", () => {
    const words = (count: number): number[] => new Array<number>(count).fill(0);
    expect(encodeReply({ kind: "words", function: 3, words: words(126) })).toBeNull();
    expect(encodeReply({ kind: "words", function: 3, words: words(125) })).toHaveLength(252);
    expect(encodeReply({ kind: "words", function: 3, words: [] })).toBeNull();
    expect(encodeReply({ kind: "words", function: 3, words: [Number.NaN] })).toBeNull();
    expect(encodeReply({ kind: "bits", function: 1, bits: [] })).toBeNull();
    const many = new Array<boolean>(2001).fill(true);
    expect(encodeReply({ kind: "bits", function: 1, bits: many })).toBeNull();
    expect(encodeReply({ kind: "bits", function: 1, bits: many.slice(1) })).toHaveLength(252);
  });
});

describe("an exception", () => {
  it.each([1, 2, 3, 6, 8, 10] as const)(
    "of code %i means that nothing was written [HP-056]",
    (code) => {
      expect(surelyNotDone(code)).toBe(true);
    },
  );

  it.each([4, 5, 11] as const)("of code %i leaves open what was written [HP-056]", (code) => {
    expect(surelyNotDone(code)).toBe(false);
  });

  it("of a code outside the specification is none", () => {
    for (const code of [0, 7, 9, 12, 128, 255]) expect(exceptionOf(code)).toBeNull();
  });
});
