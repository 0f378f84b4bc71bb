import { encode } from "cborg";
import { describe, expect, it } from "vitest";
import { CborWriter } from "../../../src/codec/cbor/writer.js";
import { encodeEntry } from "../../../src/evidence/encode-entry.js";
import type { EntryBody } from "../../../src/kernel/record/entry.js";
import { bytes } from "../../support/evidence-samples.js";

const PREV = bytes(32, 0xab);
const ID = bytes(16, 1);
const BOOT_ID = bytes(16, 9);
const PROFILE = bytes(32, 7);
const MONO_US = 1_234_567;

const LOOK = {
  monoUs: MONO_US,
  tags: [{ tag: 3, raw: 2_000, quality: "rate", ageUs: 250_000 }],
  kernel: [
    { kind: "gateway", index: 0, value: 1 },
    { kind: "window-oldest", index: 4, value: null, ageUs: 70_000 },
  ],
  mode: "holding",
  latched: ["T-01"],
  bypasses: [],
  lease: { gainSeq: 5, leftUs: 4_000_000 },
} as const;
/** The same, field by field as evidence.cddl has it. */
const LOOK_FIELDS = new Map<number, unknown>([
  [1, MONO_US],
  [2, [[3, 2_000, 4, 250_000]]],
  [
    3,
    [
      [14, 0, 1],
      [1, 4, null, 70_000],
    ],
  ],
  [4, 3],
  [5, ["T-01"]],
  [6, []],
  [7, [5, 4_000_000]],
]);

describe("an entry, byte for byte as evidence.cddl has it", () => {
  it("is a decision of a controller [HP-071 allows]", () => {
    const body: EntryBody = {
      type: "decision",
      id: ID,
      source: {
        kind: "controller",
        door: "modbus-tcp",
        controller: "ai",
        auth: "address",
        kid: null,
      },
      bytes: Uint8Array.of(6, 0, 41, 19, 136),
      bytesHash: null,
      writes: [{ output: 4, asked: 5_000, given: null, was: 3_500, wasProven: true }],
      verdict: "deny",
      reasons: [{ code: "range", rule: null, output: 4, limit: 50, freeUs: null }],
      profile: PROFILE,
      look: LOOK,
      sinceArrivalUs: 90,
    };
    const fields = new Map<number, unknown>([
      [1, ID],
      [2, [0, 0, "ai", 0, null]],
      [3, Uint8Array.of(6, 0, 41, 19, 136)],
      [5, [[4, 5_000, null, 3_500, true]]],
      [6, 2],
      [7, [[17, null, 4, 50, null]]],
      [8, PROFILE],
      [9, LOOK_FIELDS],
      [10, 90],
    ]);
    expect(written(body, null)).toEqual(byHand(0, fields, null));
  });

  it("is an outcome with its cause [HP-071 allows]", () => {
    const body: EntryBody = {
      type: "outcome",
      id: ID,
      outcome: "withdrawn",
      reply: null,
      sincePermitUs: 2_300,
      readBack: [{ output: 5, raw: null }],
      reasons: [{ code: "dwell", rule: null, output: 5, limit: null, freeUs: 1_000_000 }],
      look: LOOK,
    };
    const fields = new Map<number, unknown>([
      [1, ID],
      [2, 4],
      [4, 2_300],
      [5, [[5, null]]],
      [6, [[34, null, 5, null, 1_000_000]]],
      [7, LOOK_FIELDS],
    ]);
    expect(written(body, 4_710)).toEqual(byHand(1, fields, 4_710));
  });
});

function written(body: EntryBody, cause: number | null): string {
  const writer = new CborWriter();
  const stamp = { utcUs: 1_790_000_000_000_000, bootId: BOOT_ID, boot: 2, quality: 1 } as const;
  encodeEntry(writer, { seq: 4_711, monoUs: MONO_US, cause, body }, PREV, stamp);
  return Buffer.from(writer.copy()).toString("hex");
}

/** By another CBOR library, from the numbers of the CDDL. */
function byHand(type: number, fields: ReadonlyMap<number, unknown>, cause: number | null): string {
  const entry = new Map<number, unknown>([
    [1, 1],
    [2, 4_711],
    [3, PREV],
    [4, type],
    [5, [1_790_000_000_000_000, MONO_US, BOOT_ID, 2, 1]],
    [6, fields],
  ]);
  if (cause !== null) entry.set(7, cause);
  return Buffer.from(encode(entry)).toString("hex");
}
