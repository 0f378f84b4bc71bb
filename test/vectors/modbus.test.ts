import { describe, expect, it } from "vitest";
import { encodeRequest } from "../../src/codec/modbus/encode-request.js";
import { createMbapReader, encodeMbap, feedMbap, readFrame } from "../../src/codec/modbus/mbap.js";
import { encodeReply, parseReply, type ParsedReply } from "../../src/codec/modbus/pdu-reply.js";
import { parseRequest, type ModbusRequest } from "../../src/codec/modbus/pdu-request.js";
import { bytesOf, hexOf } from "../support/hex.js";

/**
 * The worked examples of the public specification (Modbus Application Protocol V1.1b3, the tables "Here is an
 * example" of section 6). The specification counts from 1 in its prose and from 0 on the wire. Its example of
 * 6.21 leaves the texts of the objects open but for their lengths.
 */
const EXAMPLES: readonly {
  readonly section: string;
  readonly ask: string;
  readonly request: ModbusRequest;
  readonly answer: string;
  readonly reply: ParsedReply;
}[] = [
  {
    section: "6.1 read discrete outputs 20-38",
    ask: "01 0013 0013",
    request: { kind: "read-bits", function: 1, address: 0x13, quantity: 0x13 },
    answer: "01 03 cd6b05",
    reply: { kind: "bits", bits: bitsOf("1011 0011 1101 0110 101") },
  },
  {
    section: "6.2 read discrete inputs 197-218",
    ask: "02 00c4 0016",
    request: { kind: "read-bits", function: 2, address: 0xc4, quantity: 0x16 },
    answer: "02 03 acdb35",
    reply: { kind: "bits", bits: bitsOf("0011 0101 1101 1011 1010 11") },
  },
  {
    section: "6.3 read registers 108-110",
    ask: "03 006b 0003",
    request: { kind: "read-words", function: 3, address: 0x6b, quantity: 3 },
    answer: "03 06 022b 0000 0064",
    reply: { kind: "words", words: [555, 0, 100] },
  },
  {
    section: "6.4 read input register 9",
    ask: "04 0008 0001",
    request: { kind: "read-words", function: 4, address: 8, quantity: 1 },
    answer: "04 02 000a",
    reply: { kind: "words", words: [10] },
  },
  {
    section: "6.5 write coil 173 ON",
    ask: "05 00ac ff00",
    request: { kind: "write-bits", function: 5, address: 0xac, bits: [true] },
    answer: "05 00ac ff00",
    reply: { kind: "written" },
  },
  {
    section: "6.6 write register 2 to 00 03 hex",
    ask: "06 0001 0003",
    request: { kind: "write-words", function: 6, address: 1, words: [3] },
    answer: "06 0001 0003",
    reply: { kind: "written" },
  },
  {
    section: "6.11 write a series of 10 coils starting at coil 20",
    ask: "0f 0013 000a 02 cd01",
    request: { kind: "write-bits", function: 15, address: 0x13, bits: bitsOf("1011 0011 10") },
    answer: "0f 0013 000a",
    reply: { kind: "written" },
  },
  {
    section: "6.12 write two registers starting at 2 to 00 0A and 01 02 hex",
    ask: "10 0001 0002 04 000a 0102",
    request: { kind: "write-words", function: 16, address: 1, words: [0x0a, 0x0102] },
    answer: "10 0001 0002",
    reply: { kind: "written" },
  },
  {
    section: "6.16 mask write to register 5",
    ask: "16 0004 00f2 0025",
    request: { kind: "mask-word", function: 22, address: 4, and: 0xf2, or: 0x25 },
    answer: "16 0004 00f2 0025",
    reply: { kind: "written" },
  },
  {
    section: "6.17 read six registers starting at 4, and write three starting at 15",
    ask: "17 0003 0006 000e 0003 06 00ff 00ff 00ff",
    request: {
      kind: "read-write-words",
      function: 23,
      readAddress: 3,
      readQuantity: 6,
      address: 0x0e,
      words: [0xff, 0xff, 0xff],
    },
    answer: "17 0c 00fe 0acd 0001 0003 000d 00ff",
    reply: { kind: "words", words: [0xfe, 0x0acd, 1, 3, 13, 0xff] },
  },
  {
    section: "6.21 read device identification, basic",
    ask: "2b 0e 01 00",
    request: { kind: "identify", function: 43, level: 1, object: 0 },
    answer:
      "2b 0e 01 01 00 00 03 00 16" +
      Buffer.from("Company identification").toString("hex") +
      "01 0d" +
      Buffer.from("Product code ").toString("hex") +
      "02 05" +
      Buffer.from("V2.11").toString("hex"),
    reply: {
      kind: "identity",
      level: 1,
      conformity: 1,
      next: null,
      objects: [
        { id: 0, value: textOf("Company identification") },
        { id: 1, value: textOf("Product code ") },
        { id: 2, value: textOf("V2.11") },
      ],
    },
  },
];

describe("the examples of the Modbus specification", () => {
  it.each(EXAMPLES)("are read and written as they are there: $section", (example) => {
    const { ask, request, answer, reply } = example;
    expect(parseRequest(bytesOf(ask))).toEqual({ ok: true, request });
    expect(hexOf(encodeRequest(request))).toBe(ask.replaceAll(" ", ""));
    expect(parseReply(request, bytesOf(answer))).toEqual(reply);
  });

  it.each(EXAMPLES)("can be answered by us as they are there: $section", (example) => {
    expect(hexOf(answerOf(example))).toBe(example.answer.replaceAll(" ", ""));
  });

  it("answer a read that cannot be done with exception 2 (section 7)", () => {
    const request = { kind: "read-bits", function: 1, address: 0x4a1, quantity: 1 } as const;
    expect(hexOf(encodeRequest(request))).toBe("0104a10001");
    expect(parseReply(request, bytesOf("8102"))).toEqual({ kind: "exception", code: 2 });
  });

  it("stand in a frame as the messaging guide draws it (section 3.1.3)", () => {
    const frame = encodeMbap(0x1501, 0xff, bytesOf("03 0004 0001"));
    expect(hexOf(frame)).toBe("150100000006ff0300040001");
    const reader = createMbapReader();
    feedMbap(reader, bytesOf("1501 0000 0005 ff 0302 0005"));
    expect(readFrame(reader)).toEqual({
      kind: "frame",
      transaction: 0x1501,
      unit: 0xff,
      pdu: bytesOf("03020005"),
    });
  });
});

function answerOf({ request, reply }: (typeof EXAMPLES)[number]): Uint8Array | null {
  if (reply.kind === "identity") return encodeReply(reply);
  switch (request.kind) {
    case "read-bits":
      return reply.kind === "bits" ? encodeReply({ ...reply, function: request.function }) : null;
    case "read-words":
    case "read-write-words":
      return reply.kind === "words" ? encodeReply({ ...reply, function: request.function }) : null;
    case "write-bits":
    case "write-words":
    case "mask-word":
      return encodeReply({ kind: "written", request });
    case "identify":
      return null;
  }
}

/** First bit first, as they are counted. */
function bitsOf(digits: string): boolean[] {
  return Array.from(digits.replaceAll(" ", ""), (digit) => digit === "1");
}

function textOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}
