import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { isCborMap, type CborKey, type CborValue } from "../../../src/codec/cbor/value.js";
import { encodeSign1 } from "../../../src/codec/cose/sign1.js";
import { decodeBundle, encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import { BUNDLE_CHECKS, type BundleCheckId } from "../../../src/evidence/bundle-findings.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  readCheckpoint,
} from "../../../src/evidence/checkpoint.js";
import { sampleLog } from "../../support/evidence-rig.js";
import {
  bytes,
  decisionBody,
  entryOf,
  outcomeBody,
  sha256,
} from "../../support/evidence-samples.js";
import {
  check,
  checkByPython,
  checkLines,
  flipByPython,
  makeBundle,
  makeLogKey,
} from "../../support/proof-bundle.js";
import { share } from "../../support/share.js";

const PROFILE = new TextEncoder().encode("profile: station\n");
const key = makeLogKey();
/** Boot, key, then permits with their outcomes: the permit 4 with its outcome 5 among 11 entries. */
const log = sampleLog(0, 11).map((entry) =>
  entry.body.type === "decision"
    ? { ...entry, body: { ...entry.body, profile: sha256(PROFILE) } }
    : entry,
);
const { bundle } = makeBundle(log, [4, 5], key);
const [first, second] = bundle.items;
if (first === undefined || second === undefined) throw new Error("two entries were asked for");

/** Signed by the same key, over the same root, but of another size. */
function resize(size: number): ProofBundle {
  const read = readCheckpoint(bundle.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const { claim, root } = read.checkpoint;
  const draft = draftCheckpoint({ ...claim, size }, root);
  return { ...bundle, checkpoint: finishCheckpoint(draft, key.sign(draft.toBeSigned), null) };
}

function withCheckpoint(from: ProofBundle): ProofBundle {
  return { ...bundle, checkpoint: from.checkpoint, key: from.key };
}

/** [11.0, 4, []] with a half-precision float. */
const FLOAT_SIZE = Uint8Array.of(0x83, 0xf9, 0x49, 0x80, 0x04, 0x80);

type Attack = readonly [
  name: string,
  bundle: ProofBundle,
  /** What fails, and why the first does. */
  fails: readonly BundleCheckId[],
  why: RegExp,
];

const stranger = makeLogKey();
const foreign = makeBundle(sampleLog(0, 30), [4, 5], stranger, "gw-8").bundle;
const longer = makeBundle([...log, entryOf(decisionBody(9), 11)], [4, 5], key).bundle;
const rewritten = makeBundle(
  log.map((entry) => (entry.seq === 5 ? entryOf(outcomeBody(77), 5) : entry)),
  [5],
  key,
);

const ATTACKS: readonly Attack[] = [
  [
    "a tree size that is not the signed one",
    { ...bundle, items: bundle.items.map((i) => ({ ...i, proof: { ...i.proof, size: 12 } })) },
    ["sizes"],
    /entry 4: its path is for 12 entries, 11 are signed/,
  ],
  ["a checkpoint signed for another size", resize(12), ["sizes"], /for 11 entries, 12 are signed/],
  [
    "an entry moved to another index",
    { ...bundle, items: [{ ...first, proof: second.proof }] },
    ["places", "paths"],
    /entry 4: its path is for number 5/,
  ],
  [
    "an entry with a changed byte",
    { ...bundle, items: [{ ...first, entry: changeStamp(first.entry) }, second] },
    ["paths", "chain"],
    /entry 4: its path leads to another root/,
  ],
  [
    "an entry of a rewritten log under this checkpoint",
    { ...bundle, items: rewritten.bundle.items },
    ["paths", "outcomes"],
    /entry 5: its path leads to another root/,
  ],
  [
    "a checkpoint of a longer log of the same gateway",
    withCheckpoint(longer),
    ["sizes", "paths"],
    /its path is for 11 entries, 12 are signed/,
  ],
  [
    "the checkpoint of another gateway",
    withCheckpoint(foreign),
    ["sizes", "paths"],
    /for 11 entries, 30 are signed/,
  ],
  [
    "another key than the one that signed",
    { ...bundle, key: { ...bundle.key, spki: stranger.spki } },
    ["key", "signature"],
    /it names key [0-9a-f]{16}, and another is here/,
  ],
  [
    "a key of another curve",
    { ...bundle, key: { ...bundle.key, spki: makeLogKey("P-384").spki } },
    ["key", "signature"],
    /another is here/,
  ],
  [
    "a signature by another key",
    { ...bundle, checkpoint: signedBy(stranger.sign) },
    ["signature"],
    /its signature does not verify/,
  ],
  [
    "a swapped profile",
    { ...bundle, profile: new TextEncoder().encode("profile: statioN\n") },
    ["profile"],
    /decision 4 names profile [0-9a-f]{16}, this one is [0-9a-f]{16}/,
  ],
  [
    "an outcome without its permit",
    { ...bundle, items: [second] },
    ["outcomes"],
    /outcome 5 has no permit here/,
  ],
  [
    "entries in another order",
    { ...bundle, items: [second, first] },
    ["order", "outcomes"],
    /entry 4 comes after entry 5/,
  ],
  [
    "the same entry twice",
    { ...bundle, items: [first, first, second] },
    ["order"],
    /entry 4 comes after entry 4/,
  ],
  [
    "an entry that is none",
    { ...bundle, items: [first, { ...second, entry: bytes(40, 0xa0) }] },
    ["entries", "paths"],
    /entry at path 5 is none/,
  ],
  [
    "a checkpoint with a proof that leads elsewhere",
    { ...bundle, checkpoint: withProof() },
    ["consistency"],
    /its path leads to another root/,
  ],
  [
    "a key that is for other entries",
    { ...bundle, key: { ...bundle.key, validSeq: { from: 5, to: 9 } } },
    ["key"],
    /entry 4: the key is for entries 5 to 9/,
  ],
  [
    "an attestation that is none",
    {
      ...bundle,
      key: {
        ...bundle.key,
        attestation: {
          attester: bytes(3, 1),
          certifyInfo: bytes(3, 2),
          signature: bytes(3, 3),
          certified: bytes(3, 4),
        },
      },
    },
    ["attest", "certified", "attester"],
    /it is no attest of a TPM that certifies a key/,
  ],
  ["outside evidence", { ...bundle, outside: [bytes(4, 4)] }, ["outside"], /not in the form/],
  ["profile signatures", { ...bundle, profileSignatures: [bytes(4, 4)] }, ["people"], /cannot/],
];

/** Wall time in the stamp: still a whole entry. */
function changeStamp(entry: Uint8Array): Uint8Array {
  const changed = entry.slice();
  const at = 1 + 2 + 2 + 1 + 34 + 2 + 1 + 1 + 1 + 7;
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

function signedBy(sign: (toBeSigned: Uint8Array) => Uint8Array): Uint8Array {
  const read = readCheckpoint(bundle.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const draft = draftCheckpoint(read.checkpoint.claim, read.checkpoint.root);
  return finishCheckpoint(draft, sign(draft.toBeSigned), null);
}

function withProof(): Uint8Array {
  const read = readCheckpoint(bundle.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const { claim, root, sign1 } = read.checkpoint;
  const proof = { size1: 10, size2: 11, path: [bytes(32, 1)] };
  return finishCheckpoint(draftCheckpoint(claim, root), sign1.signature, proof);
}

describe("a proof bundle", () => {
  it("comes back as it was made, with and without everything optional", () => {
    const full: ProofBundle = {
      ...bundle,
      key: {
        ...bundle.key,
        certificates: [bytes(5, 1)],
        endorsement: [bytes(5, 2), bytes(6, 3)],
        attestation: {
          attester: bytes(3, 1),
          certifyInfo: bytes(3, 2),
          signature: bytes(3, 3),
          certified: bytes(3, 4),
        },
        validSeq: { from: 0, to: 9 },
        software: false,
      },
      outside: [bytes(9, 9)],
      profile: PROFILE,
      profileSignatures: [bytes(64, 8)],
    };
    for (const made of [bundle, full]) {
      expect(decodeBundle(encodeBundle(made))).toEqual({ ok: true, bundle: made });
    }
  });

  it("passes every check on what is there, and says what is not", () => {
    const report = check({ ...bundle, profile: PROFILE }, { trusted: key.spki });
    const status = new Map(report.checks.map(({ id, status: is }) => [id, is]));
    expect(report.ok).toBe(true);
    for (const { id } of BUNDLE_CHECKS) {
      const isThere = !ABSENT.includes(id);
      expect(`${id} ${status.get(id) ?? ""}`).toBe(`${id} ${isThere ? "PASS" : "NOT PRESENT"}`);
    }
    expect(checkLines(report)).toContain(
      "NOT PRESENT  the key was made in a TPM and cannot leave it; key: software, not hardware",
    );
  });

  it("without the word software proves no hardware either", () => {
    const report = check({ ...bundle, key: { ...bundle.key, software: false } });
    expect(report.checks.find(({ id }) => id === "hardware")).toMatchObject({
      status: "NOT PRESENT",
      note: "nothing that is checked here says so",
    });
  });

  it("fails under a trusted key that is not its own", () => {
    const report = check(foreign, { trusted: key.spki });
    expect(report.checks.filter(({ status }) => status === "FAIL")).toMatchObject([
      { id: "trust", why: "it is not a trusted key" },
    ]);
    expect(check(foreign).ok).toBe(true);
    const python = checkByPython(encodeBundle(foreign), key.spki);
    expect([python.code, ...python.lines]).toEqual([1, ...checkLines(report)]);
  });

  it("is checked by the Python verifier with the same result in the same words", () => {
    const whole = { ...bundle, profile: PROFILE };
    const python = checkByPython(encodeBundle(whole), key.spki);
    expect([python.code, ...python.lines]).toEqual([
      0,
      ...checkLines(check(whole, { trusted: key.spki })),
    ]);
    expect(python.out).toContain("key: software, not hardware\nPASS\n");
  });

  it.each(ATTACKS)("fails for %s, by both verifiers", (_name, attacked, fails, why) => {
    const report = check(attacked);
    const failing = report.checks.filter(({ status }) => status === "FAIL");
    expect(failing.map(({ id }) => id)).toEqual(fails);
    expect(failing[0]?.why).toMatch(why);
    expect(report.ok).toBe(false);
    const python = checkByPython(encodeBundle(attacked));
    expect([python.code, ...python.lines]).toEqual([1, ...checkLines(report)]);
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["something behind it", Uint8Array.from([...encodeBundle(bundle), 0])],
    ["no mark", encodeBundle(bundle).slice(3)],
    ["half of it", encodeBundle(bundle).slice(0, 700)],
    ["no entry", encodeBundle({ ...bundle, items: [] })],
    ["an empty list", encodeBundle(bundle).slice(0, -1)],
    ["a longer head than needed", stretch(encodeBundle(bundle))],
    ["a null for its profile", withField(5, null)],
    ["an empty list of outside evidence", withField(4, [])],
    ["a field that is not of this version", withField(7, bytes(1, 1))],
    ["a mark of another version", withField(0, "holdpoint-proof/2")],
    ["a path that is no hash", withField(2, [[first.entry, encodeCbor([11, 4, [bytes(31, 1)]])]])],
    ["a path with a float for its size", withField(2, [[first.entry, FLOAT_SIZE]])],
    ["a key with a word other than software", withField(3, keyWith(6, "hardware"))],
    ["a key with a span that ends before it begins", withField(3, keyWith(5, [9, 5]))],
    ["a key with half an attestation", withField(3, keyWith(4, new Map([[1, bytes(1, 1)]])))],
    ["a key with a field of another version", withField(3, keyWith(7, bytes(1, 1)))],
  ])("is none when it is %s", (_name, content) => {
    const report = check(content);
    expect(report.checks.filter(({ status }) => status === "FAIL").map(({ id }) => id)).toEqual([
      "form",
    ]);
    expect(report.checks.filter(({ status }) => status === "PASS")).toEqual([]);
    expect(checkByPython(content)).toMatchObject({ code: 1, lines: checkLines(report) });
  });

  it("is refused by both verifiers with any single bit changed", () => {
    const stride = share(1, 11);
    const whole = encodeBundle(bundle);
    const accepted: number[] = [];
    let tried = 0;
    for (let bit = 0; bit < whole.length * 8; bit += stride) {
      const changed = whole.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      tried += 1;
      if (check(changed).ok) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
    expect(flipByPython(whole, stride)).toBe(`${tried} []`);
  }, 900_000);

  it("of a decision and its outcome is at most 2,500 bytes at 4,096 leaves, 4,000 at 10 million, without key bundle", () => {
    const made = makeBundle(sampleLog(0, 4096), [2500, 2501], key).bundle;
    const length = encodeBundle(made).length;
    const keyLength = key.spki.length + 2 + 3 + 9 + 2;
    console.log(
      `a bundle of two sample entries at 4,096 leaves: ${length} bytes, key ${keyLength}`,
    );
    expect(length - keyLength).toBeLessThanOrEqual(2_500);
    expect(check(made).ok).toBe(true);
    const size = 10_000_000;
    const path = Array.from({ length: HIGH }, (_, i) => bytes(32, i));
    const items = made.items.map(({ entry }, i) => ({
      entry: Uint8Array.from([...entry, 0, 0]),
      proof: { size, index: size - 2 + i, path },
    }));
    expect(encodeBundle({ ...made, items }).length - keyLength).toBeLessThanOrEqual(4_000);
  });
});

/** Not in a bundle of a key in a file, whose attest and certificates key-bundle.test.ts tries. */
const ABSENT: readonly BundleCheckId[] = [
  "consistency",
  "earlier",
  ...(["people", "attest", "certified", "attributes", "attester", "certificate"] as const),
  ...(["roots", "endorsement", "hardware", "outside", "anchor", "stamp"] as const),
];

/** At most so many hashes are in a path of a tree of 10 million. */
const HIGH = 24;

/** The bundle with one field more, or another. */
function withField(field: number, value: CborValue): Uint8Array {
  const decoded = decodeCbor(encodeBundle(bundle));
  if (!decoded.ok || typeof decoded.value !== "object" || decoded.value === null) throw new Error();
  if (!("tag" in decoded.value) || !isCborMap(decoded.value.value)) throw new Error("no map");
  const fields = new Map<CborKey, CborValue>([...decoded.value.value, [field, value]]);
  return encodeCbor({ tag: 55_799, value: fields });
}

function keyWith(field: number, value: CborValue): CborValue {
  return new Map<number, CborValue>([
    [1, key.spki],
    [field, value],
  ]);
}

/** The version's text with its length in two bytes. */
function stretch(content: Uint8Array): Uint8Array {
  const at = 5;
  return Uint8Array.from([...content.slice(0, at), 0x78, 17, ...content.slice(at + 1)]);
}

describe("a checkpoint in a bundle", () => {
  it("is the one of the log without what is not signed", () => {
    const read = readCheckpoint(withProof());
    if (!read.ok) throw new Error(read.why);
    expect(encodeSign1({ ...read.checkpoint.sign1, unprotectedHeaders: new Map() })).toEqual(
      bundle.checkpoint,
    );
  });
});
