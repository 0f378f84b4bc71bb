import { describe, expect, it } from "vitest";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import type { Output } from "../../../../src/kernel/profile/model.js";
import {
  askFor,
  at,
  charges,
  codes,
  judge,
  NOW,
  planned,
  readyState,
  withOutputState,
} from "../../../support/judging.js";
import { buildModel, defaultOutputs, hz, OUT } from "../../../support/model.js";
import { address, output } from "../../../support/tags.js";

/** The default model with one output's limits replaced, and no permissives in the way. */
function profileWith(
  position: number,
  overrides: Partial<Output>,
): ReturnType<typeof compileProfile> {
  const outputs = defaultOutputs().map((tag, index) =>
    index === position ? { ...tag, ...overrides } : tag,
  );
  return compileProfile(buildModel({ outputs, permissives: [], always: [] }));
}

const FREE: Partial<Output> = {
  range: null,
  step: null,
  rampPerS: null,
  drift: null,
  deadband: null,
  everyUs: null,
  budget: null,
  outside: "reject",
};

describe("range", () => {
  const profile = profileWith(OUT.speed1, { ...FREE, range: { low: 25, high: 50 } });

  it("permits both limits and refuses one raw step beyond, naming the nearest limit [HP-014 allows] [HP-014 refuses]", () => {
    expect(judge(profile, {}, askFor([[OUT.speed1, hz(25)]])).verdict).toBe("permit");
    expect(judge(profile, {}, askFor([[OUT.speed1, hz(50)]])).verdict).toBe("permit");
    const high = judge(profile, {}, askFor([[OUT.speed1, hz(50) + 1]]));
    expect([high.verdict, codes(high), high.reasons[0]?.limit]).toEqual(["deny", ["range"], 50]);
    const low = judge(profile, {}, askFor([[OUT.speed1, hz(25) - 1]]));
    expect([codes(low), low.reasons[0]?.limit]).toEqual([["range"], 25]);
  });

  it("takes limits that fall between raw steps inwards [HP-012 allows] [HP-012 refuses]", () => {
    const between = profileWith(OUT.speed1, { ...FREE, range: { low: 25.004, high: 49.996 } });
    expect(codes(judge(between, {}, askFor([[OUT.speed1, hz(25)]])))).toEqual(["range"]);
    expect(judge(between, {}, askFor([[OUT.speed1, hz(25) + 1]])).verdict).toBe("permit");
    expect(codes(judge(between, {}, askFor([[OUT.speed1, hz(50)]])))).toEqual(["range"]);
    expect(judge(between, {}, askFor([[OUT.speed1, hz(50) - 1]])).verdict).toBe("permit");
  });

  it("refuses everything when no raw value lies inside", () => {
    const empty = profileWith(OUT.speed1, { ...FREE, range: { low: 30.001, high: 30.002 } });
    expect(codes(judge(empty, {}, askFor([[OUT.speed1, hz(30)]])))).toEqual(["range"]);
  });

  it("works on a scale that is turned round", () => {
    const turned = profileWith(OUT.speed1, {
      ...FREE,
      scaling: { rawLow: 0, rawHigh: 6000, euLow: 60, euHigh: 0 },
      range: { low: 25, high: 50 },
    });
    expect(judge(turned, {}, askFor([[OUT.speed1, 1000]])).verdict).toBe("permit");
    expect(judge(turned, {}, askFor([[OUT.speed1, 999]])).reasons[0]?.limit).toBe(50);
    expect(judge(turned, {}, askFor([[OUT.speed1, 3501]])).reasons[0]?.limit).toBe(25);
  });
});

describe("type", () => {
  it("refuses a float that is NaN or infinite, whatever else is allowed [HP-029 refuses]", () => {
    const profile = profileWith(OUT.speed1, {
      ...FREE,
      at: address("hr", 41, "f32"),
      scaling: null,
    });
    for (const raw of [0x7fc00000, 0x7f800000, 0xff800000]) {
      expect(codes(judge(profile, {}, askFor([[OUT.speed1, raw]])))).toEqual(["type"]);
    }
    expect(judge(profile, {}, askFor([[OUT.speed1, 0x41f00000]])).verdict).toBe("permit");
  });

  it("refuses a BOOL that is neither 0 nor 1 and a state without a name", () => {
    const bool = profileWith(OUT.valve, { minHoldUs: null });
    expect(codes(judge(bool, {}, askFor([[OUT.valve, 2]])))).toEqual(["type"]);
    const states = new Map([
      [1, "SLOW"],
      [2, "FAST"],
    ]);
    const state = profileWith(OUT.speed1, { ...FREE, kind: "state", states, scaling: null });
    expect(codes(judge(state, {}, askFor([[OUT.speed1, 3]])))).toEqual(["type"]);
    expect(judge(state, {}, askFor([[OUT.speed1, 2]])).verdict).toBe("permit");
  });
});

describe("step", () => {
  const profile = profileWith(OUT.speed1, { ...FREE, range: { low: 25, high: 50 }, step: 5 });

  it("permits exactly the step and refuses one raw step more, both ways, naming the nearest value", () => {
    expect(judge(profile, {}, askFor([[OUT.speed1, hz(40)]])).verdict).toBe("permit");
    expect(judge(profile, {}, askFor([[OUT.speed1, hz(30)]])).verdict).toBe("permit");
    const up = judge(profile, {}, askFor([[OUT.speed1, hz(40) + 1]]));
    expect([codes(up), up.reasons[0]?.limit]).toEqual([["step"], 40]);
    const down = judge(profile, {}, askFor([[OUT.speed1, hz(30) - 1]]));
    expect([codes(down), down.reasons[0]?.limit]).toEqual([["step"], 30]);
  });

  it("compares with every value the output may have [HP-015 allows] [HP-015 refuses]", () => {
    const state = planned(readyState(profile), OUT.speed1, hz(38));
    expect(judge(profile, { state }, askFor([[OUT.speed1, hz(40)]])).verdict).toBe("permit");
    const up = judge(profile, { state }, askFor([[OUT.speed1, hz(41)]]));
    expect([codes(up), up.reasons[0]?.limit]).toEqual([["step"], 40]);
    const down = judge(profile, { state }, askFor([[OUT.speed1, hz(32)]]));
    expect([codes(down), down.reasons[0]?.limit]).toEqual([["step"], 33]);
  });

  it("refuses when the present value is not known", () => {
    const state = withOutputState(readyState(profile), OUT.speed1, { proven: null });
    const decision = judge(profile, { state }, askFor([[OUT.speed1, hz(35)]]));
    expect([codes(decision), decision.reasons[0]?.limit]).toEqual([["step"], null]);
  });

  it("lets a value outside its range jump to the nearest limit, and nowhere else [HP-014 allows] [HP-014 refuses]", () => {
    const state = at(readyState(profile), OUT.speed1, 0);
    expect(judge(profile, { state }, askFor([[OUT.speed1, hz(25)]])).verdict).toBe("permit");
    const beyond = judge(profile, { state }, askFor([[OUT.speed1, hz(25) + 1]]));
    expect([codes(beyond), beyond.reasons[0]?.limit]).toEqual([["step"], 25]);
    const high = at(readyState(profile), OUT.speed1, hz(60));
    expect(judge(profile, { state: high }, askFor([[OUT.speed1, hz(50)]])).verdict).toBe("permit");
    expect(codes(judge(profile, { state: high }, askFor([[OUT.speed1, hz(25)]])))).toEqual([
      "step",
    ]);
  });
});

describe("ramp", () => {
  const profile = profileWith(OUT.speed1, {
    ...FREE,
    range: { low: 25, high: 50 },
    step: 5,
    rampPerS: 2,
  });
  const after = (ageUs: number): ReturnType<typeof readyState> =>
    withOutputState(readyState(profile), OUT.speed1, { permits: charges(ageUs) });

  it("permits rate times the time since the last permit, and tells when more would pass [HP-016 allows] [HP-016 refuses]", () => {
    const state = after(1_000_000);
    expect(judge(profile, { state }, askFor([[OUT.speed1, hz(37)]])).verdict).toBe("permit");
    const fast = judge(profile, { state }, askFor([[OUT.speed1, hz(38)]]));
    expect(codes(fast)).toEqual(["ramp"]);
    expect(fast.reasons[0]).toMatchObject({ limit: 37, freeUs: 500_000 });
  });

  it("passes after the time it told, and not a microsecond before", () => {
    expect(
      judge(profile, { state: after(1_500_000) }, askFor([[OUT.speed1, hz(38)]])).verdict,
    ).toBe("permit");
    expect(
      codes(judge(profile, { state: after(1_499_999) }, askFor([[OUT.speed1, hz(38)]]))),
    ).toEqual(["ramp"]);
  });

  it("never allows more than the step, however long it was [HP-016 refuses]", () => {
    const decision = judge(profile, { state: after(60_000_000) }, askFor([[OUT.speed1, hz(41)]]));
    expect(codes(decision)).toEqual(["step"]);
  });

  it("counts from when the value was first known, while no permit was ever given", () => {
    const state = at(readyState(profile), OUT.speed1, hz(35), 500_000);
    expect(judge(profile, { state }, askFor([[OUT.speed1, hz(36)]])).verdict).toBe("permit");
    expect(codes(judge(profile, { state }, askFor([[OUT.speed1, hz(36) + 1]])))).toEqual(["ramp"]);
  });
});

describe("drift", () => {
  const profile = profileWith(OUT.speed1, {
    ...FREE,
    range: { low: 25, high: 50 },
    drift: { net: 10, windowUs: 600_000_000 },
  });
  /** 30 Hz until 100 s ago, 38 Hz since. */
  const state = withOutputState(readyState(profile), OUT.speed1, {
    proven: { raw: hz(38), atUs: NOW },
    held: [
      { fromUs: NOW - 900_000_000, raw: hz(30) },
      { fromUs: NOW - 100_000_000, raw: hz(38) },
    ],
  });

  it("is the net change from the value held when the window opened [HP-017 allows] [HP-017 refuses]", () => {
    expect(judge(profile, { state }, askFor([[OUT.speed1, hz(40)]])).verdict).toBe("permit");
    const far = judge(profile, { state }, askFor([[OUT.speed1, hz(40) + 1]]));
    expect([codes(far), far.reasons[0]?.limit]).toEqual([["drift"], 40]);
  });

  it("forgets the old value once the window has passed it, to the microsecond", () => {
    const moved = (openedUs: number): ReturnType<typeof readyState> =>
      withOutputState(state, OUT.speed1, {
        held: [
          { fromUs: NOW - 900_000_000, raw: hz(30) },
          { fromUs: NOW - openedUs, raw: hz(38) },
        ],
      });
    expect(
      judge(profile, { state: moved(600_000_000) }, askFor([[OUT.speed1, hz(48)]])).verdict,
    ).toBe("permit");
    expect(
      codes(judge(profile, { state: moved(599_999_999) }, askFor([[OUT.speed1, hz(48)]]))),
    ).toEqual(["drift"]);
  });

  it("counts from the limit where the old value lay outside the range, so a stop is no dead end", () => {
    const stopped = at(readyState(profile), OUT.speed1, 0);
    expect(judge(profile, { state: stopped }, askFor([[OUT.speed1, hz(25)]])).verdict).toBe(
      "permit",
    );
    const started = withOutputState(stopped, OUT.speed1, { proven: { raw: hz(25), atUs: NOW } });
    expect(judge(profile, { state: started }, askFor([[OUT.speed1, hz(35)]])).verdict).toBe(
      "permit",
    );
    expect(codes(judge(profile, { state: started }, askFor([[OUT.speed1, hz(36)]])))).toEqual([
      "drift",
    ]);
  });

  it("refuses while the value at the opening is not known", () => {
    const lost = withOutputState(state, OUT.speed1, { held: [] });
    expect(codes(judge(profile, { state: lost }, askFor([[OUT.speed1, hz(38)]])))).toEqual([
      "drift",
    ]);
  });
});

describe("clamp", () => {
  const profile = compileProfile(buildModel({ permissives: [] }));
  const near = at(readyState(profile), OUT.speed1, hz(48));

  it("moves a value outside the range to the nearest limit and says so [HP-023 allows]", () => {
    const decision = judge(profile, { state: near }, askFor([[OUT.speed1, hz(55)]]));
    expect(decision.verdict).toBe("clamp");
    expect(codes(decision)).toEqual(["range", "clamped"]);
    expect(decision.reasons[1]?.limit).toBe(50);
    expect(decision.writes).toEqual([
      { output: OUT.speed1, asked: hz(55), given: hz(50), was: hz(48), wasProven: true },
    ]);
  });

  it("is denied when any rule objects to the limit as well [HP-023 refuses]", () => {
    const decision = judge(profile, {}, askFor([[OUT.speed1, hz(55)]]));
    expect(decision.verdict).toBe("deny");
    expect(codes(decision)).toContain("step");
    expect(decision.writes[0]?.given).toBeNull();
  });

  it("is denied once the controller's clamps are used up [HP-023 allows] [HP-023 refuses]", () => {
    const full = (count: number): ReturnType<typeof readyState> => ({
      ...near,
      controllers: near.controllers.map((known) => ({
        ...known,
        clamps: charges(...Array.from({ length: count }, (_, n) => (n + 1) * 1_000_000)),
      })),
    });
    expect(judge(profile, { state: full(9) }, askFor([[OUT.speed1, hz(55)]])).verdict).toBe(
      "clamp",
    );
    const used = judge(profile, { state: full(10) }, askFor([[OUT.speed1, hz(55)]]));
    expect(used.verdict).toBe("deny");
    expect(used.reasons.find(({ code }) => code === "budget")).toMatchObject({
      rule: "clamps",
      freeUs: 590_000_000,
    });
  });

  it("is not for a controller without a clamp budget, nor for several outputs", () => {
    const operator = askFor([[OUT.speed2, hz(55)]], 2);
    expect(judge(profile, {}, operator).verdict).toBe("deny");
    const group = askFor([
      [OUT.run1, 1],
      [OUT.run2, 0],
      [OUT.speed1, hz(55)],
      [OUT.speed2, hz(35)],
    ]);
    expect(judge(profile, { state: near }, group).verdict).toBe("deny");
  });

  it("is not for a value that must be approved first", () => {
    const approving = compileProfile(
      buildModel({
        permissives: [],
        approvals: [
          {
            id: "AP-1",
            subject: { kind: "output", output: OUT.speed1 },
            while: null,
            people: 2,
            distinct: true,
            expiresUs: 1,
          },
        ],
      }),
    );
    const decision = judge(approving, { state: near }, askFor([[OUT.speed1, hz(52)]]));
    expect([decision.verdict, codes(decision)]).toEqual(["deny", ["range", "approval"]]);
  });

  it("gathers what the limit's own rules read", () => {
    const ruled = compileProfile(
      buildModel({
        permissives: [
          {
            id: "P-50",
            subject: { kind: "value", output: OUT.speed1, raw: hz(50) },
            from: null,
            needs: { kind: "slot", slot: 6 },
            why: "",
          },
        ],
      }),
    );
    expect(judge(ruled, { state: near }, askFor([[OUT.speed1, hz(55)]])).verdict).toBe("clamp");
  });
});

describe("deadband", () => {
  const profile = compileProfile(buildModel({ permissives: [] }));

  it("permits without sending or charging, even where a write would be too soon [HP-022 allows] [HP-022 refuses]", () => {
    const state = withOutputState(readyState(profile), OUT.speed1, { permits: charges(1_000) });
    const decision = judge(profile, { state }, askFor([[OUT.speed1, hz(35.2)]]));
    expect([decision.verdict, decision.noChange, decision.writes[0]?.given]).toEqual([
      "permit",
      true,
      null,
    ]);
    const more = judge(profile, { state }, askFor([[OUT.speed1, hz(35.21)]]));
    expect([more.verdict, codes(more)]).toEqual(["deny", ["ramp", "every"]]);
  });

  it("needs every value the output may have to be near [HP-022 refuses]", () => {
    const state = planned(readyState(profile), OUT.speed1, hz(36));
    expect(judge(profile, { state }, askFor([[OUT.speed1, hz(35.1)]])).noChange).toBe(false);
    const unknown = withOutputState(state, OUT.speed1, { proven: null });
    expect(judge(profile, { state: unknown }, askFor([[OUT.speed1, hz(36)]])).verdict).toBe("deny");
  });

  it("does not apply to an output that declares none: it is always sent", () => {
    const decision = judge(profile, {}, askFor([[OUT.valve, 1]]));
    expect([decision.verdict, decision.noChange, decision.writes[0]?.given]).toEqual([
      "permit",
      false,
      1,
    ]);
  });
});

describe("an output with no limits at all", () => {
  it("takes any value it can hold", () => {
    const outputs = [
      ...defaultOutputs().slice(0, 5),
      output("free", { at: address("hr", 50), kind: "number" }),
    ];
    const profile = compileProfile(buildModel({ outputs, permissives: [], always: [] }));
    expect(judge(profile, {}, askFor([[5, 65535]])).verdict).toBe("permit");
  });
});
