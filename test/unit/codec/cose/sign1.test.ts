import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../../../src/codec/cbor/encode.js";
import {
  decodeSign1,
  encodeSign1,
  ES256,
  sigStructure,
  verifySign1,
} from "../../../../src/codec/cose/sign1.js";
import type { CborValue } from "../../../../src/codec/cbor/value.js";

const PROTECTED = encodeCbor(new Map([[1, ES256]]));
const PAYLOAD = Uint8Array.of(1, 2, 3);
const SIGNATURE = new Uint8Array(64).fill(5);
const MESSAGE = encodeSign1({
  protectedBytes: PROTECTED,
  unprotectedHeaders: new Map(),
  payload: PAYLOAD,
  signature: SIGNATURE,
});

function tagged(value: CborValue): Uint8Array {
  return encodeCbor({ tag: 18, value });
}

describe("COSE_Sign1", () => {
  it("reads back what it wrote", () => {
    expect(decodeSign1(MESSAGE)).toMatchObject({
      ok: true,
      sign1: { protectedBytes: PROTECTED, payload: PAYLOAD, signature: SIGNATURE },
    });
  });

  it("signs an empty protected map as h'', however it stands", () => {
    const empty = sigStructure(new Uint8Array(0), PAYLOAD);
    expect(sigStructure(Uint8Array.of(0xa0), PAYLOAD)).toEqual(empty);
    expect(Buffer.from(empty).toString("hex")).toBe("846a5369676e61747572653140404301" + "0203");
  });

  it("accepts only the algorithm the caller demands, and only with a payload", () => {
    const read = decodeSign1(MESSAGE);
    if (!read.ok) throw new Error("unreadable");
    const verify = (): boolean => true;
    expect(verifySign1(read.sign1, { algorithm: ES256, verify })).toBe(true);
    expect(verifySign1(read.sign1, { algorithm: -8, verify })).toBe(false);
    const detached = { ...read.sign1, payload: null };
    expect(verifySign1(detached, { algorithm: ES256, verify })).toBe(false);
    expect(verifySign1(detached, { algorithm: ES256, verify, payload: PAYLOAD })).toBe(true);
    expect(verifySign1(read.sign1, { algorithm: ES256, verify: () => false })).toBe(false);
  });

  it("hands the verifier the very bytes to be signed", () => {
    const read = decodeSign1(MESSAGE);
    if (!read.ok) throw new Error("unreadable");
    const seen: Uint8Array[] = [];
    const external = Uint8Array.of(9);
    const verify = (bytes: Uint8Array, signature: Uint8Array): boolean => {
      seen.push(bytes, signature);
      return true;
    };
    verifySign1(read.sign1, { algorithm: ES256, verify, external });
    expect(seen).toEqual([sigStructure(PROTECTED, PAYLOAD, external), SIGNATURE]);
  });

  it.each([
    ["no tag", encodeCbor([PROTECTED, new Map(), PAYLOAD, SIGNATURE]), "shape"],
    [
      "another tag",
      encodeCbor({ tag: 98, value: [PROTECTED, new Map(), PAYLOAD, SIGNATURE] }),
      "shape",
    ],
    ["three parts", tagged([PROTECTED, new Map(), PAYLOAD]), "shape"],
    ["a text for the payload", tagged([PROTECTED, new Map(), "x", SIGNATURE]), "shape"],
    ["a list for the headers", tagged([PROTECTED, [], PAYLOAD, SIGNATURE]), "shape"],
    [
      "protected headers that are no map",
      tagged([Uint8Array.of(0x80), new Map(), null, SIGNATURE]),
      "headers",
    ],
    [
      "protected headers that are not canonical",
      tagged([Uint8Array.of(0xa1, 0x18, 1, 0), new Map(), null, SIGNATURE]),
      "headers",
    ],
    [
      "a label in both maps",
      tagged([PROTECTED, new Map([[1, -8]]), PAYLOAD, SIGNATURE]),
      "headers",
    ],
    [
      "a critical header",
      tagged([
        encodeCbor(
          new Map<number, CborValue>([
            [1, -7],
            [2, [99]],
          ]),
        ),
        new Map(),
        PAYLOAD,
        SIGNATURE,
      ]),
      "headers",
    ],
    ["bytes behind it", Uint8Array.of(...MESSAGE, 0), "cbor"],
  ] as const)("refuses a message with %s", (_name, bytes, code) => {
    expect(decodeSign1(bytes)).toMatchObject({ ok: false, fault: { code } });
  });
});
