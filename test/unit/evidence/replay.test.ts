import { describe, expect, it } from "vitest";
import { Replay } from "../../../src/evidence/replay.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import { compileProfile } from "../../../src/kernel/profile/compile.js";
import type { Entry, EntryBody } from "../../../src/kernel/record/entry.js";
import { foldEntry, initialState } from "../../../src/kernel/state/fold.js";
import { bootEntry, hz, OUT, Rig, SECOND, TIMED_OUT } from "../../support/kernel-rig.js";
import { buildModel } from "../../support/model.js";
import {
  replayLog,
  snapshotBytes,
  withBytes,
  writeLog,
  type Replayed,
} from "../../support/replayed-log.js";

const FIRST = nameSegment(0);
const PROFILE = compileProfile(buildModel());

/** A station at work: permits, denials, clamps where they are, trips, lapses, an unknown outcome. */
function work(): readonly Entry[] {
  const rig = new Rig();
  const boot = bootEntry(rig.profile, initialState(rig.profile), rig.nowUs);
  rig.start();
  for (let round = 0; round < 12; round += 1) {
    rig.ask(OUT.speed1, hz(30 + (round % 4)));
    rig.ask(OUT.speed2, hz(80));
    rig.ask(OUT.valve, 1);
    rig.ask(OUT.run1, 1);
    rig.run(SECOND);
    rig.beat(round + 2);
    rig.run(2 * SECOND);
  }
  rig.answer = TIMED_OUT;
  rig.ask(OUT.speed1, hz(30));
  rig.run(3 * SECOND);
  rig.setLevel(0.3);
  rig.run(8 * SECOND);
  return [boot, ...rig.records].map((entry) => withBytes(entry, PROFILE));
}

function replay(entries: readonly Entry[]): Replayed {
  return replayLog(new Map([[FIRST, writeLog(entries)]]), PROFILE);
}

function firstOf({ report }: Replayed, id: string): string | undefined {
  return report.checks.find((check) => check.id === id)?.first?.why;
}

function faultsOf({ report }: Replayed, id: string): number | undefined {
  return report.checks.find((check) => check.id === id)?.faults;
}

/** The log with one body changed and signed anew: what only replay can find. */
function forge(
  entries: readonly Entry[],
  pick: (body: EntryBody) => boolean,
  change: (body: EntryBody) => EntryBody,
): readonly Entry[] {
  const at = entries.findIndex(({ body }) => pick(body));
  if (at < 0) throw new Error("nothing to forge");
  return entries.map((entry, i) => (i === at ? { ...entry, body: change(entry.body) } : entry));
}

describe("replay", () => {
  const log = work();

  it("finds no difference in a log the kernel wrote, at either level [HP-075 allows] [HP-076 allows]", () => {
    const replayed = replay(log);
    expect(firstOf(replayed, "verdicts")).toBeUndefined();
    expect(firstOf(replayed, "facts")).toBeUndefined();
    expect(replayed.report.checks.filter(({ status }) => status === "FAIL")).toEqual([]);
    expect(replayed.counts.permit).toBeGreaterThan(5);
    expect(replayed.counts.deny).toBeGreaterThan(5);
    expect(replayed.counts.secondLooks).toBeGreaterThan(5);
    expect(replayed.counts.unfolded).toBe(0);
  });

  it("finds a verdict that does not follow from the recorded facts [HP-075 refuses]", () => {
    const forged = forge(
      log,
      (body) => body.type === "decision" && body.verdict === "deny",
      (body) => (body.type === "decision" ? { ...body, verdict: "permit", reasons: [] } : body),
    );
    const replayed = replay(forged);
    expect(firstOf(replayed, "verdicts")).toMatch(/^recorded permit, replayed deny/);
  });

  it("finds a reason that was left out [HP-075 refuses]", () => {
    const forged = forge(
      log,
      (body) => body.type === "decision" && body.reasons.length > 1,
      (body) => (body.type === "decision" ? { ...body, reasons: body.reasons.slice(1) } : body),
    );
    expect(faultsOf(replay(forged), "verdicts")).toBe(1);
  });

  it("finds a false counter that gives the same verdict, by the second level alone [HP-076 refuses]", () => {
    const forged = forge(
      log,
      (body) =>
        body.type === "decision" && body.look.kernel.some(({ kind }) => kind === "in-flight"),
      (body) =>
        body.type === "decision"
          ? {
              ...body,
              look: {
                ...body.look,
                kernel: body.look.kernel.map((fact) =>
                  fact.kind === "in-flight" ? { ...fact, value: (fact.value ?? 0) + 1 } : fact,
                ),
              },
            }
          : body,
    );
    const replayed = replay(forged);
    expect(faultsOf(replayed, "verdicts")).toBe(0);
    expect(firstOf(replayed, "facts")).toContain("in-flight");
  });

  it("finds bytes that mean another write than the one on record", () => {
    const forged = forge(
      log,
      (body) => body.type === "decision" && body.verdict === "permit",
      (body) =>
        body.type === "decision" ? { ...body, bytes: Uint8Array.of(6, 0, 41, 0, 99) } : body,
    );
    expect(firstOf(replay(forged), "facts")).toContain("do not mean the writes on record");
  });

  it("judges by another profile when one is named, and then takes facts as recorded", () => {
    const outputs = buildModel().outputs.map((output, i) =>
      i === OUT.speed1 ? { ...output, range: { low: 25, high: 31.5 } } : output,
    );
    const tighter = compileProfile(buildModel({ outputs }));
    const predicted = log.filter(
      ({ body }) =>
        body.type === "decision" &&
        !(body.writes instanceof Uint8Array) &&
        body.writes.some(({ output, asked }) => output === OUT.speed1 && asked > hz(31.5)),
    );
    const replayed = replayLog(new Map([[FIRST, writeLog(log)]]), PROFILE, tighter);
    expect(predicted.length).toBeGreaterThan(0);
    expect(faultsOf(replayed, "verdicts")).toBeGreaterThanOrEqual(predicted.length);
    const facts = replayed.report.checks.find(({ id }) => id === "facts");
    expect(facts?.status).toBe("NOT PRESENT");
  });

  it("goes on from a snapshot, and finds one that is not what the log folds to", () => {
    const cut = 40;
    let state = initialState(PROFILE);
    for (const entry of log.slice(0, cut)) state = foldEntry(PROFILE, state, entry);
    const snapshotted = (bytes: Uint8Array): readonly Entry[] => {
      const before = log.slice(0, cut);
      const monoUs = before.at(-1)?.monoUs ?? 0;
      const body: EntryBody = {
        type: "snapshot",
        semantics: 1,
        profile: PROFILE.model.digest,
        state: bytes,
        foldedTo: cut - 1,
      };
      return [...before, { seq: cut, monoUs, cause: null, body }];
    };
    expect(replay(snapshotted(snapshotBytes(state))).report.ok).toBe(true);
    const false1 = snapshotBytes({ ...state, mode: "holding" });
    expect(firstOf(replay(snapshotted(false1)), "facts")).toContain("not what the log folds to");
  });

  it("takes a snapshot of another profile only where a new run begins under it [HP-076 refuses]", () => {
    const cut = 40;
    const other = { ...PROFILE, model: { ...PROFILE.model, digest: new Uint8Array(32).fill(99) } };
    const state = snapshotBytes({ ...initialState(other), mode: "enforcing" });
    const place = { segment: FIRST, offset: 0, seq: cut };
    const monoUs = log[cut - 1]?.monoUs ?? 0;
    const snapshot: Entry = {
      ...{ seq: cut, monoUs, cause: null },
      body: {
        ...{ type: "snapshot", semantics: 1, profile: other.model.digest },
        ...{ state, foldedTo: cut - 1 },
      },
    };
    const faultsBefore = (next: EntryBody): readonly string[] => {
      const faults: string[] = [];
      const replayed = new Replay({
        findings: {
          look: () => undefined,
          fault: (_check, _place, why) => faults.push(why),
        },
        profileOf: (digest) => (digest[0] === 99 ? other : PROFILE),
        substitute: null,
      });
      for (const entry of log.slice(0, cut)) replayed.entry(entry, place);
      replayed.snapshot(state, snapshot, place);
      replayed.entry(snapshot, place);
      replayed.entry({ seq: cut + 1, monoUs, cause: null, body: next }, place);
      return faults;
    };
    const boot = bootEntry(PROFILE, initialState(PROFILE), monoUs).body;
    if (boot.type !== "boot") throw new Error("no boot entry");
    expect(faultsBefore({ ...boot, boot: 2, profile: other.model.digest })).toEqual([]);
    expect(faultsBefore({ type: "notice", what: "anything", details: null })).toEqual([
      "the snapshot is of another profile than this run's",
    ]);
  });

  it("refuses a log of other kernel semantics, and says which release to use", () => {
    const forged = forge(
      log,
      (body) => body.type === "boot",
      (body) => (body.type === "boot" ? { ...body, semantics: 999 } : body),
    );
    expect(firstOf(replay(forged), "verdicts")).toContain("use the release that wrote it");
  });

  it("says so where the profile is not there", () => {
    const forged = forge(
      log,
      (body) => body.type === "boot",
      (body) => (body.type === "boot" ? { ...body, profile: new Uint8Array(32) } : body),
    );
    expect(firstOf(replay(forged), "verdicts")).toContain("is not in the log");
  });
});
