import type { Ask } from "../src/kernel/command/request.js";
import { decide } from "../src/kernel/decide/decide.js";
import { gatherFacts, type View } from "../src/kernel/decide/gather-facts.js";
import type { CompiledProfile } from "../src/kernel/profile/compiled.js";
import { initialState } from "../src/kernel/state/initial.js";
import type { FoldedState, OutputState } from "../src/kernel/state/state.js";
import { compileText } from "./bench-profile.js";
import { writeDecisionProfile } from "./decision-profile.js";

/** Time of one decision by twenty rules: taking the facts and judging them, in this process. */
export type DecisionFindings = {
  readonly permit: Timing;
  /** A command that every rule it can break objects to; `reasons` says how many were reported. */
  readonly deny: Timing & { readonly reasons: number };
};
export type Timing = { readonly p50Us: number; readonly p99Us: number; readonly count: number };

const SECOND_US = 1_000_000;
const NOW_US = 1_000 * SECOND_US;
const WARM = 20_000;
const HALF_FULL = 20_000;

/** Decides `count` times each. Throws when a verdict is not the one meant: speed at a wrong answer is nothing. */
export function measureDecisions(count: number): DecisionFindings {
  const profile = compileText(writeDecisionProfile());
  const good = viewOf(profile, HALF_FULL);
  const bad = viewOf(profile, 0);
  const permitted: Ask = { controller: 0, writes: [{ output: 0, raw: 3_100 }], reasons: [] };
  const refused: Ask = { controller: 0, writes: [{ output: 0, raw: 5_900 }], reasons: [] };
  const first = decide(profile, permitted, gatherFacts(profile, good, permitted, null));
  if (first.verdict !== "permit")
    throw new Error(`not permitted: ${JSON.stringify(first.reasons)}`);
  const { verdict, reasons } = decide(profile, refused, gatherFacts(profile, bad, refused, null));
  if (verdict !== "deny") throw new Error(`not denied: ${verdict}`);
  return {
    permit: timeDecisions(profile, good, permitted, count),
    deny: { ...timeDecisions(profile, bad, refused, count), reasons: reasons.length },
  };
}

function timeDecisions(profile: CompiledProfile, view: View, ask: Ask, count: number): Timing {
  const tookUs = new Float64Array(count);
  let verdicts = 0;
  for (let n = -WARM; n < count; n += 1) {
    const begun = performance.now();
    const { verdict } = decide(profile, ask, gatherFacts(profile, view, ask, null));
    const ended = performance.now();
    if (verdict !== "hold") verdicts += 1;
    if (n >= 0) tookUs[n] = (ended - begun) * 1_000;
  }
  if (verdicts !== count + WARM) throw new Error("a verdict changed under way");
  tookUs.sort();
  const at = (share: number): number => tookUs[Math.floor(share * (count - 1))] ?? Number.NaN;
  return { p50Us: at(0.5), p99Us: at(0.99), count };
}

/** Enforcing, leased, every sample fresh; levels at `levelRaw`, so that rules on them hold or not. */
function viewOf(profile: CompiledProfile, levelRaw: number): View {
  const sentUs = NOW_US - SECOND_US / 10;
  const samples = profile.model.inputs.map(() => ({
    raw: levelRaw,
    quality: "good" as const,
    sentUs,
    lastGood: null,
    unchangedSinceUs: sentUs,
  }));
  return { image: { samples }, state: enforcing(profile), nowUs: NOW_US };
}

function enforcing(profile: CompiledProfile): FoldedState {
  const state = initialState(profile);
  const [, other, ...rest] = state.outputs;
  if (other === undefined) throw new Error("the profile has two outputs");
  const used = (output: OutputState, raw: number): OutputState => ({
    ...output,
    proven: { raw, atUs: NOW_US - 5 * SECOND_US },
    permits: Array.from({ length: 20 }, (_, n) => ({
      seq: n,
      atUs: NOW_US - (50 - n) * SECOND_US,
    })),
    held: [{ fromUs: NOW_US - 700 * SECOND_US, raw }],
  });
  return {
    ...state,
    mode: "enforcing",
    profileValid: true,
    lastUs: NOW_US - SECOND_US,
    outputs: [used(other, 3_000), used(other, 2_500), ...rest],
    controllers: state.controllers.map((controller) => ({
      ...controller,
      lease: { gainSeq: 1, beatUs: NOW_US - SECOND_US / 2 },
    })),
    devices: state.devices.map(() => ({ condition: "up" as const, open: 0 })),
  };
}
