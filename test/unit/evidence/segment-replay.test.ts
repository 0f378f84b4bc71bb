import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/evidence/findings.js";
import { JUDGED_SPAN, Replay } from "../../../src/evidence/replay.js";
import { JoinedReplay, replaySegment } from "../../../src/evidence/segment-replay.js";
import { nameSegment } from "../../../src/evidence/segment.js";
import type { SegmentSteps } from "../../../src/evidence/segment-steps.js";
import { sha256 } from "../../support/evidence-samples.js";

const nothing = (): void => undefined;
const STEPS: SegmentSteps = {
  ...{ look: nothing, fault: nothing, stray: nothing, opening: nothing, commit: nothing },
  ...{ signedCommit: nothing, checkpoint: nothing, judged: nothing, leaf: nothing },
};
const COUNTS = { permit: 0, clamp: 0, deny: 0, hold: 0, secondLooks: 0, unfolded: 0 };
const NOWHERE = {
  profile: null,
  state: null,
  opening: null,
  foreign: null,
  moments: [],
  open: new Map(),
};

/** Ids that are still known after a segment that begins with this entry was joined. */
function joinAt(seq: number, known: Readonly<Record<string, number>>): readonly string[] {
  const replay = new Replay({
    findings: new Findings(),
    profileOf: () => null,
    substitute: null,
  });
  const look = { look: null, second: null, differs: null };
  const judged = new Map(Object.entries(known).map(([id, at]) => [id, { ...look, seq: at }]));
  replay.goOn({ ...NOWHERE, judged }, COUNTS);
  const name = nameSegment(seq);
  const segment = { name, bytes: new Uint8Array(0), isFirst: true };
  const found = replaySegment(segment, { sha256, profileOf: () => null });
  const entryAt = (): never => {
    throw new Error("it was not joined");
  };
  const place = { segment: name, offset: 0, seq };
  const leaf = { place, monoUs: 0, cause: null, boot: 1, entry: null } as const;
  new JoinedReplay(STEPS, { found, replay, entryAt }).leaf({ ...leaf, body: { type: "mode" } });
  return [...replay.stand().judged.keys()];
}

describe("segments that join", () => {
  it("forget second looks that no later outcome can tell again, and no others", () => {
    const seq = 200_000;
    const known = { older: 1, old: seq - JUDGED_SPAN - 1, late: seq - JUDGED_SPAN, new: seq - 1 };
    expect(joinAt(seq, known)).toEqual(["late", "new"]);
  });
});
