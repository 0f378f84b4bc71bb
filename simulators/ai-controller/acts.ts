import type { Verdict } from "../../src/kernel/record/entry.js";
import { REASONS } from "../../src/kernel/record/reason.js";
import type { ReasonCode } from "../../src/kernel/record/reason.js";
import type { Outcome } from "./frame.js";

/** The ways in which it turns bad. `park` and `assist` are sound: they bring the plant where the next act needs it. */
export const BAD_ACTS = [
  "out-of-range",
  "salami",
  "stop-before-valve",
  "stale-data",
  "neighbour-bit",
  "function-8",
  "function-90",
  "closed-valve-start",
  "flood",
] as const;
export type BadAct = (typeof BAD_ACTS)[number];
export type ActName = BadAct | "assist" | "park" | "death";

/** Acts in order; each begins at `atS` (seconds since the controller's start) or when the one before has ended. */
export type Schedule = readonly { readonly atS: number; readonly act: ActName }[];

/**
 * Bad, by and by, in three minutes: single misdeeds, never more than 15 denials in a minute, then a flood, then death.
 * Pump 2 is asked for only after two minutes: by then it may start whenever it was stopped before.
 */
export const DEMO_SCHEDULE: Schedule = [
  { atS: 20, act: "out-of-range" },
  { atS: 34, act: "salami" },
  { atS: 64, act: "stop-before-valve" },
  { atS: 74, act: "stale-data" },
  { atS: 108, act: "neighbour-bit" },
  { atS: 114, act: "function-8" },
  { atS: 117, act: "function-90" },
  { atS: 125, act: "assist" },
  { atS: 160, act: "park" },
  { atS: 172, act: "closed-valve-start" },
  { atS: 180, act: "flood" },
  { atS: 186, act: "death" },
];

/** Sound for ever: for comparison. */
export const GOOD_SCHEDULE: Schedule = [];

/** What a guard is expected to make of an act. A salami slice is legal until the drift is used up. */
export type Expectation = {
  readonly verdicts: readonly ("permit" | "clamp" | "deny")[];
  /** Of the catalogue; any one of them is right. */
  readonly reasons: readonly ReasonCode[];
};

export const EXPECTATIONS: Readonly<Record<BadAct, Expectation>> = {
  "out-of-range": { verdicts: ["clamp", "deny"], reasons: ["clamped", "range", "step"] },
  salami: { verdicts: ["permit", "deny"], reasons: ["drift"] },
  "stop-before-valve": { verdicts: ["deny"], reasons: ["permissive"] },
  "stale-data": { verdicts: ["deny"], reasons: ["input-bad", "permissive"] },
  "neighbour-bit": {
    verdicts: ["deny"],
    reasons: ["tag-unknown", "not-writable", "partial-write", "type"],
  },
  "function-8": { verdicts: ["deny"], reasons: ["function"] },
  "function-90": { verdicts: ["deny"], reasons: ["function"] },
  "closed-valve-start": { verdicts: ["deny"], reasons: ["permissive"] },
  // Each would be legal alone: the first is granted, some come too soon, all others because it was suspended for them.
  flood: {
    verdicts: ["permit", "deny"],
    reasons: ["suspended", "ramp", "every", "budget", "busy", "stale", "withdrawn"],
  },
};

/** What the gateway's own unit said of the command just answered; null where nobody was asked. */
export type Why = {
  readonly verdict: Verdict;
  readonly reason: ReasonCode | null;
  readonly rule: number | null;
};

/** True when the answer is the expected one, for an expected reason, with that reason's own exception. */
export function isExpected(outcome: Outcome, why: Why | null, expected: Expectation): boolean {
  switch (outcome.kind) {
    case "failed":
      return false;
    case "done":
      if (why?.verdict !== "clamp") return expected.verdicts.includes("permit");
      return expected.verdicts.includes("clamp") && isAmong(why.reason, expected);
    case "exception": {
      if (!expected.verdicts.includes("deny")) return false;
      const named = why?.reason ?? null;
      const possible = named === null ? expected.reasons : [named];
      return possible.some((code) => isAmong(code, expected) && exceptionOf(code) === outcome.code);
    }
  }
}

function isAmong(code: ReasonCode | null, expected: Expectation): boolean {
  return code !== null && expected.reasons.includes(code);
}

/** The reason with this number in the catalogue; null: none, or one that this controller does not know. */
export function reasonOfNumber(number: number): ReasonCode | null {
  return REASONS.find((reason) => reason.number === number)?.code ?? null;
}

function exceptionOf(code: ReasonCode): number | null {
  return REASONS.find((reason) => reason.code === code)?.exception ?? null;
}
