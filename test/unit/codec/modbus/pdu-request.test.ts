import { describe, expect, it } from "vitest";
import { encodeRequest } from "../../../../src/codec/modbus/encode-request.js";
import { FUNCTIONS } from "../../../../src/codec/modbus/limits.js";
import { parseRequest, type ModbusRequest } from "../../../../src/codec/modbus/pdu-request.js";
import { bytesOf, hexOf } from "../../../support/hex.js";

const zeros = (bytes: number): string => "00".repeat(bytes);

describe("a request that is well formed", () => {
  const taken: readonly (readonly [string, ModbusRequest])[] = [
    ["01 0000 07d0", { kind: "read-bits", function: 1, address: 0, quantity: 2000 }],
    ["02 ffff 0001", { kind: "read-bits", function: 2, address: 65_535, quantity: 1 }],
    ["03 0001 007d", { kind: "read-words", function: 3, address: 1, quantity: 125 }],
    ["04 ff83 007d", { kind: "read-words", function: 4, address: 65_411, quantity: 125 }],
    ["05 0007 0000", { kind: "write-bits", function: 5, address: 7, bits: [false] }],
    ["05 0007 ff00", { kind: "write-bits", function: 5, address: 7, bits: [true] }],
    ["06 ffff ffff", { kind: "write-words", function: 6, address: 65_535, words: [65_535] }],
    [
      "0f 0003 0009 02 0101",
      {
        kind: "write-bits",
        function: 15,
        address: 3,
        bits: [true, false, false, false, false, false, false, false, true],
      },
    ],
    ["10 0003 0001 02 8001", { kind: "write-words", function: 16, address: 3, words: [0x8001] }],
    ["16 0004 00f2 0025", { kind: "mask-word", function: 22, address: 4, and: 0xf2, or: 0x25 }],
    [
      "17 0003 007d fffe 0002 04 0001ffff",
      {
        kind: "read-write-words",
        function: 23,
        readAddress: 3,
        readQuantity: 125,
        address: 65_534,
        words: [1, 65_535],
      },
    ],
    ["2b 0e 01 00", { kind: "identify", function: 43, level: 1, object: 0 }],
    ["2b 0e 04 80", { kind: "identify", function: 43, level: 4, object: 0x80 }],
  ];
  it.each(taken)("is taken for what it says: %s", (hex, request) => {
    expect(parseRequest(bytesOf(hex))).toEqual({ ok: true, request });
  });

  it.each(taken)("is written as it was read: %s", (hex, request) => {
    expect(hexOf(encodeRequest(request))).toBe(hex.replaceAll(" ", ""));
  });

  it("may carry as much as the specification allows", () => {
    expect(parseRequest(bytesOf(`0f 0000 07b0 f6 ${zeros(246)}`)).ok).toBe(true);
    expect(parseRequest(bytesOf(`10 0000 007b f6 ${zeros(246)}`)).ok).toBe(true);
    expect(parseRequest(bytesOf(`17 0000 0001 0000 0079 f2 ${zeros(242)}`)).ok).toBe(true);
  });

  it("may have anything in the bits that pad FC15, which change nothing", () => {
    const clean = parseRequest(bytesOf("0f 0003 0001 01 01"));
    expect(parseRequest(bytesOf("0f 0003 0001 01 ff"))).toEqual(clean);
  });

  it("is kept apart from the bytes it was read from", () => {
    const bytes = bytesOf("10 0003 0001 02 8001");
    const parsed = parseRequest(bytes);
    bytes.fill(0);
    expect(parsed).toMatchObject({ request: { words: [0x8001] } });
  });
});

describe("a request that is not well formed", () => {
  it.each([
    ["nothing", ""],
    ["quantity 0", "01 0000 0000"],
    ["quantity 0", "02 0000 0000"],
    ["quantity 0", "03 0000 0000"],
    ["quantity 0", "04 0000 0000"],
    ["2001 coils", "01 0000 07d1"],
    ["2001 inputs", "02 0000 07d1"],
    ["126 registers", "03 0000 007e"],
    ["65,535 registers", "04 0000 ffff"],
    ["a byte too few", "03 0000 00"],
    ["a byte too many", "03 0000 0001 00"],
    ["only a function", "01"],
    ["only a function", "05"],
    ["only a function", "06"],
    ["only a function", "0f"],
    ["only a function", "10"],
    ["only a function", "16"],
    ["only a function", "17"],
    ["only a function", "2b"],
    ["FC5 value 0001", "05 0000 0001"],
    ["FC5 value 00ff", "05 0000 00ff"],
    ["FC5 value ff01", "05 0000 ff01"],
    ["FC5 value ffff", "05 0000 ffff"],
    ["FC5 with bytes smuggled in", "05 0000 ff00 0001"],
    ["FC6 with bytes smuggled in", "06 0000 0001 0002"],
    ["FC6 without its value", "06 0000"],
    ["FC15 quantity 0", "0f 0000 0000 00"],
    ["FC15 quantity 0 and a byte", "0f 0000 0000 01 00"],
    ["FC15 of 1969 coils", `0f 0000 07b1 f7 ${zeros(247)}`],
    ["FC15 byte count too small", "0f 0000 0009 01 00"],
    ["FC15 byte count too large", "0f 0000 0008 02 0000"],
    ["FC15 byte count right, a byte missing", "0f 0000 0009 02 00"],
    ["FC15 with bytes smuggled in", "0f 0000 0008 01 00 ff"],
    ["FC16 quantity 0", "10 0000 0000 00"],
    ["FC16 of 124 registers", `10 0000 007c f8 ${zeros(248)}`],
    ["FC16 byte count too small", "10 0000 0002 02 0000"],
    ["FC16 byte count too large", "10 0000 0001 04 00000000"],
    ["FC16 byte count odd", "10 0000 0001 03 000000"],
    ["FC16 byte count right, a byte missing", "10 0000 0001 02 00"],
    ["FC16 with bytes smuggled in", "10 0000 0001 02 0000 0001"],
    ["FC22 cut short", "16 0000 0000 00"],
    ["FC22 with bytes smuggled in", "16 0000 0000 0000 00"],
    ["FC23 reading nothing", "17 0000 0000 0000 0001 02 0000"],
    ["FC23 reading 126", "17 0000 007e 0000 0001 02 0000"],
    ["FC23 writing nothing", "17 0000 0001 0000 0000 00"],
    ["FC23 writing 122", `17 0000 0001 0000 007a f4 ${zeros(244)}`],
    ["FC23 byte count off", "17 0000 0001 0000 0001 03 0000"],
    ["FC23 with bytes smuggled in", "17 0000 0001 0000 0001 02 0000 00"],
    ["43/14 level 0", "2b 0e 00 00"],
    ["43/14 level 5", "2b 0e 05 00"],
    ["43/14 without its object", "2b 0e 01"],
    ["43/14 with bytes smuggled in", "2b 0e 01 00 00"],
  ])("is refused with exception 3: %s (%s)", (_, hex) => {
    expect(parseRequest(bytesOf(hex))).toEqual({
      ok: false,
      function: bytesOf(hex)[0] ?? 0,
      code: "malformed",
      exception: 3,
    });
  });

  it.each([
    "01 ffff 0002",
    "02 f831 07d0",
    "03 ff84 007d",
    "04 ffff 0002",
    "0f ffff 0002 01 00",
    "10 ffff 0002 04 00000000",
    "17 ffff 0002 0000 0001 02 0000",
    "17 0000 0001 ffff 0002 04 00000000",
  ])("is refused with exception 2 when it reaches beyond address 65,535: %s", (hex) => {
    expect(parseRequest(bytesOf(hex))).toMatchObject({ code: "address", exception: 2 });
  });
});

describe("a function that is not served", () => {
  it("is refused with exception 1, whatever comes with it", () => {
    const served = new Set<number>(FUNCTIONS);
    for (let code = 0; code < 256; code += 1) {
      if (served.has(code)) continue;
      for (const rest of ["", "00", "0000 0001", zeros(252)]) {
        expect(parseRequest(bytesOf(code.toString(16).padStart(2, "0") + rest))).toEqual({
          ok: false,
          function: code,
          code: "function",
          exception: 1,
        });
      }
    }
  });

  it.each(["2b 0d 01 00", "2b 00", "2b 0f 04 00 00"])("is MEI other than 14: %s", (hex) => {
    expect(parseRequest(bytesOf(hex))).toMatchObject({ function: 43, code: "function" });
  });
});

describe("the request writer", () => {
  const word = { kind: "write-words", function: 6, address: 0, words: [1] } as const;
  const read = { kind: "read-words", function: 3, address: 0, quantity: 1 } as const;
  const mask = { kind: "mask-word", function: 22, address: 0, and: 0, or: 0 } as const;
  const both = {
    kind: "read-write-words",
    function: 23,
    readAddress: 0,
    readQuantity: 1,
    address: 0,
    words: [1],
  } as const;
  it.each<readonly [string, ModbusRequest]>([
    ["two words for FC6", { ...word, words: [1, 2] }],
    ["no word for FC6", { ...word, words: [] }],
    ["a word of NaN", { ...word, words: [Number.NaN] }],
    ["a word of 65,536", { ...word, words: [65_536] }],
    ["a negative word", { ...word, words: [-1] }],
    ["a word of 0.5", { ...word, words: [0.5] }],
    ["an infinite word", { ...word, words: [Infinity] }],
    ["a bad word among good ones", { ...word, function: 16, words: [1, 2, Number.NaN] }],
    ["no words for FC16", { ...word, function: 16, words: [] }],
    ["124 words", { ...word, function: 16, words: new Array<number>(124).fill(0) }],
    ["two bits for FC5", { kind: "write-bits", function: 5, address: 0, bits: [true, true] }],
    ["no bits for FC5", { kind: "write-bits", function: 5, address: 0, bits: [] }],
    ["no bits for FC15", { kind: "write-bits", function: 15, address: 0, bits: [] }],
    ["address -1", { ...word, address: -1 }],
    ["address 65,536", { ...word, address: 65_536 }],
    ["address NaN", { ...read, address: Number.NaN }],
    ["quantity 0", { ...read, quantity: 0 }],
    ["quantity 126", { ...read, quantity: 126 }],
    ["quantity 1.5", { ...read, quantity: 1.5 }],
    ["a span beyond the table", { ...read, address: 65_535, quantity: 2 }],
    ["2001 bits", { kind: "read-bits", function: 1, address: 0, quantity: 2001 }],
    ["a mask of NaN", { ...mask, and: Number.NaN }],
    ["a mask of 17 bits", { ...mask, or: 65_536 }],
    ["FC23 writing 122", { ...both, words: new Array<number>(122).fill(0) }],
    ["FC23 reading 126", { ...both, readQuantity: 126 }],
    ["FC23 with a bad word", { ...both, words: [-5] }],
    ["43/14 object 256", { kind: "identify", function: 43, level: 4, object: 256 }],
  ])("refuses %s rather than send something else", (_, request) => {
    expect(encodeRequest(request)).toBeNull();
  });
});
