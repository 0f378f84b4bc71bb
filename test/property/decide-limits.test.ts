import { describe, expect, it } from "vitest";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { Output } from "../../src/kernel/profile/model.js";
import type { Decision } from "../../src/kernel/decide/decide.js";
import type { ReasonCode } from "../../src/kernel/record/reason.js";
import type { FoldedState } from "../../src/kernel/state/state.js";
import { compare, or } from "../support/formula.js";
import {
  askFor,
  goodImage,
  judge,
  NOW,
  readyState,
  sample,
  withControllerState,
  withOutputState,
} from "../support/judging.js";
import {
  bar,
  buildModel,
  CMD,
  CONTROLLERS,
  defaultOutputs,
  hz,
  IN,
  inSlot,
  OUT,
  permissive,
} from "../support/model.js";
import { type Random, seeded } from "../support/seeded.js";
import { share } from "../support/share.js";

/**
 * Decisions about one setpoint, each value drawn at, just below and just above the limits, against a
 * second opinion written from the definitions alone (raw steps are whole hundredths of a hertz).
 */
const SEED = 20_260_101;
const RUNS = share(200_000, 8_000);

const LOW = 2500;
const HIGH = 5000;
const STEP = 500;
const RATE = 200;
const NET = 800;
const DRIFT_WINDOW = 600_000_000;
const EVERY = 500_000;
const BUDGET = { count: 4, windowUs: 60_000_000 };
const CLAMPS = { count: 3, windowUs: 60_000_000 };
const DEADBAND = 20;
const TOP = 4000;

const speed: Partial<Output> = {
  range: { low: 25, high: 50 },
  step: 5,
  rampPerS: 2,
  drift: { net: 8, windowUs: DRIFT_WINDOW },
  deadband: 0.2,
  everyUs: EVERY,
  budget: BUDGET,
  outside: "clamp",
};
const base = buildModel();
const profile = compileProfile(
  buildModel({
    outputs: defaultOutputs().map((tag, index) =>
      index === OUT.speed1 ? { ...tag, ...speed } : tag,
    ),
    controllers: base.controllers.map((one) => ({ ...one, clamps: CLAMPS })),
    always: [],
    permissives: [
      permissive(
        "P-06",
        { kind: "output", output: OUT.speed1 },
        or(compare(CMD, "<=", 40), compare(inSlot(IN.pressure), "<", 6)),
      ),
    ],
  }),
);

type Case = {
  readonly asked: number;
  readonly present: number | null;
  readonly planned: readonly number[];
  readonly base: number | null;
  readonly permitAges: readonly number[];
  readonly clampAges: readonly number[];
  /** Kind of the pressure reading. */
  readonly pressure: "low" | "high" | "late" | "nan";
  readonly leaseAgeUs: number | null;
  readonly enforcing: boolean;
};

function draw(random: Random): Case {
  const near = (...around: number[]): number =>
    (around[random.below(around.length)] ?? 0) + random.below(3) - 1;
  const rarely = (part: number): boolean => random.below(part) === 0;
  const present = rarely(30)
    ? null
    : rarely(12)
      ? near(0, 6000) + 1
      : near(LOW, 3000, 3500, 4000, 4500, HIGH);
  const lastUs = near(EVERY, 1_000_000, 2_500_000, 30_000_000);
  const from = present ?? 3500;
  const base = rarely(40)
    ? null
    : rarely(3)
      ? from
      : near(from, from - NET, from + NET, from - 300, LOW, 0) + 0;
  const deltas = [
    0,
    DEADBAND,
    -DEADBAND,
    STEP,
    -STEP,
    (RATE * lastUs) / 1e6,
    (-RATE * lastUs) / 1e6,
    100,
    -100,
    50,
    200,
  ];
  const target = rarely(4)
    ? near(LOW, HIGH, TOP, 0, 65535, 5500)
    : near(
        ...deltas.map((delta) => Math.round(from + delta)),
        (base ?? from) + NET,
        (base ?? from) - NET,
      );
  return {
    asked: Math.min(65535, Math.max(0, target)),
    present,
    planned: rarely(5)
      ? Array.from({ length: random.below(5) }, () =>
          Math.max(0, near(from, from + 100, from - 200)),
        )
      : [],
    base: base === null ? null : Math.max(0, base),
    // Never more than the budget: the next one would have been refused.
    permitAges: [
      lastUs,
      ...Array.from({ length: random.below(BUDGET.count) }, () =>
        near(2_500_001, 30_000_000, BUDGET.windowUs),
      ),
    ],
    clampAges: Array.from({ length: random.below(CLAMPS.count + 1) }, () =>
      near(1_000_000, CLAMPS.windowUs),
    ),
    pressure:
      (["low", "low", "low", "low", "low", "high", "late", "nan"] as const)[random.below(8)] ??
      "low",
    leaseAgeUs: rarely(25) ? null : rarely(12) ? near(5_000_000) : 1_000_000,
    enforcing: !rarely(25),
  };
}

function decideCase(one: Case): Decision {
  const ready = readyState(profile);
  const held =
    one.present === null
      ? []
      : [
          ...(one.base === null ? [] : [{ fromUs: NOW - DRIFT_WINDOW - 5, raw: one.base }]),
          ...(one.base === one.present ? [] : [{ fromUs: NOW - 40_000_000, raw: one.present }]),
        ];
  const charge = (ages: readonly number[]): { seq: number; atUs: number }[] =>
    [...ages].sort((a, b) => b - a).map((age, seq) => ({ seq, atUs: NOW - age }));
  const withOutput = withOutputState(ready, OUT.speed1, {
    proven: one.present === null ? null : { raw: one.present, atUs: NOW - 1 },
    planned: one.planned.map((raw, seq) => ({ seq, raw, atUs: NOW - 1 })),
    held: one.base === null ? [] : held,
    permits: charge(one.permitAges),
  });
  const state: FoldedState = {
    ...withControllerState(withOutput, CONTROLLERS.ai, {
      lease: one.leaseAgeUs === null ? null : { gainSeq: 1, beatUs: NOW - one.leaseAgeUs },
      clamps: charge(one.clampAges),
    }),
    mode: one.enforcing ? "enforcing" : "holding",
  };
  const pressure = {
    low: sample(bar(5.9)),
    high: sample(bar(6.1)),
    late: sample(bar(4), { sentUs: NOW - 1_000_001 }),
    nan: sample(null, { quality: "decode" }),
  }[one.pressure];
  return judge(
    profile,
    { state, image: goodImage(new Map([[IN.pressure, pressure]])) },
    askFor([[OUT.speed1, one.asked]]),
  );
}

type Opinion = { readonly verdict: string; readonly codes: ReadonlySet<ReasonCode> };

/** The second opinion. Shares nothing with `src/` but the names of the reasons. */
function secondOpinion(one: Case): Opinion {
  const own = objections(one, one.asked);
  if (own.size === 0) return { verdict: "permit", codes: own };
  const limit = one.asked < LOW ? LOW : one.asked > HIGH ? HIGH : null;
  if (limit === null) return { verdict: "deny", codes: own };
  const anew = objections(one, limit);
  if (one.clampAges.filter((age) => age < CLAMPS.windowUs).length >= CLAMPS.count)
    anew.add("budget");
  return anew.size === 0
    ? { verdict: "clamp", codes: new Set<ReasonCode>(["range", "clamped"]) }
    : { verdict: "deny", codes: new Set([...own, ...anew]) };
}

function objections(one: Case, asked: number): Set<ReasonCode> {
  const found = new Set<ReasonCode>();
  const reachable = one.present === null ? null : [one.present, ...one.planned];
  if (!one.enforcing) found.add("mode");
  if (one.leaseAgeUs === null || one.leaseAgeUs >= 5_000_000) {
    found.add("lease");
  }
  if (asked < LOW || asked > HIGH) found.add("range");
  if (!(asked <= TOP || one.pressure === "low")) {
    found.add("permissive");
    if (one.pressure !== "high") found.add("input-bad");
  }
  if (reachable?.every((from) => Math.abs(asked - from) <= DEADBAND) ?? false) return found;
  if (one.planned.length >= 4) found.add("busy");
  const lastUs = Math.min(...one.permitAges);
  if (lastUs < EVERY) found.add("every");
  if (one.permitAges.filter((age) => age < BUDGET.windowUs).length >= BUDGET.count)
    found.add("budget");
  if (reachable === null) return new Set([...found, "step", "ramp", "drift"]);
  const home = (from: number): number => Math.min(HIGH, Math.max(LOW, from));
  const jumps = (from: number): boolean => from !== home(from) && asked === home(from);
  for (const from of reachable) {
    if (jumps(from)) continue;
    if (Math.abs(asked - from) > STEP) found.add("step");
    if (Math.abs(asked - from) * 1_000_000 > RATE * lastUs) found.add("ramp");
  }
  if (one.base === null) found.add("drift");
  else if (!reachable.every(jumps)) {
    const bases = [one.base, ...one.planned].map(home);
    if (bases.some((from) => Math.abs(asked - from) > NET)) found.add("drift");
  }
  return found;
}

describe(`decisions about a setpoint, at the limits and one step to either side (seed ${SEED})`, () => {
  const random = seeded(SEED);
  const cases = Array.from({ length: RUNS }, () => draw(random));
  const decisions = cases.map((one) => ({ one, decision: decideCase(one) }));

  it("agree with a second opinion written from the definitions", () => {
    for (const { one, decision } of decisions) {
      const opinion = secondOpinion(one);
      const codes = [...new Set(decision.reasons.map(({ code }) => code))].sort();
      expect({ one, verdict: decision.verdict, codes }).toEqual({
        one,
        verdict: opinion.verdict,
        codes: [...opinion.codes].sort(),
      });
    }
  });

  it("reach every verdict and every reason often enough to mean something", () => {
    const verdicts = count(decisions.map(({ decision }) => decision.verdict));
    expect(verdicts.get("permit") ?? 0).toBeGreaterThan(RUNS * 0.1);
    expect(verdicts.get("deny") ?? 0).toBeGreaterThan(RUNS * 0.2);
    expect(verdicts.get("clamp") ?? 0).toBeGreaterThan(RUNS * 0.005);
    const reasons = count(
      decisions.flatMap(({ decision }) => decision.reasons.map(({ code }) => code)),
    );
    const expected: readonly ReasonCode[] = [
      "range",
      "step",
      "ramp",
      "drift",
      "every",
      "budget",
      "busy",
      "permissive",
      "input-bad",
      "mode",
      "lease",
      "clamped",
    ];
    for (const code of expected)
      expect([code, (reasons.get(code) ?? 0) > RUNS * 0.005]).toEqual([code, true]);
    const lone = count(
      decisions.flatMap(({ decision: { reasons: all } }) =>
        all.length === 1 ? all.map(({ code }) => code) : [],
      ),
    );
    for (const code of ["step", "ramp", "drift", "every", "permissive"] as const) {
      expect([code, (lone.get(code) ?? 0) > 0]).toEqual([code, true]);
    }
    expect(decisions.filter(({ decision }) => decision.noChange).length).toBeGreaterThan(
      RUNS * 0.02,
    );
  });

  it("name as nearest a value that all limits on the value pass, and none nearer does [HP-030]", () => {
    const envelope: readonly string[] = ["range", "step", "ramp", "drift"];
    let named = 0;
    for (const { one, decision } of decisions) {
      const limits = new Set(
        decision.reasons.filter(({ code }) => envelope.includes(code)).map(({ limit }) => limit),
      );
      const [limit] = limits;
      if (decision.verdict !== "deny" || limits.size !== 1 || limit === null || limit === undefined)
        continue;
      named += 1;
      const nearest = hz(limit);
      const passes = (asked: number): boolean =>
        !decideCase({ ...one, asked }).reasons.some(({ code }) => envelope.includes(code));
      expect([one, passes(nearest)]).toEqual([one, true]);
      const closer = nearest + Math.sign(one.asked - nearest);
      // The deadband passes values that the limits on a change would not.
      const isStill = [one.present ?? Infinity, ...one.planned].every(
        (from) => Math.abs(closer - from) <= DEADBAND,
      );
      if (closer !== one.asked && !isStill)
        expect([one, closer, passes(closer)]).toEqual([one, closer, false]);
    }
    expect(named).toBeGreaterThan(RUNS * 0.05);
  });

  it("name a time after which a reason is gone, and before which it is not [HP-030]", () => {
    let timed = 0;
    for (const { one, decision } of decisions) {
      const [reason, ...others] = decision.reasons;
      if (reason === undefined || others.length > 0 || reason.freeUs === null) continue;
      timed += 1;
      const later = (us: number): readonly ReasonCode[] =>
        decideCase({
          ...one,
          permitAges: one.permitAges.map((age) => age + us),
          clampAges: one.clampAges.map((age) => age + us),
        }).reasons.map(({ code }) => code);
      expect([one, later(reason.freeUs)]).not.toEqual([one, expect.arrayContaining([reason.code])]);
      expect([one, later(reason.freeUs - 1)]).toEqual([one, expect.arrayContaining([reason.code])]);
    }
    expect(timed).toBeGreaterThan(RUNS * 0.01);
  });
});

function count<T>(items: readonly T[]): ReadonlyMap<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
