import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import type { CborKey, CborValue } from "../../../src/codec/cbor/value.js";
import { encodeSign1 } from "../../../src/codec/cose/sign1.js";
import { encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import type { BundleCheckId } from "../../../src/evidence/bundle-findings.js";
import { draftCheckpoint, finishCheckpoint } from "../../../src/evidence/checkpoint.js";
import type { BundleReport } from "../../../src/evidence/verify-bundle.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { bytes } from "../../support/evidence-samples.js";
import { checkLines, flipByPython, makeBundle, makeLogKey } from "../../support/proof-bundle.js";
import {
  carry,
  checkpointOf,
  checkPeriod,
  checkPeriodByPython,
  makePeriod,
  type Asked,
} from "../../support/period-bundle.js";
import { share } from "../../support/share.js";

const key = makeLogKey();
const stranger = makeLogKey();
/** Boot, key, then permits (at even numbers) with their outcomes: 41 entries. */
const log = sampleLog(0, 41);
const { bundle, proof, earlier } = makePeriod(log, { from: 13, to: 29 }, 11, key);
const ofOther = makePeriod(sampleLog(40, 41), { from: 13, to: 29 }, 11, key);

/** Both verifiers' judgement, which must be one. */
function judge(judged: ProofBundle, asked: Asked = {}): BundleReport {
  const report = checkPeriod(judged, asked);
  const python = checkPeriodByPython(judged, asked);
  expect([python.code, ...python.lines]).toEqual([report.ok ? 0 : 1, ...checkLines(report)]);
  return report;
}

function lineOf(report: BundleReport, id: BundleCheckId): string {
  const check = report.checks.find((one) => one.id === id);
  return `${check?.status ?? ""}; ${check?.why ?? check?.note ?? ""}`;
}

const failing = (report: BundleReport): readonly string[] =>
  report.checks.filter(({ status }) => status === "FAIL").map(({ id }) => id);

describe("a bundle of a period", () => {
  it("shows that no entry is left out, and that the log continues what it was [HP-130 allows] [HP-131 allows]", () => {
    const report = judge(bundle, { earlier, period: { from: 13, to: 29 }, trusted: key.spki });
    expect(report.ok).toBe(true);
    expect(lineOf(report, "period")).toBe("PASS; entries 13 to 29");
    expect(lineOf(report, "consistency")).toMatch(/^PASS; from 11 entries with root [0-9a-f]{64}$/);
    expect(lineOf(report, "earlier")).toBe("PASS; over 11 entries");
  });

  it("takes another bundle for the earlier checkpoint, and one over the same entries", () => {
    const before = makeBundle(log.slice(0, 11), [3], key).bundle;
    expect(lineOf(judge(bundle, { earlier: encodeBundle(before) }), "earlier")).toMatch(/^PASS/);
    const same = encodeBundle(makeBundle(log, [3], key).bundle);
    expect(lineOf(judge(bundle, { earlier: same }), "earlier")).toBe("PASS; over 41 entries");
  });

  it("names the root that the log had, also where nobody names an earlier checkpoint", () => {
    for (const size1 of [1, 2, 3, 4, 5, 8, 12, 13]) {
      const made = makePeriod(log, { from: 13, to: 29 }, size1, key);
      const report = judge(made.bundle);
      const before = makeBundle(log.slice(0, size1), [0], key).bundle;
      const root = Buffer.from(checkpointOf(before).root).toString("hex");
      // Of 1, 2 or 4 entries nothing in the bundle knows the root.
      const says = [1, 2, 4].includes(size1)
        ? `NOT PRESENT; only the checkpoint over ${size1} entries can show it (--earlier)`
        : `PASS; from ${size1} entries with root ${root}`;
      expect(lineOf(report, "consistency")).toBe(says);
      const named = judge(made.bundle, { earlier: made.earlier });
      expect(lineOf(named, "consistency")).toBe(`PASS; from ${size1} entries with root ${root}`);
      expect(lineOf(named, "earlier")).toMatch(/^PASS/);
    }
  }, 120_000);

  it("has proofs that hold for every earlier size of every small log, by both verifiers", () => {
    for (const size of [2, 3, 8, 9, 16, 23]) {
      for (let size1 = 1; size1 < size; size1 += share(1, 7)) {
        const made = makePeriod(log.slice(0, size), { from: 0, to: size - 1 }, size1, key);
        expect(judge(made.bundle, { earlier: made.earlier }).ok).toBe(true);
      }
    }
  }, 300_000);

  it("without a proof says NOT PRESENT of it, and still that nothing between is left out", () => {
    const report = judge(carry(bundle, null), { period: { from: 14, to: 29 } });
    expect(report.ok).toBe(true);
    expect(lineOf(report, "consistency")).toBe("NOT PRESENT; ");
    expect(lineOf(report, "earlier")).toBe("NOT PRESENT; ");
    expect(lineOf(report, "period")).toMatch(/^PASS/);
  });

  it("may begin between a permit and its outcome, and says so; a story may not", () => {
    const says = "of outcome 13 it came before entry 13, the outcome of permit 28 is not here";
    const cut = makePeriod(log, { from: 13, to: 28 }, 11, key).bundle;
    expect(judge(cut).checks.find(({ id }) => id === "outcomes")).toMatchObject({
      status: "PASS",
      note: says,
    });
    const asked = judge(carry(cut, null), { period: { from: 13, to: 28 } });
    expect(asked.checks.find(({ id }) => id === "outcomes")?.note).toBe(says);
    expect(lineOf(judge(carry(cut, null)), "outcomes")).toBe("FAIL; outcome 13 has no permit here");
  });

  it("of one entry is a period only where it says so", () => {
    const one = { ...bundle, items: bundle.items.slice(1, 2) };
    expect(lineOf(judge(one), "period")).toBe("PASS; entries 14 to 14");
    expect(lineOf(judge(carry(one, null)), "period")).toBe("NOT PRESENT; ");
  });

  it("with gaps, without a proof and unasked is a story: nothing is said to be whole", () => {
    const items = bundle.items.filter(({ proof: { index } }) => index !== 20 && index !== 21);
    const story = carry({ ...bundle, items: items.slice(1) }, null);
    expect(lineOf(judge(story), "period")).toBe("NOT PRESENT; ");
    expect(judge(story).ok).toBe(true);
  });
});

type Attack = readonly [
  name: string,
  bundle: ProofBundle,
  asked: Asked,
  fails: readonly BundleCheckId[],
  why: RegExp,
];

const { path } = proof;
const without = (index: number): ProofBundle => ({
  ...bundle,
  items: bundle.items.filter((item) => item.proof.index !== index),
});
const moved = bundle.items.map(({ entry, proof: own }) =>
  own.index === 20 ? { entry, proof: { ...own, index: 21 } } : { entry, proof: own },
);
const resigned = (size: number): Uint8Array => {
  const { claim, root } = checkpointOf(makeBundle(log.slice(0, 11), [0], key).bundle);
  const draft = draftCheckpoint({ ...claim, size }, root);
  return finishCheckpoint(draft, key.sign(draft.toBeSigned), null);
};
const ofGateway = (gateway: string): Uint8Array =>
  makeBundle(log.slice(0, 11), [0], key, gateway).bundle.checkpoint;
const forged = (): Uint8Array => {
  const changed = earlier.slice();
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
};
const flipped = path.map((hash, i) => (i === 1 ? bytes(32, 7) : hash));

const ATTACKS: readonly Attack[] = [
  ["a dropped middle entry", without(20), {}, ["period", "outcomes"], /entry 20 is not here/],
  [
    "a dropped middle entry of a bundle whose proof was taken out",
    carry(without(20), null),
    { period: { from: 13, to: 29 } },
    ["period", "outcomes"],
    /entry 20 is not here/,
  ],
  [
    "a dropped last entry of the period that was asked for",
    without(29),
    { period: { from: 13, to: 29 } },
    ["period", "outcomes"],
    /entry 29 is not here/,
  ],
  [
    "a dropped first one",
    without(13),
    { period: { from: 13, to: 29 } },
    ["period"],
    /entry 13 is not here/,
  ],
  [
    "a moved index",
    { ...bundle, items: moved },
    {},
    ["places", "paths", "period", "outcomes"],
    /entry 20: its path is for number 21/,
  ],
  [
    "a proof to another size",
    carry(bundle, { ...proof, size2: 40 }),
    {},
    ["consistency"],
    /it leads to 40 entries, 41 are signed/,
  ],
  [
    "a proof from another size",
    carry(bundle, { ...proof, size1: 9 }),
    {},
    ["consistency"],
    /its path leads to another root/,
  ],
  [
    "a proof from nothing",
    carry(bundle, { ...proof, size1: 0 }),
    {},
    ["consistency"],
    /it leads from 0 entries to 41/,
  ],
  [
    "a proof from as many entries as there are",
    carry(bundle, { ...proof, size1: 41, path: [] }),
    {},
    ["consistency"],
    /it leads from 41 entries to 41/,
  ],
  [
    "a proof of another log",
    carry(bundle, ofOther.proof),
    {},
    ["consistency"],
    /its path leads to another root/,
  ],
  ["a changed hash in it", carry(bundle, { ...proof, path: flipped }), {}, ["consistency"], /./],
  [
    "one hash less in it",
    carry(bundle, { ...proof, path: path.slice(0, -1) }),
    {},
    ["consistency"],
    /its path leads to another root/,
  ],
  [
    "one hash more in it",
    carry(bundle, { ...proof, path: [...path, bytes(32, 1)] }),
    {},
    ["consistency"],
    /its path leads to another root/,
  ],
  ["no hash in it", carry(bundle, { ...proof, path: [] }), {}, ["consistency"], /another root/],
  [
    "the earlier checkpoint of another log",
    bundle,
    { earlier: ofOther.earlier },
    ["earlier"],
    /does not lead from it: this is not the log that it was/,
  ],
  [
    "a whole other log's proof and checkpoint",
    carry(bundle, ofOther.proof),
    { earlier: ofOther.earlier },
    ["consistency", "earlier"],
    /its path leads to another root/,
  ],
  [
    "an earlier checkpoint over another number of entries",
    bundle,
    { earlier: resigned(10) },
    ["earlier"],
    /it is over 10 entries, and the proof leads from 11/,
  ],
  [
    "an earlier checkpoint over more than there are",
    bundle,
    { earlier: resigned(42) },
    ["earlier"],
    /it is over 42 entries, this one over 41/,
  ],
  [
    "another root over the same number of entries",
    bundle,
    { earlier: resigned(41) },
    ["earlier"],
    /another root over the same 41 entries/,
  ],
  [
    "the earlier checkpoint of another gateway",
    bundle,
    { earlier: ofGateway("gw-8") },
    ["earlier"],
    /it is of another gateway or log/,
  ],
  [
    "an earlier checkpoint by another key",
    bundle,
    { earlier: makePeriod(log, { from: 13, to: 29 }, 11, stranger).earlier },
    ["earlier"],
    /it is signed by key [0-9a-f]{16}, which is not here/,
  ],
  [
    "an earlier checkpoint that is not signed",
    bundle,
    { earlier: forged() },
    ["earlier"],
    /its signature does not verify/,
  ],
  [
    "an earlier checkpoint that is none",
    bundle,
    { earlier: bytes(40, 3) },
    ["earlier"],
    /not a COSE_Sign1 \(cbor\)/,
  ],
  [
    "an earlier bundle that is none",
    bundle,
    { earlier: Uint8Array.of(0xd9, 0xd9, 0xf7, 0xa0) },
    ["earlier"],
    /it is no proof bundle of this version/,
  ],
  [
    "a proof that was taken out where an earlier checkpoint is named",
    carry(bundle, null),
    { earlier },
    ["earlier", "outcomes"],
    /no proof leads from it: the bundle has none/,
  ],
];

/** The checkpoint with these unprotected headers: they are not signed. */
function withHeaders(headers: readonly (readonly [CborKey, CborValue])[]): ProofBundle {
  const { sign1 } = checkpointOf(bundle);
  const checkpoint = encodeSign1({ ...sign1, unprotectedHeaders: new Map(headers) });
  return { ...bundle, checkpoint };
}

const withProofs = (...proofs: readonly (readonly [CborKey, CborValue])[]): ProofBundle =>
  withHeaders([[396, new Map(proofs)]]);
const encoded = encodeCbor([proof.size1, proof.size2, proof.path]);

const MALFORMED: readonly (readonly [string, ProofBundle, string])[] = [
  ["two proofs", withProofs([-2, [encoded, encoded]]), "not one consistency proof"],
  ["an empty list", withProofs([-2, []]), "not one consistency proof"],
  ["an inclusion proof", withProofs([-1, [encoded]]), "not one consistency proof"],
  [
    "an inclusion proof besides",
    withProofs([-1, [encoded]], [-2, [encoded]]),
    "unprotected headers of another version",
  ],
  [
    "another header",
    withHeaders([
      [33, encoded],
      [396, new Map([[-2, [encoded]]])],
    ]),
    "unprotected headers of another version",
  ],
  ["no map", withHeaders([[396, encoded]]), "unprotected headers of another version"],
  ["a header that is signed as well", withHeaders([[395, 1]]), "not a COSE_Sign1 (headers)"],
  [
    "a proof that is not in bytes",
    withProofs([-2, [[11, 41, []]]]),
    "a consistency proof that is no byte string",
  ],
  ...[
    ["two numbers only", [11, 41]],
    ["a negative size", [-11, 41, proof.path]],
    ["a text for its size", ["11", 41, proof.path]],
    ["a hash that is too short", [11, 41, [bytes(31, 1)]]],
    ["more hashes than any tree has", [11, 41, Array.from({ length: 107 }, () => bytes(32, 1))]],
  ].map(
    ([name, value]) =>
      [
        String(name),
        withProofs([-2, [encodeCbor(value ?? null)]]),
        "a consistency proof of another shape",
      ] as const,
  ),
];

describe("a bundle of a period fails, by both verifiers in the same words, for", () => {
  it.each(ATTACKS)(
    "%s [HP-130 refuses] [HP-131 refuses]",
    (_name, ...[attacked, asked, fails, why]) => {
      const report = judge(attacked, asked);
      expect(failing(report)).toEqual(fails);
      expect(report.checks.find(({ status }) => status === "FAIL")?.why).toMatch(why);
    },
  );

  it.each(MALFORMED)("a consistency proof that is %s", (_name, attacked, why) => {
    const report = judge(attacked);
    expect(failing(report)[0]).toBe("checkpoint");
    expect(lineOf(report, "checkpoint")).toBe(`FAIL; ${why}`);
  });

  it("any single bit of its proof that is changed", () => {
    const small = makePeriod(log.slice(0, 11), { from: 6, to: 8 }, 5, key);
    const whole = encodeBundle(small.bundle);
    const stride = share(3, 37);
    expect(flipByPython(whole, stride)).toMatch(/^\d+ \[\]$/);
    const accepted: number[] = [];
    for (let i = 0; i < small.proof.path.length; i += 1) {
      for (let bit = 0; bit < 256; bit += 1) {
        const changed = small.proof.path.map((hash, at) => {
          const copy = hash.slice();
          if (at === i) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          return copy;
        });
        const report = checkPeriod(carry(small.bundle, { ...small.proof, path: changed }));
        if (report.ok) accepted.push(i * 256 + bit);
      }
    }
    expect(accepted).toEqual([]);
  }, 300_000);
});
