import { describe, expect, it } from "vitest";
import { IN_FLIGHT_PER_DEVICE } from "../../../../src/kernel/bounds.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import {
  askFor,
  at,
  charges,
  codes,
  judge,
  planned,
  readyState,
  withControllerState,
  withOutputState,
} from "../../../support/judging.js";
import { buildModel, CONTROLLERS, hz, OUT } from "../../../support/model.js";

const profile = compileProfile(buildModel({ permissives: [], always: [] }));
const ready = readyState(profile);

describe("every", () => {
  const after = (ageUs: number): typeof ready =>
    withOutputState(ready, OUT.speed1, { permits: charges(10_000_000, ageUs) });

  it("permits once the time has passed, and tells how long until then [HP-018 allows] [HP-018 refuses]", () => {
    expect(
      judge(profile, { state: after(500_000) }, askFor([[OUT.speed1, hz(35.3)]])).verdict,
    ).toBe("permit");
    const soon = judge(profile, { state: after(499_999) }, askFor([[OUT.speed1, hz(35.3)]]));
    expect(codes(soon)).toEqual(["every"]);
    expect(soon.reasons[0]?.freeUs).toBe(1);
  });

  it("asks nothing before the first permit", () => {
    expect(judge(profile, {}, askFor([[OUT.speed1, hz(36)]])).verdict).toBe("permit");
  });
});

describe("budget of an output", () => {
  const valve = (...agesUs: number[]): typeof ready =>
    withOutputState(ready, OUT.valve, { permits: charges(...agesUs) });
  const hour = 3_600_000_000;

  it("counts what lies inside (now - W, now] [HP-019 allows] [HP-019 refuses]", () => {
    const ages = [1e6, 2e6, 3e6, 4e6, 5e6];
    expect(judge(profile, { state: valve(...ages) }, askFor([[OUT.valve, 0]])).verdict).toBe(
      "permit",
    );
    expect(judge(profile, { state: valve(...ages, hour) }, askFor([[OUT.valve, 0]])).verdict).toBe(
      "permit",
    );
    const full = judge(profile, { state: valve(...ages, hour - 1) }, askFor([[OUT.valve, 0]]));
    expect([codes(full), full.reasons[0]?.freeUs]).toEqual([["budget"], 1]);
  });

  it("does not count, at the second look, the permit itself and what was released after it", () => {
    const state = valve(1, 2, 3, 4, 5, 6);
    expect(judge(profile, { state }, askFor([[OUT.valve, 0]]), 6).verdict).toBe("permit");
    expect(codes(judge(profile, { state }, askFor([[OUT.valve, 0]]), 7))).toEqual(["budget"]);
  });
});

describe("budget of a controller over all outputs", () => {
  it("refuses beyond it, whichever output is asked [HP-019 allows] [HP-019 refuses]", () => {
    const with_ = (count: number): typeof ready =>
      withControllerState(ready, CONTROLLERS.ai, {
        permits: charges(...Array.from({ length: count }, (_, n) => n * 1000 + 1)),
      });
    expect(judge(profile, { state: with_(119) }, askFor([[OUT.valve, 1]])).verdict).toBe("permit");
    for (const ask of [askFor([[OUT.valve, 1]]), askFor([[OUT.speed1, hz(36)]])]) {
      const full = judge(profile, { state: with_(120) }, ask);
      expect(full.reasons).toMatchObject([{ code: "budget", output: null, rule: null }]);
    }
  });
});

describe("starts", () => {
  const stopped = at(at(ready, OUT.run1, 0), OUT.run2, 0);
  const started = withOutputState(stopped, OUT.run1, { starts: charges(1, 2, 3, 4, 5, 6) });

  it("refuses one start too many, but not a stop [HP-020 allows] [HP-020 refuses]", () => {
    const six = judge(
      profile,
      { state: started },
      askFor([
        [OUT.run1, 1],
        [OUT.run2, 0],
      ]),
    );
    expect(codes(six)).toEqual(["starts"]);
    const five = withOutputState(stopped, OUT.run1, { starts: charges(1, 2, 3, 4, 5) });
    expect(
      judge(
        profile,
        { state: five },
        askFor([
          [OUT.run1, 1],
          [OUT.run2, 0],
        ]),
      ).verdict,
    ).toBe("permit");
    expect(
      judge(
        profile,
        { state: started },
        askFor([
          [OUT.run1, 0],
          [OUT.run2, 0],
        ]),
      ).verdict,
    ).toBe("permit");
  });

  it("does not count a co-written bit that keeps its value", () => {
    const running = withOutputState(at(stopped, OUT.run1, 1), OUT.run1, {
      starts: charges(1, 2, 3, 4, 5, 6),
    });
    expect(
      judge(
        profile,
        { state: running },
        askFor([
          [OUT.run1, 1],
          [OUT.run2, 1],
        ]),
      ).verdict,
    ).toBe("permit");
  });

  it("counts as a start what may be one", () => {
    const maybe = planned(at(started, OUT.run1, 1), OUT.run1, 0);
    expect(
      codes(
        judge(
          profile,
          { state: maybe },
          askFor([
            [OUT.run1, 1],
            [OUT.run2, 0],
          ]),
        ),
      ),
    ).toContain("starts");
  });
});

describe("dwell", () => {
  const runFor = (heldUs: number): typeof ready => at(ready, OUT.run1, 1, heldUs);
  const stop = askFor([
    [OUT.run1, 0],
    [OUT.run2, 0],
  ]);

  it("keeps a pump on for min_on and off for min_off [HP-021 allows] [HP-021 refuses]", () => {
    expect(judge(profile, { state: runFor(30_000_000) }, stop).verdict).toBe("permit");
    const early = judge(profile, { state: runFor(29_999_999) }, stop);
    expect([codes(early), early.reasons[0]?.freeUs]).toEqual([["dwell"], 1]);
    const off = at(ready, OUT.run1, 0, 100_000_000);
    const start = judge(
      profile,
      { state: off },
      askFor([
        [OUT.run1, 1],
        [OUT.run2, 0],
      ]),
    );
    expect([codes(start), start.reasons[0]?.freeUs]).toEqual([["dwell"], 20_000_000]);
  });

  it("does not touch a bit that keeps its value", () => {
    expect(
      judge(
        profile,
        { state: runFor(1) },
        askFor([
          [OUT.run1, 1],
          [OUT.run2, 1],
        ]),
      ).verdict,
    ).toBe("permit");
  });

  it("holds any value for min_hold [HP-021 allows] [HP-021 refuses]", () => {
    const young = at(ready, OUT.valve, 0, 19_000_000);
    const decision = judge(profile, { state: young }, askFor([[OUT.valve, 1]]));
    expect([codes(decision), decision.reasons[0]?.freeUs]).toEqual([["dwell"], 1_000_000]);
    expect(judge(profile, { state: young }, askFor([[OUT.valve, 0]])).verdict).toBe("permit");
  });

  it("starts anew while another value is on its way, and when nothing is known", () => {
    expect(codes(judge(profile, { state: planned(runFor(9e9), OUT.run1, 0) }, stop))).toEqual([
      "dwell",
    ]);
    const unknown = withOutputState(ready, OUT.run1, { proven: null });
    expect(codes(judge(profile, { state: unknown }, stop))).toEqual(["dwell"]);
  });
});

describe("busy", () => {
  it("bounds unsettled writes per output and per device [HP-055 allows] [HP-055 refuses]", () => {
    const three = planned(ready, OUT.valve, 1, 1, 1);
    expect(judge(profile, { state: three }, askFor([[OUT.valve, 1]])).verdict).toBe("permit");
    const four = planned(ready, OUT.valve, 1, 1, 1, 1);
    expect(codes(judge(profile, { state: four }, askFor([[OUT.valve, 1]])))).toEqual(["busy"]);
    const open = (count: number): typeof ready => ({
      ...ready,
      devices: [{ condition: "up", open: count }],
    });
    expect(
      judge(profile, { state: open(IN_FLIGHT_PER_DEVICE - 1) }, askFor([[OUT.valve, 1]])).verdict,
    ).toBe("permit");
    expect(
      codes(judge(profile, { state: open(IN_FLIGHT_PER_DEVICE) }, askFor([[OUT.valve, 1]]))),
    ).toEqual(["busy"]);
    expect(
      judge(profile, { state: open(IN_FLIGHT_PER_DEVICE) }, askFor([[OUT.valve, 1]]), 99).verdict,
    ).toBe("permit");
  });
});
