import { describe, expect, it } from "vitest";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import type { OutcomeKind } from "../../../../src/kernel/record/entry.js";
import { initialState } from "../../../../src/kernel/state/fold.js";
import {
  adoptedNotice,
  evidenceNotice,
  readBackNotice,
  readNotice,
} from "../../../../src/kernel/state/notices.js";
import type { FoldedState } from "../../../../src/kernel/state/state.js";
import {
  append,
  boot,
  decision,
  leaseEntry,
  outcome,
  tripEntry,
} from "../../../support/entries.js";
import { buildModel, CONTROLLERS, defaultOutputs, hz, OUT } from "../../../support/model.js";

const profile = compileProfile(buildModel());
const S = 1_000_000;
const start = append(
  profile,
  initialState(profile),
  [0, boot(1)],
  [1 * S, adoptedNotice(OUT.speed1, hz(30), 1 * S)],
  [1 * S, adoptedNotice(OUT.valve, 1, 1 * S)],
  [1 * S, adoptedNotice(OUT.run1, 0, 1 * S)],
  [1 * S, adoptedNotice(OUT.run2, 0, 1 * S)],
  [1 * S, leaseEntry("gained", 5 * S)],
);
const speed = (state: FoldedState): FoldedState["outputs"][number] | undefined =>
  state.outputs[OUT.speed1];
const ai = (state: FoldedState): FoldedState["controllers"][number] | undefined =>
  state.controllers[CONTROLLERS.ai];

/** Permits 35 Hz at 10 s; its seq is `start.nextSeq`. */
const SEQ = start.nextSeq;
const permitted = append(profile, start, [10 * S, decision(1, [[OUT.speed1, hz(35)]])]);
const settledBy = (kind: OutcomeKind, readBack: number | null = null): FoldedState =>
  append(profile, permitted, [
    11 * S,
    outcome(
      1,
      kind,
      readBack === null ? {} : { readBack: [{ output: OUT.speed1, raw: readBack }] },
    ),
  ]);

describe("a permit", () => {
  it("plans its values and is charged at once", () => {
    expect(speed(permitted)).toMatchObject({
      proven: { raw: hz(30) },
      planned: [{ seq: SEQ, raw: hz(35), atUs: 10 * S }],
      permits: [{ seq: SEQ, atUs: 10 * S }],
    });
    expect(ai(permitted)?.permits).toEqual([{ seq: SEQ, atUs: 10 * S }]);
    expect(permitted.open).toMatchObject([{ seq: SEQ, controller: CONTROLLERS.ai }]);
    expect(permitted.devices[0]?.open).toBe(1);
    expect(permitted.nextSeq).toBe(SEQ + 1);
  });

  it("that sends nothing leaves everything as it was, but that it owes its outcome", () => {
    const same = append(profile, start, [10 * S, decision(1, [[OUT.speed1, null]])]);
    expect(same.open).toMatchObject([{ seq: SEQ, writes: [] }]);
    const rest = { ...same, open: [], nextSeq: 0, lastUs: 0 };
    expect(rest).toEqual({ ...start, nextSeq: 0, lastUs: 0 });
  });

  it("that clamps is charged as a clamp, sent or not", () => {
    for (const given of [hz(50), null]) {
      const clamped = append(profile, start, [
        10 * S,
        decision(1, [[OUT.speed1, given]], { verdict: "clamp" }),
      ]);
      expect(ai(clamped)?.clamps).toHaveLength(1);
    }
  });

  it("counts a start only where something goes from off to on", () => {
    const on = append(profile, start, [
      10 * S,
      decision(1, [
        [OUT.run1, 1],
        [OUT.run2, 0],
      ]),
    ]);
    expect(on.outputs[OUT.run1]?.starts).toHaveLength(1);
    expect(on.outputs[OUT.run2]?.starts).toHaveLength(0);
    const done = append(profile, on, [11 * S, outcome(1, "done")]);
    const again = append(profile, done, [
      12 * S,
      decision(2, [
        [OUT.run1, 1],
        [OUT.run2, 0],
      ]),
    ]);
    expect(again.outputs[OUT.run1]?.starts).toHaveLength(1);
  });

  it("of our own is planned but charged to nobody", () => {
    const own = append(profile, start, [
      10 * S,
      decision(1, [[OUT.speed1, hz(30)]], { source: { kind: "own", cause: "revert" } }),
    ]);
    expect(speed(own)?.planned).toHaveLength(1);
    expect(speed(own)?.permits).toHaveLength(0);
    expect(own.open).toMatchObject([{ controller: null }]);
    expect(append(profile, own, [11 * S, outcome(1, "done")]).open).toEqual([]);
  });
});

describe("an outcome", () => {
  it("done proves what was read back, else what was written", () => {
    const read = settledBy("done", hz(35) + 3);
    expect(speed(read)).toMatchObject({ proven: { raw: hz(35) + 3, atUs: 11 * S }, planned: [] });
    expect(speed(settledBy("done"))?.proven?.raw).toBe(hz(35));
    expect(read.open).toEqual([]);
    expect(read.devices[0]?.open).toBe(0);
    expect(speed(read)?.permits).toHaveLength(1);
    expect(speed(read)?.held).toEqual([
      { fromUs: 1 * S, raw: hz(30) },
      { fromUs: 11 * S, raw: hz(35) + 3 },
    ]);
  });

  it("withdrawn gives back everything that was charged", () => {
    const back = settledBy("withdrawn");
    expect({ ...back, nextSeq: 0, lastUs: 0 }).toEqual({ ...start, nextSeq: 0, lastUs: 0 });
  });

  it("no-change closes a permit that sent nothing, and changes nothing else", () => {
    const nothing = append(profile, start, [10 * S, decision(1, [[OUT.speed1, null]])]);
    const closed = append(profile, nothing, [10 * S, outcome(1, "no-change")]);
    expect({ ...closed, nextSeq: 0, lastUs: 0 }).toEqual({ ...start, nextSeq: 0, lastUs: 0 });
  });

  it("no-change leaves a clamp charged: it was one, whether anything was sent or not", () => {
    const clamp = decision(1, [[OUT.speed1, null]], { verdict: "clamp" });
    const closed = append(profile, start, [10 * S, clamp], [10 * S, outcome(1, "no-change")]);
    expect(closed.open).toEqual([]);
    expect(ai(closed)?.clamps).toHaveLength(1);
  });

  it("exception leaves the old value, and the charge: it was sent", () => {
    const refused = settledBy("exception");
    expect(speed(refused)).toMatchObject({ proven: { raw: hz(30) }, planned: [] });
    expect(speed(refused)?.permits).toHaveLength(1);
    expect(ai(refused)?.permits).toHaveLength(1);
  });

  it("unknown keeps the value planned, until it is resolved either way", () => {
    for (const kind of ["unknown", "crash-unknown", "acknowledged"] as const) {
      const open = settledBy(kind);
      expect(speed(open)?.planned).toHaveLength(1);
      expect([open.open.length, open.unsettled.length, open.devices[0]?.open]).toEqual([0, 1, 0]);
      const done = append(profile, open, [20 * S, outcome(1, "resolved-done")]);
      expect(speed(done)).toMatchObject({ proven: { raw: hz(35) }, planned: [] });
      expect(done.unsettled).toEqual([]);
      const not = append(profile, open, [20 * S, outcome(1, "resolved-not-done")]);
      expect(speed(not)).toMatchObject({ proven: { raw: hz(30) }, planned: [] });
      expect(speed(not)?.permits).toHaveLength(1);
    }
  });

  it("acknowledged is the last word where the profile asks for no proof", () => {
    const outputs = defaultOutputs().map((tag) => ({ ...tag, proof: { kind: "none" } as const }));
    const unproved = compileProfile(buildModel({ outputs }));
    const state = append(
      unproved,
      start,
      [10 * S, decision(1, [[OUT.speed1, hz(35)]])],
      [11 * S, outcome(1, "acknowledged")],
    );
    expect(speed(state)).toMatchObject({ proven: { raw: hz(35) }, planned: [] });
    expect(state.unsettled).toEqual([]);
  });

  it("is found by the permit's evidence number too, and else changes nothing", () => {
    const byCause = append(profile, permitted, [11 * S, outcome(77, "done"), SEQ]);
    expect(byCause.open).toEqual([]);
    const strange = append(profile, permitted, [11 * S, outcome(77, "done")]);
    expect(strange.open).toHaveLength(1);
  });

  it("of an older permit leaves a younger one planned", () => {
    const two = append(profile, permitted, [10 * S + 1, decision(2, [[OUT.speed1, hz(37)]])]);
    const first = append(profile, two, [11 * S, outcome(1, "done", { readBack: null })]);
    expect(speed(first)?.planned).toMatchObject([{ raw: hz(37) }]);
  });
});

describe("notices", () => {
  it("adopted takes the value over and leaves nothing planned", () => {
    const adopted = append(profile, settledBy("unknown"), [
      20 * S,
      adoptedNotice(OUT.speed1, hz(33), 19 * S),
    ]);
    expect(speed(adopted)).toMatchObject({ proven: { raw: hz(33), atUs: 19 * S }, planned: [] });
    expect(adopted.unsettled).toEqual([]);
  });

  it("read-back settles up to the permit it names, and no further", () => {
    const open = append(profile, settledBy("unknown"), [
      12 * S,
      decision(2, [[OUT.speed1, hz(37)]]),
    ]);
    const none = append(profile, open, [20 * S, readBackNotice(OUT.speed1, hz(35), 19 * S, null)]);
    expect(speed(none)).toMatchObject({
      proven: { raw: hz(35) },
      planned: [{ raw: hz(35) }, { raw: hz(37) }],
    });
    const first = append(profile, open, [20 * S, readBackNotice(OUT.speed1, hz(35), 19 * S, SEQ)]);
    expect(speed(first)?.planned).toMatchObject([{ raw: hz(37) }]);
    expect(first.unsettled).toEqual([]);
    expect(first.open).toHaveLength(1);
  });

  it("read-back of nothing makes the value unknown", () => {
    expect(
      speed(append(profile, start, [20 * S, readBackNotice(OUT.speed1, null, 19 * S, null)]))
        ?.proven,
    ).toBeNull();
  });

  it("tell whether evidence can be written", () => {
    const lost = append(profile, start, [20 * S, evidenceNotice(false)]);
    expect(lost.evidenceWritable).toBe(false);
    expect(append(profile, lost, [21 * S, evidenceNotice(true)]).evidenceWritable).toBe(true);
  });

  it("of other names, or without their keys, only inform", () => {
    for (const body of [
      { type: "notice", what: "proof-test", details: null },
      { type: "notice", what: "adopted", details: new Map([["output", 4]]) },
      { type: "notice", what: "evidence", details: new Map([["writable", "no"]]) },
      {
        type: "notice",
        what: "reads",
        details: new Map([
          ["output", 4],
          ["at-us", 1],
        ]),
      },
    ] as const) {
      expect(readNotice(body)).toBeNull();
      const state = append(profile, start, [20 * S, body]);
      expect(state).toEqual({ ...start, nextSeq: start.nextSeq + 1, lastUs: 20 * S });
    }
  });
});

describe("a boot", () => {
  const before = append(profile, permitted, [15 * S, tripEntry("T-01", "fired-true")]);
  const after = append(profile, before, [3 * S, boot(2)]);

  it("counts time away as zero: ages are what they were at the last entry", () => {
    expect(speed(after)?.permits).toEqual([{ seq: SEQ, atUs: -2 * S }]);
    expect(speed(after)?.held).toEqual([{ fromUs: -11 * S, raw: hz(30) }]);
    expect(ai(after)?.permits).toEqual([{ seq: SEQ, atUs: -2 * S }]);
  });

  it("voids leases, believes no value and no device, keeps trips and open permits", () => {
    expect(ai(after)?.lease).toBeNull();
    expect(speed(after)).toMatchObject({
      proven: null,
      logged: hz(30),
      planned: [{ raw: hz(35) }],
    });
    expect(after.devices[0]?.condition).toBe("unread");
    expect(after.latched).toMatchObject([{ id: "T-01" }]);
    expect(after.open).toHaveLength(1);
    expect([after.mode, after.boot, after.profileValid]).toEqual(["starting", 2, true]);
  });

  it("goes on from the adopted value: the same one has been held all along", () => {
    const same = append(profile, after, [4 * S, adoptedNotice(OUT.speed1, hz(30), 4 * S)]);
    expect(speed(same)).toMatchObject({ logged: null, held: [{ fromUs: -11 * S }], planned: [] });
    const other = append(profile, after, [4 * S, adoptedNotice(OUT.speed1, hz(40), 4 * S)]);
    expect(speed(other)?.held).toHaveLength(2);
  });

  it("remembers what the log knew over a second boot without any reading between", () => {
    expect(speed(append(profile, after, [1, boot(3)]))?.logged).toBe(hz(30));
  });

  it("with another profile has none in force", () => {
    expect(append(profile, start, [0, boot(2, { profile: new Uint8Array(32) })]).profileValid).toBe(
      false,
    );
  });

  it("after a damaged log starts with every budget used up", () => {
    const damaged = { found: "damaged", fromSeq: 0, cutBytes: 0, cutHash: null } as const;
    const state = append(profile, start, [20 * S, boot(2, { recovery: damaged })]);
    expect(state.standing).toBe("locked-out");
    expect(speed(state)?.permits).toHaveLength(40);
    expect(state.outputs[OUT.run1]?.starts).toHaveLength(6);
    expect([ai(state)?.permits.length, ai(state)?.clamps.length]).toEqual([120, 10]);
  });
});
