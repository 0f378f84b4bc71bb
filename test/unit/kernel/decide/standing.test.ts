import { describe, expect, it } from "vitest";
import { decide } from "../../../../src/kernel/decide/decide.js";
import { gatherFacts } from "../../../../src/kernel/decide/gather-facts.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import { because } from "../../../../src/kernel/record/because.js";
import { KERNEL_FACTS, type Look, type Mode } from "../../../../src/kernel/record/look.js";
import type { FoldedState } from "../../../../src/kernel/state/state.js";
import {
  askFor,
  codes,
  goodImage,
  judge,
  NOW,
  planned,
  readyState,
  withControllerState,
} from "../../../support/judging.js";
import { buildModel, CONTROLLERS, hz, OUT } from "../../../support/model.js";

const profile = compileProfile(buildModel());
const ready = readyState(profile);
const SPEED = askFor([[OUT.speed1, hz(36)]]);

function codesIn(state: FoldedState, ask = SPEED): readonly string[] {
  return codes(judge(profile, { state }, ask));
}

describe("what every command needs", () => {
  it("is all there in the ready state", () => {
    expect(judge(profile, {}, SPEED)).toEqual({
      verdict: "permit",
      reasons: [],
      writes: [{ output: OUT.speed1, asked: hz(36), given: hz(36), was: hz(35), wasProven: true }],
      noChange: false,
    });
  });

  it("is a profile in force and evidence that can be written", () => {
    expect(codesIn({ ...ready, profileValid: false })).toEqual(["profile"]);
    expect(codesIn({ ...ready, evidenceWritable: false })).toEqual(["evidence"]);
  });

  it("is the enforcing mode [HP-036 allows] [HP-036 refuses]", () => {
    const expected: Readonly<Record<Mode, string>> = {
      starting: "mode",
      observe: "mode",
      enforcing: "",
      holding: "mode",
      "safe-state": "safe-state",
      "locked-out": "mode",
    };
    for (const [mode, code] of Object.entries(expected)) {
      const found = Object.keys(expected).find((name) => name === mode);
      expect(found).toBe(mode);
      const state = { ...ready, mode: modeOf(mode) };
      expect(codesIn(state)).toEqual(code === "" ? [] : [code]);
    }
  });

  it("is a device that is up", () => {
    for (const condition of ["down", "identity-changed", "program-stopped", "unread"] as const) {
      expect(codesIn({ ...ready, devices: [{ condition, open: 0 }] })).toEqual(["device-down"]);
    }
    expect(codesIn({ ...ready, devices: [] })).toEqual(["device-down", "busy"]);
  });
});

describe("leases", () => {
  const operator = (gainSeq: number): FoldedState =>
    withControllerState(ready, CONTROLLERS.operator, { lease: { gainSeq, beatUs: NOW } });

  it("are needed, and live until the microsecond they lapse", () => {
    const beat = (agoUs: number): FoldedState =>
      withControllerState(ready, CONTROLLERS.ai, { lease: { gainSeq: 5, beatUs: NOW - agoUs } });
    expect(codesIn(beat(4_999_999))).toEqual([]);
    expect(codesIn(beat(5_000_000))).toEqual(["lease"]);
    expect(codesIn(withControllerState(ready, CONTROLLERS.ai, { lease: null }))).toEqual(["lease"]);
  });

  it("of a controller of higher rank take the output away", () => {
    const decision = judge(profile, { state: operator(9) }, SPEED);
    expect(decision.reasons).toMatchObject([{ code: "lease", output: OUT.speed1 }]);
    const byOperator = askFor([[OUT.speed1, hz(36)]], CONTROLLERS.operator);
    expect(judge(profile, { state: operator(9) }, byOperator).verdict).toBe("permit");
  });

  it("between equals stay with the one that gained first", () => {
    const equals = compileProfile(
      buildModel({
        controllers: buildModel().controllers.map((controller) => ({ ...controller, priority: 5 })),
      }),
    );
    expect(codes(judge(equals, { state: operator(4) }, SPEED))).toEqual(["lease"]);
    expect(judge(equals, { state: operator(6) }, SPEED).verdict).toBe("permit");
  });

  it("of others bind a controller that needs none itself", () => {
    const visitor = askFor([[OUT.speed2, hz(36)]], CONTROLLERS.visitor);
    expect(codesIn(ready, visitor)).toEqual(["lease"]);
    const free = withControllerState(ready, CONTROLLERS.ai, { lease: null });
    expect(codesIn(free, visitor)).toEqual([]);
  });
});

describe("a controller", () => {
  it("that is suspended is refused until then", () => {
    const until = (us: number): FoldedState =>
      withControllerState(ready, CONTROLLERS.ai, { suspendedUntilUs: us });
    const decision = judge(profile, { state: until(NOW + 7) }, SPEED);
    expect(decision.reasons).toMatchObject([{ code: "suspended", freeUs: 7 }]);
    expect(codesIn(until(NOW))).toEqual([]);
  });

  it("writes only its own outputs [HP-010 refuses]", () => {
    expect(codesIn(ready, askFor([[OUT.local, 1]]))).toEqual(["not-writable"]);
  });

  it("that the profile does not have is nobody", () => {
    const ask = askFor([[OUT.speed1, hz(36)]], 17);
    expect(codesIn(ready, ask)).toContain("identity");
  });
});

describe("latched trips", () => {
  const latch = (...ids: string[]): FoldedState => ({
    ...ready,
    latched: ids.map((id) => ({ trip: profile.tripById.get(id) ?? -1, id, seq: 50, firedUs: 0 })),
  });

  it("let only the value pass that they set, and leave other outputs alone [HP-041 allows] [HP-041 refuses]", () => {
    const stop = askFor([
      [OUT.run1, 0],
      [OUT.run2, 0],
    ]);
    expect(codesIn(latch("T-01"), stop)).toEqual([]);
    const start = judge(
      profile,
      { state: latch("T-01") },
      askFor([
        [OUT.run1, 1],
        [OUT.run2, 0],
      ]),
    );
    expect(start.reasons).toMatchObject([{ code: "tripped", rule: "T-01", output: OUT.run1 }]);
    expect(codesIn(latch("T-01"))).toEqual([]);
  });

  it("to the safe state let nothing pass but its values", () => {
    expect(codesIn(latch("T-08"))).toEqual(["tripped"]);
    expect(codesIn(latch("foreign.pump1.speed"))).toEqual(["tripped"]);
  });

  it("that the profile does not have let nothing pass", () => {
    expect(codesIn(latch("T-99"))).toEqual(["tripped"]);
  });
});

describe("a request that maps to nothing", () => {
  it("is denied with its own reasons and with whatever else stands in the way", () => {
    const ask = { controller: CONTROLLERS.ai, writes: [], reasons: [because("tag-unknown")] };
    const decision = judge(profile, { state: { ...ready, mode: "holding" } }, ask);
    expect([decision.verdict, codes(decision), decision.writes]).toEqual([
      "deny",
      ["tag-unknown", "mode"],
      [],
    ]);
  });

  it("is denied even without any reason of its own", () => {
    const ask = { controller: CONTROLLERS.ai, writes: [], reasons: [] };
    expect(codesIn(ready, ask)).toEqual(["malformed"]);
    expect(codesIn(ready, askFor([[99, 1]]))).toEqual(["internal"]);
    expect(
      codesIn(
        ready,
        askFor([
          [OUT.speed1, hz(36)],
          [OUT.speed1, hz(36)],
        ]),
      ),
    ).toContain("partial-write");
  });
});

describe("a decision", () => {
  it("gives every reason, in the order of the catalogue [HP-030]", () => {
    const state = {
      ...withControllerState(ready, CONTROLLERS.ai, { lease: null }),
      mode: "holding" as const,
    };
    expect(codesIn(state, askFor([[OUT.speed1, hz(45)]]))).toEqual(["step", "mode", "lease"]);
  });

  it("is denied when any single kernel fact of the look is missing", () => {
    const ask = askFor([[OUT.speed1, hz(36)]]);
    const look = gatherFacts(profile, { image: goodImage(), state: ready, nowUs: NOW }, ask, null);
    expect(decide(profile, ask, look).verdict).toBe("permit");
    const kinds = new Set(look.kernel.map(({ kind }) => kind));
    for (const kind of kinds) {
      const without: Look = { ...look, kernel: look.kernel.filter((fact) => fact.kind !== kind) };
      const verdict = decide(profile, ask, without).verdict;
      expect([kind, verdict]).toEqual([kind, kind === "window-oldest" ? "permit" : "deny"]);
    }
    expect(KERNEL_FACTS.length).toBe(16);
  });

  it("is denied when any single tag of the look is missing or too old", () => {
    const state = ready;
    const ask = askFor([
      [OUT.run1, 0],
      [OUT.run2, 0],
    ]);
    const look = gatherFacts(profile, { image: goodImage(), state, nowUs: NOW }, ask, null);
    expect(decide(profile, ask, look).verdict).toBe("permit");
    const none: Look = { ...look, tags: [] };
    expect(decide(profile, ask, none).verdict).toBe("deny");
    const old: Look = { ...look, tags: look.tags.map((tag) => ({ ...tag, ageUs: 9_000_000 })) };
    expect(decide(profile, ask, old).verdict).toBe("deny");
  });

  it("does not depend on the order in which the look tells its facts", () => {
    const state = planned(planned(ready, OUT.speed2, hz(46)), OUT.speed1, hz(36), hz(37));
    const asked = [hz(36), hz(38), hz(40), hz(43)];
    for (const raw of asked) {
      const ask = askFor([[OUT.speed1, raw]]);
      const look = gatherFacts(profile, { image: goodImage(), state, nowUs: NOW }, ask, null);
      const turned: Look = { ...look, kernel: look.kernel.toReversed() };
      expect({ ...decide(profile, ask, turned), writes: [] }).toEqual({
        ...decide(profile, ask, look),
        writes: [],
      });
    }
  });

  it("follows from its arguments alone", () => {
    const ask = askFor([[OUT.speed1, hz(44)]]);
    const look = gatherFacts(profile, { image: goodImage(), state: ready, nowUs: NOW }, ask, null);
    const first = decide(profile, ask, look);
    decide(profile, SPEED, look);
    expect(decide(profile, ask, look)).toEqual(first);
  });
});

describe("the facts of a decision", () => {
  it("are those the rules concerned read, and come in one order", () => {
    const look = gatherFacts(
      profile,
      { image: goodImage(), state: ready, nowUs: NOW },
      SPEED,
      null,
    );
    expect(look.tags.map(({ tag }) => tag)).toEqual([0, 5]);
    expect(look.kernel.map(({ kind, index }) => `${kind} ${index}`)).toEqual([
      "gateway 0",
      "gateway 1",
      "device 0",
      "in-flight 0",
      "suspended 0",
      "controller-total 0",
      "proven 4",
      "holder 4",
      "last-permit 4",
      "window-count 4",
      "drift-base 4",
      "proven 2",
      "proven 3",
      "proven 5",
    ]);
    expect(look.lease).toEqual({ gainSeq: 5, leftUs: 4_000_000 });
  });

  it("show at the second look only what is older than the permit, of its own outputs", () => {
    const state: FoldedState = {
      ...ready,
      outputs: ready.outputs.map((known) => ({
        ...known,
        planned: [
          { seq: 10, raw: hz(35), atUs: NOW - 3 },
          { seq: 11, raw: hz(35), atUs: NOW - 2 },
          { seq: 12, raw: hz(35), atUs: NOW - 1 },
        ],
      })),
    };
    const look = gatherFacts(profile, { image: goodImage(), state, nowUs: NOW }, SPEED, 11);
    const planned = (output: number): number =>
      look.kernel.filter(({ kind, index }) => kind === "planned" && index === output).length;
    expect([planned(OUT.speed1), planned(OUT.speed2)]).toEqual([1, 3]);
  });
});

function modeOf(name: string): Mode {
  switch (name) {
    case "starting":
    case "observe":
    case "enforcing":
    case "holding":
    case "safe-state":
      return name;
    default:
      return "locked-out";
  }
}
