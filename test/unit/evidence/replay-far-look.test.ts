import { describe, expect, it } from "vitest";
import { nameSegment } from "../../../src/evidence/segment.js";
import { compileProfile } from "../../../src/kernel/profile/compile.js";
import type { Entry } from "../../../src/kernel/record/entry.js";
import { foldEntry, initialState } from "../../../src/kernel/state/fold.js";
import { bootEntry, hz, MS, OUT, Rig, SECOND, TIMED_OUT } from "../../support/kernel-rig.js";
import { buildModel } from "../../support/model.js";
import { replayLog, withBytes, writeLog, type Replayed } from "../../support/replayed-log.js";

const PROFILE = compileProfile(buildModel());

/** A write to a device that falls silent, and this many entries of others until that is told. */
function silence(others: number): readonly Entry[] {
  const rig = new Rig();
  const boot = bootEntry(rig.profile, initialState(rig.profile), rig.nowUs);
  rig.start();
  rig.held.send = true;
  rig.ask(OUT.speed1, hz(31));
  rig.nowUs += MS;
  for (let i = 0; i < others; i += 1) other(rig);
  const [sent] = rig.did("send");
  if (sent === undefined) throw new Error("nothing was sent");
  const { device, seq } = sent;
  rig.give({ kind: "write-settled", device, seq, result: TIMED_OUT });
  rig.run(SECOND);
  return [boot, ...rig.records].map((entry) => withBytes(entry, PROFILE));
}

/** Any entry that says nothing of the write. */
function other(rig: Rig): void {
  const { folded } = rig.state;
  const entry: Entry = {
    seq: folded.nextSeq,
    monoUs: rig.nowUs,
    cause: null,
    body: { type: "notice", what: "test", details: null },
  };
  rig.records.push(entry);
  rig.state = { ...rig.state, folded: foldEntry(rig.profile, folded, entry) };
}

function replay(entries: readonly Entry[]): Replayed {
  return replayLog(new Map([[nameSegment(0), writeLog(entries)]]), PROFILE);
}

function factsOf({ report }: Replayed): readonly (string | undefined)[] {
  const check = report.checks.find(({ id }) => id === "facts");
  return [check?.status, check?.first?.why];
}

describe("a second look that its outcome tells thousands of entries later", () => {
  const log = silence(9_000);
  const told = log.findIndex(
    ({ body }) => body.type === "outcome" && body.outcome === "unknown" && body.look !== null,
  );

  it("is held against the state of its own time, however many entries came between [HP-076 allows]", () => {
    expect(told).toBeGreaterThan(9_000);
    const replayed = replay(log);
    expect(factsOf(replayed)).toEqual(["PASS", undefined]);
    expect(replayed.counts.secondLooks).toBeGreaterThan(0);
  });

  it("is found where it is of another time [HP-076 refuses]", () => {
    const forged = log.map((entry, i) => {
      const { body } = entry;
      if (i !== told || body.type !== "outcome" || body.look === null) return entry;
      const look = { ...body.look, monoUs: body.look.monoUs - 100 * MS };
      return { ...entry, body: { ...body, look } };
    });
    const [status, why] = factsOf(replay(forged));
    expect(status).toBe("FAIL");
    expect(why).toMatch(/^second look of permit/);
  });
});
