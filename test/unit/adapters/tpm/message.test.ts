import { describe, expect, it } from "vitest";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type TpmAnswer,
  type TpmRequest,
} from "../../../../src/adapters/tpm/message.js";
import { performRequest } from "../../../../src/adapters/tpm/perform.js";
import { openTpm } from "../../../../src/adapters/tpm/tpm.js";
import { hexOf } from "../../../support/hex.js";

const name = Uint8Array.from({ length: 34 }, (_, at) => at);
const auth = new Uint8Array(32).fill(9);
const use = { key: { handle: 0x81010010, name }, auth };
const counter = { index: 0x01500011, kind: "flash" as const, auth };
const orderly = { index: 0x01500010, kind: "orderly" as const, auth };

const requests: readonly TpmRequest[] = [
  { op: "read-chip" },
  { op: "find-root" },
  { op: "read-key", key: "evidenceKey" },
  { op: "read-key", key: "attestationKey" },
  { op: "make-key", key: "attestationKey", auth },
  { op: "sign", use, digest: new Uint8Array(32).fill(1) },
  { op: "certify", object: use, signer: use, qualifying: new Uint8Array(66).fill(2) },
  { op: "read-endorsement", handle: 0x81010001 },
  { op: "read-certificate", kind: "rsa" },
  { op: "read-certificate", kind: "ecc" },
  {
    op: "open-credential",
    object: use,
    handle: 0,
    credential: { blob: new Uint8Array(70).fill(5), secret: new Uint8Array(256).fill(6) },
  },
  { op: "define-counter", counter },
  { op: "read-counter", counter: orderly },
  { op: "raise-counter", counter: orderly, above: 0n },
  { op: "raise-counter", counter, above: 2n ** 64n - 1n },
  { op: "certify-counter", counter, signer: use, qualifying: new Uint8Array(32).fill(7) },
  { op: "read-jump" },
  { op: "remove-key", key: "otherEvidenceKey", name },
  { op: "quote", signer: use, qualifying: new Uint8Array(32).fill(8), pcrs: [0, 7, 23] },
  { op: "get-time", signer: use, qualifying: new Uint8Array(0) },
];

const answers: readonly TpmAnswer[] = [
  { ok: true, value: [] },
  { ok: true, value: [new Uint8Array(0)] },
  { ok: true, value: [new Uint8Array(4096).fill(3), new Uint8Array(64).fill(4)] },
  { ok: false, fault: { kind: "refused", says: "TPM2_Sign: no (0x9a2)", code: 0x9a2 } },
  { ok: false, fault: { kind: "mismatch", says: "", code: 0 } },
];

/** Without its length. */
function bodyOf(frame: Uint8Array): Uint8Array {
  const length = Buffer.from(frame).readUInt32BE(0);
  expect(length).toBe(frame.length - 4);
  return frame.slice(4);
}

/** Thousands of times: a comparison of strings costs a hundredth of one of arrays. */
function expectSame(frame: Uint8Array, body: Uint8Array): void {
  expect(hexOf(frame.slice(4))).toBe(hexOf(body));
}

describe("a request to the TPM's process", () => {
  it.each(requests)("comes out as it went in: $op", (request) => {
    expect(decodeRequest(bodyOf(encodeRequest(17, request)))).toEqual({ id: 17, request });
  });

  it("is not believed cut short, with more behind it, or with any one bit changed into another form", () => {
    for (const request of requests) {
      const body = bodyOf(encodeRequest(17, request));
      for (let length = 0; length < body.length; length += 1) {
        expect(decodeRequest(body.slice(0, length))).toBeNull();
      }
      expect(decodeRequest(Uint8Array.of(...body, 0))).toBeNull();
      for (const changed of oneBitChanged(body)) {
        const read = decodeRequest(changed);
        // What is taken has one form only.
        if (read !== null) expectSame(encodeRequest(read.id, read.request), changed);
      }
    }
  });

  it("that the TPM does not have time for is answered, not waited for", async () => {
    const never = new Promise<never>(() => undefined);
    const channel = {
      managed: true,
      connected: () => false,
      connect: async () => await never,
      exchange: async () => await never,
      drop: () => undefined,
    };
    const tpm = openTpm({ channel, rootName: null, queueMax: 1 });
    const held = performRequest(tpm, { op: "read-chip" });
    held.catch(() => undefined);
    expect(await performRequest(tpm, { op: "read-chip" })).toMatchObject({
      ok: false,
      fault: { kind: "not-done", says: "too many operations wait for the TPM" },
    });
  });
});

describe("an answer of the TPM's process", () => {
  it.each(answers)("comes out as it went in, %#", (answer) => {
    expect(decodeAnswer(bodyOf(encodeAnswer(3, answer)))).toEqual({ id: 3, answer });
  });

  it("is not believed cut short, with more behind it, or with any one bit changed into another form", () => {
    for (const answer of answers) {
      const body = bodyOf(encodeAnswer(3, answer));
      for (let length = 0; length < body.length; length += 1) {
        expect(decodeAnswer(body.slice(0, length))).toBeNull();
      }
      expect(decodeAnswer(Uint8Array.of(...body, 0))).toBeNull();
      for (const changed of oneBitChanged(body.slice(0, 100))) {
        const whole = Uint8Array.of(...changed, ...body.slice(100));
        const read = decodeAnswer(whole);
        if (read !== null) expectSame(encodeAnswer(read.id, read.answer), whole);
      }
    }
  });

  it("says what it can in 512 characters of ASCII", () => {
    const fault = { kind: "unknown", says: "\u001B[2Jé".padEnd(600, "x"), code: 0 } as const;
    const read = decodeAnswer(bodyOf(encodeAnswer(1, { ok: false, fault })));
    expect(read?.answer).toEqual({
      ok: false,
      fault: { ...fault, says: "?[2J?".padEnd(512, "x") },
    });
  });
});

function* oneBitChanged(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield changed;
  }
}
