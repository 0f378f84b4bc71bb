import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FoundEntry } from "../../src/cli/evidence-files.js";
import { verifyEvidence } from "../../src/cli/evidence-verify.js";
import { hex } from "../../src/evidence/hex.js";
import { ENTRY_TYPES, VERDICTS, type Entry } from "../../src/kernel/record/entry.js";
import { REASONS } from "../../src/kernel/record/reason.js";
import { compileCorpus, makeCorpus, makeCorpusKey, type CorpusKey } from "../support/corpus.js";
import { EVENTS, NOT_PRODUCED, NOT_WRITTEN, PRODUCED } from "../support/corpus-expected.js";
import { forgeLog, framesOf } from "../support/corpus-forgery.js";
import {
  entriesOf,
  judgeSegments,
  readSegments,
  tallyEntries,
  type Segments,
  type Tally,
} from "../support/corpus-reading.js";
import { seeded } from "../support/seeded.js";
import { share } from "../support/share.js";

const SEED = 20_261_204;
const COMMANDS = share(100_000, 6_000);
const REASON_LEAST = share(50, 3);
const LIMIT_MS = 1_800_000;
const PROFILE = readFileSync(new URL("../support/corpus-profile.yaml", import.meta.url));
const profile = compileCorpus(PROFILE);
const LOAD = profile.model.outputs.findIndex(({ name }) => name === "load");

type Corpus = {
  readonly directory: string;
  readonly key: CorpusKey;
  readonly segments: Segments;
  readonly entries: readonly FoundEntry[];
  readonly tally: Tally;
};

const made: string[] = [];
let corpus: Corpus;

async function build(
  commands: number,
  segmentBytesMax: number,
  profiles: readonly Uint8Array[] = [PROFILE],
): Promise<Corpus> {
  const directory = mkdtempSync(join(tmpdir(), "holdpoint-corpus-"));
  made.push(directory);
  const key = makeCorpusKey();
  const options = { directory, profiles, seed: SEED, commands, segmentBytesMax };
  const { runs, seconds } = await makeCorpus({ ...options, signer: key.signer });
  const segments = readSegments(directory);
  const entries = entriesOf(segments);
  const tally = tallyEntries(entries);
  console.log(
    `corpus of seed ${SEED}: ${commands} commands in ${runs} runs, ${seconds} s of plant time, ${entries.length} entries, ${segments.size} segments`,
  );
  return { directory, key, segments, entries, tally };
}

beforeAll(async () => {
  corpus = await build(COMMANDS, 400_000);
}, LIMIT_MS);

afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

async function verify(
  directory: string,
  changed: string | null,
): Promise<{ readonly code: number; readonly text: string }> {
  let text = "";
  const out = { write: (more: string) => void (text += more) };
  const command = { directory, replay: true, profile: changed, trust: null, json: false };
  const code = await verifyEvidence(command, { out, err: { write: () => undefined } });
  return { code, text };
}

describe(`a replay corpus of ${COMMANDS} commands`, () => {
  it("holds at least a twentieth of each verdict", () => {
    const { verdicts } = corpus.tally;
    console.log(`verdicts: ${[...verdicts].join("; ")}`);
    const total = [...verdicts.values()].reduce((sum, count) => sum + count, 0);
    for (const verdict of VERDICTS) {
      expect((verdicts.get(verdict) ?? 0) / total, verdict).toBeGreaterThanOrEqual(0.05);
    }
  });

  it(`holds each reason that can be on record at least ${REASON_LEAST} times`, () => {
    const { reasons } = corpus.tally;
    console.log(`reasons: ${[...reasons].join("; ")}`);
    const rare = PRODUCED.filter((code) => (reasons.get(code) ?? 0) < REASON_LEAST);
    expect(rare).toEqual([]);
    expect([...reasons.keys()].filter((code) => !PRODUCED.includes(code))).toEqual([]);
  });

  it("knows of every reason of the catalogue whether it can be on record, and why not", () => {
    const listed = [...PRODUCED, ...Object.keys(NOT_PRODUCED)];
    expect([...listed].sort()).toEqual(REASONS.map(({ code }) => code).sort());
  });

  it("holds every kind of entry that is written, and everything that can befall a gateway", () => {
    const { events } = corpus.tally;
    const types = [...events].filter(([name]) => ENTRY_TYPES.some((type) => type === name));
    console.log(`entries: ${types.sort().join("; ")}`);
    console.log(
      `events: ${[...events]
        .filter(([name]) => name.includes(" "))
        .sort()
        .join("; ")}`,
    );
    expect(EVENTS.filter((event) => !events.has(event))).toEqual([]);
    const written = [...types.map(([name]) => name), ...Object.keys(NOT_WRITTEN)];
    expect(written.sort()).toEqual([...ENTRY_TYPES].sort());
  });

  it(
    "is judged again without a difference, at both levels [HP-075 allows] [HP-076 allows]",
    { timeout: LIMIT_MS },
    async () => {
      const { report, findings, counts } = judgeSegments(corpus.segments, { profiles: [profile] });
      expect(findings.slice(0, 20).map(({ place, why }) => `${place.seq}: ${why}`)).toEqual([]);
      const looked = new Map(report.checks.map((check) => [check.id, check.looked]));
      const decisions = corpus.entries.filter(
        ({ entry }) => entry.body.type === "decision" && entry.body.source.kind === "controller",
      );
      expect(counts?.unfolded).toBe(0);
      expect(looked.get("verdicts")).toBe(decisions.length + (counts?.secondLooks ?? NaN));
      expect(looked.get("facts")).toBeGreaterThan(looked.get("verdicts") ?? NaN);
      const { code, text } = await verify(corpus.directory, null);
      expect(text).toContain("every verdict follows from profile and recorded facts (L1)");
      expect({ code, fails: text.includes("FAIL") }).toEqual({ code: 0, fails: false });
    },
  );

  it("is folded from its first snapshot where older segments are gone", () => {
    const [first] = corpus.segments.keys();
    const later = new Map([...corpus.segments].filter(([name]) => name !== first));
    const { findings, counts } = judgeSegments(later, { profiles: [profile] });
    const wrong = findings.filter(({ check }) => check === "verdicts" || check === "facts");
    expect(wrong).toEqual([]);
    expect(counts).toMatchObject({ unfolded: 0 });
    expect(later.size).toBeGreaterThan(1);
  });
});

/** The corpus profile with one limit changed. */
function changeLimit(): Uint8Array {
  const was = "range: 25..50 kW";
  const text = PROFILE.toString("utf8");
  expect(text.split(was)).toHaveLength(2);
  return Buffer.from(text.replace(was, "range: 25..45 kW"));
}

describe("a profile with one limit changed", () => {
  it(
    "gives exactly the differences that arithmetic over the recorded values predicts [HP-075 refuses]",
    { timeout: LIMIT_MS },
    async () => {
      const changed = changeLimit();
      const expected = predictDifferences(corpus.entries);
      const { findings } = judgeSegments(corpus.segments, { instead: compileCorpus(changed) });
      expect([...new Set(findings.map(({ check }) => check))]).toEqual(["verdicts"]);
      const found = findings.map(({ place }) => place.seq);
      expect(found.sort((a, b) => a - b)).toEqual(expected);
      expect(expected.length).toBeGreaterThan(COMMANDS / 100);
      console.log(`one changed limit: ${expected.length} differences, as predicted`);
      const file = join(corpus.directory, "changed.yaml");
      writeFileSync(file, changed);
      const { code, text: report } = await verify(corpus.directory, file);
      expect(code).toBe(1);
      expect(report).toContain(`(and ${expected.length - 1} more)`);
    },
  );

  /** Raw 100 is 1 kW. */
  function predictDifferences(entries: readonly FoundEntry[]): readonly number[] {
    const differs: number[] = [];
    const permits = new Set<string>();
    for (const { entry } of entries) {
      const { body, seq } = entry;
      if (body.type === "outcome" && body.look !== null && permits.has(hex(body.id))) {
        // It passed its second look with a value that now lies outside.
        differs.push(seq);
      }
      if (body.type !== "decision" || body.source.kind !== "controller") continue;
      if (body.writes instanceof Uint8Array) continue;
      const raw = body.writes.find(({ output }) => output === LOAD)?.asked ?? 0;
      // Above both limits only the limit that is named changes, and none is where no value is proven.
      const named = body.look.kernel.some(
        ({ kind, index, value }) => kind === "proven" && index === LOAD && value !== null,
      );
      if ((raw > 4_500 && raw <= 5_000) || (raw > 5_000 && named)) differs.push(seq);
      if (body.verdict === "permit" && raw > 4_500) permits.add(hex(body.id));
    }
    return differs;
  }
});

describe("a log of runs under two profiles", () => {
  it("is judged by each profile in its time", { timeout: LIMIT_MS }, async () => {
    const changed = changeLimit();
    const mixed = await build(share(12_000, 1_500), 200_000, [PROFILE, changed]);
    const profiles = [profile, compileCorpus(changed)];
    const { findings, counts } = judgeSegments(mixed.segments, { profiles });
    expect(findings.slice(0, 20).map(({ place, why }) => `${place.seq}: ${why}`)).toEqual([]);
    expect(counts).toMatchObject({ unfolded: 0 });
    expect(mixed.tally.events.get("profile activated")).toBeGreaterThanOrEqual(2);
    expect((await verify(mixed.directory, null)).code).toBe(0);
  });
});

describe("a log that its own key signed anew", () => {
  let shorter: Corpus;

  beforeAll(async () => {
    shorter = await build(share(12_000, 1_500), 100_000);
  }, LIMIT_MS);

  it("passes every check when nothing in it was changed", { timeout: LIMIT_MS }, () => {
    const { segments, key } = shorter;
    const forged = forgeLog(segments, key.sign, (entry) => entry);
    expect([...forged].map(([name, bytes]) => [name, bytes.length])).toEqual(
      [...segments].map(([name, bytes]) => [name, bytes.length]),
    );
    expect(judgeSegments(forged, { profiles: [profile] }).findings).toEqual([]);
  });

  // The verdict itself follows from the false count as from the true one: only the second level can tell.
  it.each(["deny", "permit"] as const)(
    "is given away by folding when a %s is said to come after one write fewer than there were [HP-076 refuses]",
    { timeout: LIMIT_MS },
    (verdict) => {
      const { seq, index, outcomes } = findCounted(shorter.entries, verdict);
      const forged = forgeLog(shorter.segments, shorter.key.sign, (entry) =>
        entry.seq === seq ? lowerCount(entry, index) : entry,
      );
      expect(judgeSegments(forged, {}).findings).toEqual([]);
      const { findings } = judgeSegments(forged, { profiles: [profile] });
      expect(findings[0]).toMatchObject({ check: "facts", place: { seq } });
      expect(findings[0]?.why).toContain(`window-count of ${index}`);
      // A second look keeps only what differs from the first, so it is as false as that.
      for (const { check, place } of findings.slice(1)) {
        expect({ check, of: outcomes.includes(place.seq) }).toEqual({ check: "facts", of: true });
      }
    },
  );

  type Counted = {
    readonly seq: number;
    readonly index: number;
    readonly outcomes: readonly number[];
  };

  /** The newest decision that read how many writes a budget had counted: more than one. */
  function findCounted(entries: readonly FoundEntry[], verdict: "deny" | "permit"): Counted {
    for (const { entry } of [...entries].reverse()) {
      const { body, seq } = entry;
      if (body.type !== "decision" || body.verdict !== verdict) continue;
      const fact = body.look.kernel.find(
        ({ kind, value }) => kind === "window-count" && (value ?? 0) > 1,
      );
      const isSpent = body.reasons.some(
        ({ code, output }) => code === "budget" && output === fact?.index,
      );
      if (fact === undefined || isSpent) continue;
      const outcomes = entries.filter(
        ({ entry: other }) => other.body.type === "outcome" && hex(other.body.id) === hex(body.id),
      );
      return { seq, index: fact.index, outcomes: outcomes.map((other) => other.entry.seq) };
    }
    throw new Error("the corpus has no such decision");
  }

  function lowerCount(entry: Entry, index: number): Entry {
    const { body } = entry;
    if (body.type !== "decision") throw new Error("not a decision");
    const kernel = body.look.kernel.map((fact) =>
      fact.kind === "window-count" && fact.index === index
        ? { ...fact, value: (fact.value ?? 0) - 1 }
        : fact,
    );
    return { ...entry, body: { ...body, look: { ...body.look, kernel } } };
  }
});

describe("a byte of a segment", () => {
  it(
    "is reported with its place when any single bit of it is flipped [HP-077]",
    { timeout: LIMIT_MS },
    async () => {
      const small = await build(24, 14_000);
      expect(small.segments.size).toBeGreaterThan(2);
      const frames = framesOf(small.segments);
      const random = seeded(SEED);
      const bytes = [...small.segments.values()].reduce((sum, { length }) => sum + length, 0);
      const every = share(1, Math.ceil(bytes / 500));
      let flipped = 0;
      for (const { segment, offset, end, seq } of frames) {
        const whole = small.segments.get(segment) ?? new Uint8Array(0);
        for (let at = offset; at < end; at += 1) {
          if (random.below(every) !== 0) continue;
          flipped += 1;
          const damaged = whole.slice();
          damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
          const files = new Map([...small.segments, [segment, damaged]]);
          const { findings, report } = judgeSegments(files, {});
          expect(report.ok).toBe(false);
          expect(findings[0]).toMatchObject({ check: "frames", place: { segment, offset, seq } });
        }
      }
      console.log(`flipped ${flipped} of ${bytes} bytes in ${small.segments.size} segments`);
      expect(flipped).toBeGreaterThan(300);
    },
  );
});
