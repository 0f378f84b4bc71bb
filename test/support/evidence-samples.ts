import { hash } from "node:crypto";
import type {
  BootBody,
  DecisionBody,
  Entry,
  EntryBody,
  OutcomeBody,
} from "../../src/kernel/record/entry.js";
import type { Look } from "../../src/kernel/record/look.js";
import type { Stamp } from "../../src/evidence/stamp.js";

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

export const bytes = (length: number, fill: number): Uint8Array =>
  new Uint8Array(length).fill(fill);

export const STAMP: Stamp = {
  utcUs: 1_790_000_000_000_000,
  bootId: bytes(16, 9),
  boot: 1,
  quality: 2,
};

export const LOOK: Look = {
  monoUs: 123_456_789,
  tags: [
    { tag: 0, raw: 2, quality: "good", ageUs: 120_000 },
    { tag: 10, raw: 0xffff_ffff, quality: "late", ageUs: 3_000_000 },
    { tag: 11, raw: null, quality: "never-read", ageUs: 0 },
  ],
  kernel: [
    { kind: "gateway", index: 0, value: 1 },
    { kind: "proven", index: 4, value: 3000, ageUs: 250_000 },
    { kind: "planned", index: 4, value: null },
    { kind: "window-oldest", index: 4, value: null, ageUs: 12 },
    { kind: "in-flight", index: 0, value: -3 },
  ],
  mode: "enforcing",
  latched: ["T-01", "T-02"],
  bypasses: [],
  lease: { gainSeq: 7, leftUs: 4_200_000 },
};

export function decisionBody(id = 1): DecisionBody {
  return {
    type: "decision",
    id: bytes(16, id),
    source: {
      kind: "controller",
      door: "modbus-tcp",
      controller: "ai",
      auth: "address",
      kid: null,
    },
    bytes: Uint8Array.of(6, 0, 41, 11, 184),
    bytesHash: null,
    writes: [{ output: 4, asked: 3000, given: 3000, was: 2900, wasProven: true }],
    verdict: "permit",
    reasons: [],
    profile: bytes(32, 7),
    look: LOOK,
    sinceArrivalUs: 180,
  };
}

export function outcomeBody(id = 1): OutcomeBody {
  return {
    type: "outcome",
    id: bytes(16, id),
    outcome: "done",
    reply: Uint8Array.of(6, 0, 41, 11, 184),
    sincePermitUs: 2_300,
    readBack: [
      { output: 4, raw: 3000 },
      { output: 5, raw: null },
    ],
    reasons: null,
    look: { ...LOOK, tags: [], kernel: [], lease: null },
  };
}

export const BOOT: BootBody = {
  type: "boot",
  boot: 1,
  software: bytes(32, 1),
  profile: bytes(32, 7),
  site: bytes(32, 3),
  recovery: { found: "clean", fromSeq: 0, cutBytes: 0, cutHash: null },
  semantics: 1,
  key: "file",
  splitEnforced: false,
  nv: null,
  parachute: null,
};

export function bootBody(boot: number): BootBody {
  return { ...BOOT, boot };
}

/** At least one body of every type, and of every optional field both with and without. */
export const BODIES: readonly EntryBody[] = [
  BOOT,
  {
    ...BOOT,
    recovery: { found: "torn", fromSeq: 9, cutBytes: 4, cutHash: bytes(32, 5) },
    key: "tpm-software",
    splitEnforced: true,
    nv: null,
    parachute: bytes(3, 1),
  },
  decisionBody(),
  {
    ...decisionBody(2),
    bytes: new Uint8Array(0),
    bytesHash: bytes(32, 4),
    writes: Uint8Array.of(6, 0, 99, 0, 1),
    verdict: "deny",
    reasons: [
      { code: "range", rule: null, output: 4, limit: 50.25, freeUs: null },
      { code: "ramp", rule: "r", output: 4, limit: -0.1, freeUs: 12_000 },
      { code: "step", rule: "Pumpe läuft ✓", output: null, limit: 1e21, freeUs: null },
    ],
  },
  {
    ...decisionBody(3),
    source: { kind: "person", person: "kim", signature: bytes(64, 1) },
    verdict: "hold",
    writes: [
      { output: 0, asked: 1, given: null, was: null, wasProven: false },
      { output: 5, asked: 0xffff_ffff, given: null, was: 0, wasProven: false },
    ],
    look: { ...LOOK, lease: null },
  },
  { ...decisionBody(4), source: { kind: "own", cause: "revert" }, verdict: "clamp" },
  {
    ...decisionBody(5),
    source: {
      kind: "controller",
      door: "mqtt",
      controller: "x",
      auth: "signature",
      kid: bytes(8, 2),
    },
  },
  outcomeBody(),
  {
    type: "outcome",
    id: bytes(16, 2),
    outcome: "withdrawn",
    reply: null,
    sincePermitUs: null,
    readBack: null,
    reasons: [{ code: "withdrawn", rule: null, output: null, limit: null, freeUs: null }],
    look: null,
  },
  { type: "mode", from: "starting", to: "enforcing", why: "ready", look: LOOK },
  { type: "mode", from: "enforcing", to: "holding", why: "", look: null },
  { type: "trip", rule: "T-01", event: "fired-unknown", look: LOOK, sinceUs: 3, firstOut: "T-01" },
  {
    type: "safe-step",
    step: 0,
    output: 0,
    given: 1,
    state: "proven",
    readBack: 1,
    attempt: 2,
    sinceCauseUs: 9,
  },
  {
    type: "safe-step",
    step: 1,
    output: 1,
    given: 0,
    state: "late",
    readBack: null,
    attempt: 1,
    sinceCauseUs: 9,
  },
  { type: "lease", controller: "ai", event: "gained", us: 5_000_000, then: null },
  { type: "lease", controller: "ai", event: "lapsed", us: 5_000_000, then: "revert" },
  {
    type: "operator-act",
    act: "stop-ai",
    person: "kim",
    signature: null,
    why: "drill",
    details: null,
  },
  {
    type: "operator-act",
    act: "reset",
    person: "kim",
    signature: bytes(64, 8),
    why: "checked",
    details: bytes(2, 2),
  },
  {
    type: "profile",
    digest: bytes(32, 7),
    bytes: bytes(1000, 0x20),
    signatures: [{ kid: bytes(32, 1), signature: bytes(64, 2) }],
    event: "loaded",
    previous: null,
    proof: null,
    why: null,
  },
  {
    type: "profile",
    digest: bytes(32, 7),
    bytes: { part: 1, of: 3, whole: bytes(32, 7), bytes: bytes(49_152, 1) },
    signatures: [],
    event: "activated",
    previous: bytes(32, 6),
    proof: bytes(32, 5),
    why: "tighter",
  },
  {
    type: "profile",
    digest: bytes(32, 7),
    bytes: null,
    signatures: [],
    event: "expired",
    previous: null,
    proof: null,
    why: null,
  },
  { type: "site", digest: bytes(32, 3), event: "new" },
  { type: "key", event: "made", spki: bytes(91, 3) },
  { type: "anchor", kind: "rfc3161", token: bytes(10, 1), size: 4, signature: null },
  { type: "anchor", kind: "nv-certify", token: bytes(10, 1), size: 4, signature: bytes(64, 1) },
  {
    type: "flood",
    controller: "ai",
    output: 4,
    rules: ["range", "P-01"],
    count: 900,
    firstUs: 1,
    lastUs: 2,
    least: -1.5,
    most: 1e-7,
    digest: bytes(32, 1),
  },
  {
    type: "flood",
    controller: "ai",
    output: null,
    rules: [],
    count: 1,
    firstUs: 1,
    lastUs: 2,
    least: null,
    most: null,
    digest: bytes(32, 1),
  },
  { type: "device", device: "plc", event: "up", detail: null },
  { type: "device", device: "plc", event: "down", detail: "closed" },
  { type: "clock", stepUs: -3_600_000_000, quality: 1 },
  {
    type: "snapshot",
    semantics: 1,
    profile: bytes(32, 7),
    state: bytes(30, 1),
    foldedTo: 12,
  },
  { type: "notice", what: "proof-test", details: null },
  {
    type: "notice",
    what: "adopted",
    details: new Map<string, number | string | Uint8Array | boolean | null>([
      ["raw", 3],
      ["at-us", 77],
      ["note", "ä"],
      ["hash", bytes(4, 4)],
      ["yes", true],
      ["none", null],
    ]),
  },
];

export function entryOf(body: EntryBody, seq: number, cause: number | null = null): Entry {
  return { seq, monoUs: 1_000_000 + seq * 1000, cause, body };
}
