import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAttest, type Attest } from "../../src/codec/tpm2/attest.js";
import { encodeCommand, parseResponse } from "../../src/codec/tpm2/command.js";
import { entityOf } from "../../src/codec/tpm2/name.js";
import { encodeNvPublic, takeNvPublic, type NvPublic } from "../../src/codec/tpm2/nv-public.js";
import { encodePublic, parsePublic, type EccPublic } from "../../src/codec/tpm2/public-area.js";
import { parseWhole, TpmReader } from "../../src/codec/tpm2/reader.js";
import { responseCodeOf } from "../../src/codec/tpm2/response-code.js";
import { TpmWriter } from "../../src/codec/tpm2/writer.js";
import { share } from "../support/share.js";
import { recordedResponses } from "../support/tpm-samples.js";

/** Printed by fast-check with the counterexample when a property fails. */
const runs = { seed: 20_261_123, numRuns: share(40_000, 1_000) };
const FAULTS = new Set(["short", "trailing", "size", "tag", "value"]);

const bytes = (most: number, least = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: least, maxLength: most });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const policy = fc.oneof(bytes(0), bytes(32, 32));

const publicArea: fc.Arbitrary<EccPublic> = fc.record({
  use: fc.constantFrom("storage" as const, "signing" as const),
  attributes: u32,
  policy,
  x: bytes(32, 32),
  y: bytes(32, 32),
});
const nvPublic: fc.Arbitrary<NvPublic> = fc.record({
  index: u32,
  attributes: u32,
  policy,
  size: u16,
});
const clock = fc.record({
  clockMs: u64,
  resetCount: u32,
  restartCount: u32,
  safe: fc.boolean(),
});
const name = bytes(34, 34);
const attest: fc.Arbitrary<Attest> = fc.record({
  qualifiedSigner: name,
  qualifying: bytes(66),
  clock,
  firmware: u64,
  attested: fc.oneof(
    fc.record({ kind: fc.constant("certify" as const), name, qualifiedName: name }),
    fc.record({
      kind: fc.constant("nv" as const),
      indexName: name,
      offset: u16,
      contents: bytes(64),
    }),
    fc.record({
      kind: fc.constant("quote" as const),
      selections: fc.array(
        fc.record({
          algorithm: fc.constantFrom(4, 11, 12),
          pcrs: fc
            .uniqueArray(fc.integer({ min: 0, max: 23 }))
            .map((list) => list.sort((a, b) => a - b)),
        }),
        { maxLength: 4 },
      ),
      pcrDigest: bytes(32, 32),
    }),
    fc.record({ kind: fc.constant("time" as const), timeMs: u64, clock, firmware: u64 }),
  ),
});

function putU64(writer: TpmWriter, value: bigint): TpmWriter {
  return writer.u32(Number(value >> 32n)).u32(Number(value & 0xffff_ffffn));
}

function putClock(writer: TpmWriter, of: Attest["clock"]): TpmWriter {
  return putU64(writer, of.clockMs).u32(of.resetCount).u32(of.restartCount).u8(Number(of.safe));
}

/** TPMS_ATTEST as a TPM writes it; only tests ever do. */
function encodeAttest(of: Attest): Uint8Array {
  const type = { nv: 0x8014, certify: 0x8017, quote: 0x8018, time: 0x8019 }[of.attested.kind];
  const writer = new TpmWriter().u32(0xff544347).u16(type);
  writer.sized(of.qualifiedSigner).sized(of.qualifying);
  putU64(putClock(writer, of.clock), of.firmware);
  const { attested } = of;
  switch (attested.kind) {
    case "certify":
      return writer.sized(attested.name).sized(attested.qualifiedName).done();
    case "nv":
      return writer.sized(attested.indexName).u16(attested.offset).sized(attested.contents).done();
    case "quote":
      writer.u32(attested.selections.length);
      for (const { algorithm, pcrs } of attested.selections) {
        const mask = new Uint8Array(3);
        for (const pcr of pcrs) mask[pcr >> 3] = (mask[pcr >> 3] ?? 0) | (1 << (pcr & 7));
        writer.u16(algorithm).u8(3).raw(mask);
      }
      return writer.sized(attested.pcrDigest).done();
    case "time":
      putClock(putU64(writer, attested.timeMs), attested.clock);
      return putU64(writer, attested.firmware).done();
  }
}

describe("TPM structures", () => {
  it("go round", () => {
    fc.assert(
      fc.property(publicArea, nvPublic, attest, (area, nv, said) => {
        expect(parsePublic(encodePublic(area))).toEqual({ ok: true, value: area });
        expect(parseWhole(encodeNvPublic(nv), takeNvPublic)).toEqual({ ok: true, value: nv });
        expect(parseAttest(encodeAttest(said))).toEqual({ ok: true, value: said });
      }),
      runs,
    );
  });

  it("of one meaning have one encoding: what is read writes the same bytes", () => {
    fc.assert(
      fc.property(attest, fc.nat(), fc.integer({ min: 0, max: 7 }), (said, where, bit) => {
        const whole = encodeAttest(said);
        const at = where % whole.length;
        whole[at] = (whole[at] ?? 0) ^ (1 << bit);
        const parsed = parseAttest(whole);
        if (!parsed.ok) expect(FAULTS.has(parsed.fault.code)).toBe(true);
        else if (parsed.value.attested.kind !== "quote") {
          // A PCR selection may be longer than it needs; everything else is as long as it is.
          expect(encodeAttest(parsed.value)).toEqual(whole);
        }
      }),
      runs,
    );
  });
});

describe("bytes that nobody vouches for", () => {
  const commands = recordedResponses();

  it("are read by every parser without a throw, and never past their end", () => {
    const shape = fc.record({
      makesHandle: fc.boolean(),
      sessions: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(bytes(200), shape, (input, asked) => {
        const framed = Uint8Array.of(0x80, asked.sessions > 0 ? 2 : 1, 0, 0, 0, 10 + input.length);
        const frame = Uint8Array.of(...framed, 0, 0, 0, 0, ...input);
        for (const candidate of [input, frame]) {
          const parsed = parseResponse(candidate, asked);
          if (!parsed.ok) {
            expect(FAULTS.has(parsed.fault.code)).toBe(true);
            expect(parsed.fault.at).toBeLessThanOrEqual(candidate.length);
          }
        }
        for (const { command } of commands) {
          const parsed = command.parse(input, 1);
          if (!parsed.ok) expect(FAULTS.has(parsed.fault.code)).toBe(true);
        }
        parsePublic(input);
        parseAttest(input);
      }),
      { ...runs, numRuns: share(20_000, 500) },
    );
  });

  it("have a meaning as response code, in words, whatever they are", () => {
    fc.assert(
      fc.property(u32, (code) => {
        const meaning = responseCodeOf(code);
        expect(meaning.code).toBe(code);
        expect(meaning.says.length).toBeGreaterThan(0);
      }),
      runs,
    );
  });
});

describe("a command", () => {
  it("says its own length and carries every part in order", () => {
    const auth = fc.record({
      session: u32,
      nonce: bytes(32),
      attributes: fc.integer({ min: 0, max: 255 }),
      hmac: bytes(32),
    });
    const all = fc.tuple(
      u32,
      fc.array(u32, { maxLength: 3 }),
      fc.array(auth, { maxLength: 3 }),
      bytes(300),
    );
    fc.assert(
      fc.property(all, ([code, handles, auths, parameters]) => {
        const entities = handles.map(entityOf);
        const frame = encodeCommand({ code, entities }, auths, parameters);
        const read = parseWhole(frame, (reader) => {
          reader.expect(2, auths.length > 0 ? 0x8002 : 0x8001);
          reader.expect(4, frame.length);
          reader.expect(4, code);
          for (const one of handles) reader.expect(4, one);
          if (auths.length > 0) {
            const area = new TpmReader(reader.bytes(reader.u32()));
            for (const { session, nonce, attributes, hmac } of auths) {
              area.expect(4, session);
              expect(area.sized(32)).toEqual(nonce);
              area.expect(1, attributes);
              expect(area.sized(32)).toEqual(hmac);
            }
            expect(area.finish()).toBeNull();
          }
          return reader.rest();
        });
        expect(read).toEqual({ ok: true, value: parameters });
      }),
      runs,
    );
  });
});
