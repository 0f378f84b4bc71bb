import { describe, expect, it } from "vitest";
import type { ProfileModel } from "../../../../src/kernel/profile/model.js";
import { not, on } from "../../../support/formula.js";
import { ACKNOWLEDGED, hz, MS, OUT, Rig, SECOND, TIMED_OUT } from "../../../support/kernel-rig.js";
import { buildModel, builtInTrips, IN, inSlot } from "../../../support/model.js";
import { trip } from "../../../support/tags.js";

const LATE_US = 1_000 * MS;

/** Enforcing, and for so long that a change of 1.5 Hz is no ramp. */
const started = (overrides: Partial<ProfileModel> = {}): Rig => {
  const rig = new Rig(overrides).start();
  rig.run(SECOND);
  return rig.forget();
};

const withOutput = (
  position: number,
  change: Partial<ProfileModel["outputs"][number]>,
): Partial<ProfileModel> => ({
  outputs: buildModel().outputs.map((one, at) => (at === position ? { ...one, ...change } : one)),
});

/** A write that was lost; `done` says whether the device did it. */
const lose = (rig: Rig, raw: number, done: boolean, output: number = OUT.speed1): void => {
  rig.answer = TIMED_OUT;
  rig.ask(output, raw);
  rig.answer = ACKNOWLEDGED;
  if (done) rig.registers.hr.set(41, raw);
};

const isSettled = (rig: Rig, output: number = OUT.speed1): void => {
  expect(rig.state.folded.outputs[output]?.planned).toEqual([]);
  expect(rig.state.folded).toMatchObject({ open: [], unsettled: [] });
  expect(rig.state.live.flights.size).toBe(0);
  expect(rig.latched).toEqual([]);
};

describe("a write without an answer, with another to the same output", () => {
  it("is never called not done when a newer write covers it up", () => {
    for (const done of [true, false]) {
      const rig = started();
      lose(rig, hz(31), done);
      rig.run(800 * MS);
      rig.ask(OUT.speed1, hz(31.5));
      rig.run(LATE_US);
      expect(rig.outcomes()).toEqual(["unknown", "done"]);
      expect(rig.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(31.5) });
      isSettled(rig);
    }
  });

  it("is resolved as done when it arrives after the newer one", () => {
    const rig = started();
    lose(rig, hz(31), false);
    rig.run(800 * MS);
    rig.ask(OUT.speed1, hz(31.5));
    rig.registers.hr.set(41, hz(31));
    rig.run(LATE_US);
    expect(rig.outcomes()).toEqual(["unknown", "done", "resolved-done"]);
    expect(rig.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(31) });
    isSettled(rig);
  });

  it("is never called done when the newer one has written the same value", () => {
    const rig = started(withOutput(OUT.speed1, { deadband: null }));
    lose(rig, hz(31), false);
    rig.run(800 * MS);
    rig.ask(OUT.speed1, hz(31));
    rig.run(LATE_US);
    expect(rig.outcomes()).toEqual(["unknown", "done"]);
    isSettled(rig);
  });

  it("is never called not done when an older one may have arrived after it", () => {
    const rig = started();
    lose(rig, hz(31.5), false);
    rig.run(800 * MS);
    lose(rig, hz(31), true);
    rig.registers.hr.set(41, hz(31.5));
    rig.run(2 * LATE_US);
    expect(rig.outcomes()).toEqual(["unknown", "unknown", "resolved-done"]);
    isSettled(rig);
  });

  it("is never called not done when a write of the gateway's own covered it up", () => {
    const model = buildModel();
    const names = model.outputs.map(({ name }) => name);
    const drive = { kind: "drive", writes: [{ output: OUT.speed1, raw: hz(40) }] } as const;
    const trips = [
      trip("X-01", { when: not(on(inSlot(IN.estop))), action: drive }),
      ...builtInTrips(names, ["plc"]),
    ];
    const rig = started({ trips });
    lose(rig, hz(31), true);
    // People take over: the device acknowledges the trip's write, and holds what they want.
    rig.registers.ir.set(0, 1);
    rig.effective = false;
    rig.registers.di.set(0, 0);
    rig.registers.hr.set(41, hz(30));
    rig.run(2 * LATE_US);
    expect(rig.latched).toEqual(["X-01"]);
    expect(rig.state.live.drives).toEqual([]);
    expect(rig.outcomes()).toEqual(["unknown"]);
    expect(rig.state.live.flights.size).toBe(0);
  });
});

describe("a write without an answer, alone", () => {
  it("is called neither when somebody else's value stands there", () => {
    const rig = started();
    lose(rig, hz(31), true);
    rig.registers.hr.set(41, hz(33));
    rig.run(2 * LATE_US);
    expect(rig.outcomes()).toEqual(["unknown"]);
    expect(rig.latched).toEqual(["foreign.pump1.speed"]);
  });

  it("is called neither when the value of before was the same", () => {
    const rig = started(withOutput(OUT.speed1, { deadband: null }));
    lose(rig, hz(30), false);
    rig.run(2 * LATE_US);
    expect(rig.outcomes()).toEqual(["unknown"]);
    isSettled(rig);
  });

  it("is called done by a pulse that is still seen, and nothing by one that is over", () => {
    const pulse = { kind: "pulse", lengthUs: 500 * MS } as const;
    for (const [seen, outcomes] of [
      [0, ["unknown"]],
      [1, ["unknown", "resolved-done"]],
    ] as const) {
      const rig = new Rig(withOutput(OUT.valve, { drive: pulse, minHoldUs: null }));
      rig.registers.co.set(0, 0);
      rig.start().forget();
      lose(rig, 1, false, OUT.valve);
      rig.registers.co.set(0, seen);
      rig.run(LATE_US + 200 * MS);
      expect(rig.outcomes()).toEqual(outcomes);
      rig.registers.co.set(0, 0);
      rig.run(2 * LATE_US);
      expect(rig.outcomes()).toEqual(outcomes);
      expect(rig.state.folded.outputs[OUT.valve]?.proven).toMatchObject({ raw: 0 });
      isSettled(rig, OUT.valve);
    }
  });
});

describe("permits that a crash left open", () => {
  const again = (rig: Rig, speed: number): Rig => {
    const next = new Rig({}, { folded: rig.state.folded, nowUs: 5 * SECOND, gapUs: 2 * SECOND });
    next.setSpeeds(speed, 30);
    next.run(LATE_US + 500 * MS);
    return next;
  };

  it("are called done by a value only one of them wrote, and nothing more is said of the other", () => {
    const rig = started();
    rig.held.send = true;
    rig.ask(OUT.speed1, hz(31));
    rig.run(800 * MS);
    rig.ask(OUT.speed1, hz(31.5));
    const [first, second] = rig.bodies("decision").map(({ id }) => id);
    for (const [speed, id] of [
      [31.5, second],
      [31, first],
      [30, null],
    ] as const) {
      const next = again(rig, speed);
      const resolved = next.bodies("outcome").slice(2);
      expect(resolved.map((body) => [body.outcome, body.id])).toEqual(
        id === null ? [] : [["resolved-done", id]],
      );
      expect(next.outcomes().slice(0, 2)).toEqual(["crash-unknown", "crash-unknown"]);
      expect(next.mode).toBe("enforcing");
      expect(next.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(speed) });
      isSettled(next);
    }
  });

  it("are not called not done when a newer write was proven before the crash", () => {
    const rig = started();
    lose(rig, hz(31), true);
    rig.run(800 * MS);
    rig.ask(OUT.speed1, hz(31.5));
    expect(rig.outcomes()).toEqual(["unknown", "done"]);
    const next = again(rig, 31.5);
    expect(next.outcomes()).toEqual([]);
    expect(next.mode).toBe("enforcing");
    isSettled(next);
  });
});
