import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCbor } from "../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../src/codec/cbor/encode.js";
import { isCborList, type CborValue } from "../../src/codec/cbor/value.js";
import type { FoundEntry } from "../../src/cli/evidence-files.js";
import { hex } from "../../src/evidence/hex.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import {
  compileCorpus,
  makeCorpus,
  makeCorpusKey,
  type CorpusKey,
  type CorpusOptions,
} from "../support/corpus.js";
import { forgeLog } from "../support/corpus-forgery.js";
import {
  entriesOf,
  judgeSegments,
  readSegments,
  type Segments,
} from "../support/corpus-reading.js";
import { seeded } from "../support/seeded.js";
import { share } from "../support/share.js";

const SEED = 20_261_125;
/** Its log has writes at a border of which nobody knows yet whether they were done. */
const BUSY_SEED = 18;
const LIMIT_MS = 600_000;
const PROFILE = readFileSync(new URL("../support/corpus-profile.yaml", import.meta.url));
const profile = compileCorpus(PROFILE);

type Log = {
  readonly key: CorpusKey;
  readonly segments: Segments;
  readonly entries: readonly FoundEntry[];
};

const made: string[] = [];
let log: Log;

async function build(
  commands: number,
  segmentBytesMax: number,
  { profiles = [PROFILE], seed = SEED }: Partial<Pick<CorpusOptions, "profiles" | "seed">> = {},
): Promise<Log> {
  const directory = mkdtempSync(join(tmpdir(), "holdpoint-segments-"));
  made.push(directory);
  const key = makeCorpusKey();
  const options = { directory, profiles, seed, commands, segmentBytesMax };
  await makeCorpus({ ...options, signer: key.signer });
  const segments = readSegments(directory);
  const entries = entriesOf(segments);
  console.log(`seed ${seed}: ${entries.length} entries in ${segments.size} segments`);
  return { key, segments, entries };
}

beforeAll(async () => {
  log = await build(share(6_000, 700), 90_000);
}, LIMIT_MS);

afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

type Told = { readonly findings: readonly string[]; readonly leftOver: number };

/** Judged both ways, which must tell the same; what they tell. */
function judgeBoth(segments: Segments, profiles: readonly CompiledProfile[] = [profile]): Told {
  const inOrder = judgeSegments(segments, { profiles });
  const { leftOver, ...alone } = judgeSegments(segments, { profiles, alone: true });
  expect(alone).toEqual({
    report: inOrder.report,
    findings: inOrder.findings,
    counts: inOrder.counts,
  });
  const findings = alone.findings.map(({ check, place, why }) => `${check} ${place.seq} ${why}`);
  return { findings, leftOver };
}

function forge(change: (entry: Entry) => Entry): Segments {
  return forgeLog(log.segments, log.key.sign, change);
}

describe("segments that are replayed each by itself [HP-180 allows]", () => {
  it("tell the same as in order, and leave little to it", { timeout: LIMIT_MS }, () => {
    const { findings, leftOver } = judgeBoth(log.segments);
    expect(findings).toEqual([]);
    console.log(`${leftOver} of ${log.entries.length} entries replayed in order`);
    expect(leftOver).toBeLessThan(log.entries.length / 2);
  });

  it(
    "do so with commands under way at a border, and with outcomes told again beyond it",
    { timeout: LIMIT_MS },
    async () => {
      const busy = await build(2_500, 20_000, { seed: BUSY_SEED });
      const { findings, leftOver } = judgeBoth(busy.segments);
      expect(findings).toEqual([]);
      const crossing = countCrossing(busy.entries);
      console.log(`across a border: ${JSON.stringify(crossing)}; ${leftOver} in order`);
      expect(crossing.underWay).toBeGreaterThan(4);
      expect(crossing.toldAgain).toBeGreaterThan(1);
      expect(leftOver).toBeLessThan(busy.entries.length);
    },
  );

  it("are judged by each profile in its time", { timeout: LIMIT_MS }, async () => {
    const changed = changeLimit();
    const mixed = await build(share(3_000, 400), 90_000, { profiles: [PROFILE, changed] });
    const { findings } = judgeBoth(mixed.segments, [profile, compileCorpus(changed)]);
    expect(findings).toEqual([]);
  });

  it("go on where the first ones are gone", { timeout: LIMIT_MS }, () => {
    const { findings } = judgeBoth(new Map([...log.segments].slice(2)));
    expect(findings.filter((finding) => !finding.startsWith("beginning"))).toEqual([]);
  });
});

describe("what is false in a segment that is replayed by itself [HP-180 refuses]", () => {
  it(
    "is found in each segment, at its beginning, in its middle and at its end",
    { timeout: LIMIT_MS },
    () => {
      for (const [i, name] of [...log.segments.keys()].entries()) {
        const counted = log.entries.filter(
          ({ segment, entry }) => segment === name && lowerCount(entry) !== entry,
        );
        const places = [0, counted.length >> 1, counted.length - 1];
        const from = share(0, i % 3);
        for (const at of new Set(places.slice(from, from + share(3, 1)))) {
          const seq = counted[at]?.entry.seq;
          if (seq === undefined) continue;
          const { findings } = judgeBoth(
            forge((entry) => (entry.seq === seq ? lowerCount(entry) : entry)),
          );
          expect(findings[0]).toMatch(new RegExp(`^facts ${seq} decision ${seq}: .*window-count`));
        }
      }
    },
  );

  it("is found in the second look of a command across a border", { timeout: LIMIT_MS }, () => {
    const crossing = secondLooksAcross(log.entries);
    expect(crossing.length).toBeGreaterThan(0);
    for (const seq of crossing.slice(0, share(50, 4))) {
      const { findings } = judgeBoth(
        forge((entry) => (entry.seq === seq ? moveSecondLook(entry) : entry)),
      );
      expect(findings.some((finding) => finding.startsWith(`facts ${seq} second look`))).toBe(true);
    }
  });

  it(
    "is found where a later outcome tells another second look than the one before",
    { timeout: LIMIT_MS },
    () => {
      const told = new Set<string>();
      const again: number[] = [];
      for (const { entry } of log.entries) {
        const { body, seq } = entry;
        if (body.type !== "outcome" || body.look === null) continue;
        if (told.has(hex(body.id))) again.push(seq);
        told.add(hex(body.id));
      }
      expect(again.length).toBeGreaterThan(0);
      for (const seq of again.slice(0, 3)) {
        const { findings } = judgeBoth(
          forge((entry) => (entry.seq === seq ? moveSecondLook(entry) : entry)),
        );
        expect(findings).toHaveLength(1);
        expect(findings[0]).toMatch(/second look of permit \d+: not that of the outcome before/);
      }
    },
  );

  it("is found far beyond the border, too", { timeout: LIMIT_MS }, () => {
    const { earlier, seq } = findFar(log.entries);
    const { findings } = judgeBoth(
      forge((entry) =>
        entry.seq === seq ? { ...moveSecondLook(earlier), seq, monoUs: entry.monoUs } : entry,
      ),
    );
    expect(findings.join()).toContain(`facts ${seq} second look of permit`);
    expect(findings.join()).toContain("not that of the outcome before");
  });

  it("is the snapshot that it opens with", { timeout: LIMIT_MS }, () => {
    const snapshots = log.entries.filter(({ entry }) => entry.body.type === "snapshot").slice(1);
    expect(snapshots.length).toBeGreaterThan(3);
    // Where every later look would differ by such a state, that of the segment before goes on.
    for (const [i, change] of [raiseTime, raiseNext, dropCharges].entries()) {
      const seq = snapshots[i]?.entry.seq ?? -1;
      const { findings } = judgeBoth(
        forge((entry) => (entry.seq === seq ? changeState(entry, change) : entry)),
      );
      expect(findings).toEqual([`facts ${seq} the snapshot is not what the log folds to`]);
    }
  });

  it("is so under another limit than the one that was in force", { timeout: LIMIT_MS }, () => {
    const { model } = compileCorpus(changeLimit());
    const other = compileProfile({ ...model, digest: profile.model.digest });
    const { findings } = judgeBoth(log.segments, [other]);
    expect(findings.filter((finding) => finding.startsWith("verdicts")).length).toBeGreaterThan(3);
  });

  it("is so without its profile", { timeout: LIMIT_MS }, () => {
    const other = compileCorpus(changeLimit());
    const { findings } = judgeBoth(log.segments, [other]);
    expect(findings.some((finding) => finding.includes("is not in the log"))).toBe(true);
  });

  it("is damage wherever it is", { timeout: LIMIT_MS }, () => {
    const random = seeded(SEED);
    const names = [...log.segments.keys()];
    for (let i = 0; i < share(200, 5); i += 1) {
      const name = names[random.below(names.length)] ?? "";
      const bytes = log.segments.get(name)?.slice() ?? new Uint8Array(0);
      const at = random.below(i % 2 === 0 ? 2_000 : bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      const { findings } = judgeBoth(new Map([...log.segments, [name, bytes]]));
      expect(findings.length, `${name} byte ${at}`).toBeGreaterThan(0);
    }
  });
});

function changeLimit(): Uint8Array {
  const text = new TextDecoder().decode(PROFILE);
  const changed = text.replace("range: 25..50 kW", "range: 25..45 kW");
  expect(changed).not.toBe(text);
  return new TextEncoder().encode(changed);
}

/** The entry itself where it counts nothing. */
function lowerCount(entry: Entry): Entry {
  const { body } = entry;
  if (body.type !== "decision" || body.source.kind !== "controller") return entry;
  const counted = body.look.kernel.find(
    ({ kind, value }) => kind === "window-count" && (value ?? 0) > 1,
  );
  if (counted === undefined || body.reasons.some(({ code }) => code === "budget")) return entry;
  const kernel = body.look.kernel.map((fact) =>
    fact === counted ? { ...fact, value: (fact.value ?? 0) - 1 } : fact,
  );
  return { ...entry, body: { ...body, look: { ...body.look, kernel } } };
}

/** Outcomes with a second look whose permit is in a segment before. */
function secondLooksAcross(entries: readonly FoundEntry[]): readonly number[] {
  const permits = new Map<string, string>();
  const across: number[] = [];
  for (const { segment, entry } of entries) {
    const { body, seq } = entry;
    if (body.type === "decision") permits.set(hex(body.id), segment);
    if (body.type !== "outcome" || body.look === null) continue;
    const began = permits.get(hex(body.id));
    if (began !== undefined && began !== segment) across.push(seq);
  }
  return across;
}

/** An outcome that another may follow, and the number of the last outcome in the segment after its own. */
function findFar(entries: readonly FoundEntry[]): {
  readonly earlier: Entry;
  readonly seq: number;
} {
  const names = [...new Set(entries.map(({ segment }) => segment))];
  for (const { segment, entry } of entries) {
    const { body } = entry;
    if (body.type !== "outcome" || body.outcome !== "acknowledged" || body.look === null) continue;
    const next = names[names.indexOf(segment) + 1];
    const last = entries.findLast(
      (one) => one.segment === next && one.entry.body.type === "outcome",
    );
    if (last !== undefined) return { earlier: entry, seq: last.entry.seq };
  }
  throw new Error("the corpus has no such outcome");
}

function countCrossing(entries: readonly FoundEntry[]): {
  readonly underWay: number;
  readonly toldAgain: number;
} {
  const newest = new Map<string, { readonly segment: string; readonly isOutcome: boolean }>();
  const count = { underWay: 0, toldAgain: 0 };
  for (const { segment, entry } of entries) {
    const { body } = entry;
    if (body.type !== "decision" && body.type !== "outcome") continue;
    const before = newest.get(hex(body.id));
    if (before !== undefined && before.segment !== segment) {
      count[before.isOutcome ? "toldAgain" : "underWay"] += 1;
    }
    newest.set(hex(body.id), { segment, isOutcome: body.type === "outcome" });
  }
  return count;
}

function moveSecondLook(entry: Entry): Entry {
  const { body } = entry;
  if (body.type !== "outcome" || body.look === null) throw new Error("no second look");
  return { ...entry, body: { ...body, look: { ...body.look, monoUs: body.look.monoUs - 1 } } };
}

function changeState(
  entry: Entry,
  change: (fields: readonly CborValue[]) => readonly CborValue[],
): Entry {
  const { body } = entry;
  if (body.type !== "snapshot" || !(body.state instanceof Uint8Array)) throw new Error("in parts");
  const decoded = decodeCbor(body.state);
  if (!decoded.ok || !isCborList(decoded.value)) throw new Error("no state");
  return { ...entry, body: { ...body, state: encodeCbor(change(decoded.value)) } };
}

/** Time of the newest entry folded. */
function raiseTime(fields: readonly CborValue[]): readonly CborValue[] {
  return fields.map((field, i) => (i === 2 && typeof field === "number" ? field + 1 : field));
}

/** A moment that the log has not reached yet. */
function raiseNext(fields: readonly CborValue[]): readonly CborValue[] {
  return fields.map((field, i) => (i === 1 && typeof field === "number" ? field + 1000 : field));
}

/** Permits that outputs were given count no more. */
function dropCharges(fields: readonly CborValue[]): readonly CborValue[] {
  return fields.map((outputs, i) =>
    i === 5 && isCborList(outputs)
      ? outputs.map((output) =>
          isCborList(output) ? output.map((field, n) => (n === 3 ? [] : field)) : output,
        )
      : outputs,
  );
}
