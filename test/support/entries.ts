import type { Decision } from "../../src/kernel/decide/decide.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type {
  BootBody,
  DecisionBody,
  Entry,
  EntryBody,
  LeaseBody,
  OutcomeBody,
  OutcomeKind,
  SafeStepBody,
  TripBody,
} from "../../src/kernel/record/entry.js";
import type { Look } from "../../src/kernel/record/look.js";
import { foldEntry } from "../../src/kernel/state/fold.js";
import type { FoldedState } from "../../src/kernel/state/state.js";
import type { Us } from "../../src/kernel/units.js";

export const EMPTY_LOOK: Look = {
  monoUs: 0,
  tags: [],
  kernel: [],
  mode: "enforcing",
  latched: [],
  bypasses: [],
  lease: null,
};

/** 16 bytes that hold a number. */
export function idOf(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(12, number);
  return id;
}

/** Folds bodies one after another, each with the next evidence number. */
export function append(
  profile: CompiledProfile,
  state: FoldedState,
  ...steps: readonly (readonly [atUs: Us, body: EntryBody, cause?: number])[]
): FoldedState {
  return steps.reduce((known, [monoUs, body, cause]) => {
    const entry: Entry = { seq: known.nextSeq, monoUs, cause: cause ?? null, body };
    return foldEntry(profile, known, entry);
  }, state);
}

type Given = readonly (readonly [output: number, given: number | null])[];

export function decision(
  id: number,
  given: Given,
  overrides: Partial<DecisionBody> = {},
): DecisionBody {
  return {
    type: "decision",
    id: idOf(id),
    source: {
      kind: "controller",
      door: "modbus-tcp",
      controller: "ai",
      auth: "address",
      kid: null,
    },
    bytes: new Uint8Array(0),
    bytesHash: null,
    writes: given.map(([output, raw]) => ({
      output,
      asked: raw ?? 0,
      given: raw,
      was: null,
      wasProven: false,
    })),
    verdict: "permit",
    reasons: [],
    profile: new Uint8Array(32),
    look: EMPTY_LOOK,
    sinceArrivalUs: 0,
    ...overrides,
  };
}

/** The record of a real decision. */
export function decisionOf(id: number, made: Decision, look: Look): DecisionBody {
  return {
    ...decision(id, []),
    writes: made.writes,
    verdict: made.verdict,
    reasons: made.reasons,
    look,
  };
}

export function outcome(
  id: number,
  kind: OutcomeKind,
  overrides: Partial<OutcomeBody> = {},
): OutcomeBody {
  return {
    type: "outcome",
    id: idOf(id),
    outcome: kind,
    reply: null,
    sincePermitUs: null,
    readBack: null,
    reasons: null,
    look: null,
    ...overrides,
  };
}

export function boot(number: number, overrides: Partial<BootBody> = {}): BootBody {
  return {
    type: "boot",
    boot: number,
    software: new Uint8Array(32),
    profile: new Uint8Array(32).fill(7),
    site: new Uint8Array(32),
    recovery: { found: "clean", fromSeq: 0, cutBytes: 0, cutHash: null },
    semantics: 1,
    key: "file",
    splitEnforced: false,
    nv: null,
    parachute: null,
    ...overrides,
  };
}

export function tripEntry(rule: string, event: TripBody["event"]): TripBody {
  return { type: "trip", rule, event, look: EMPTY_LOOK, sinceUs: 0, firstOut: rule };
}

export function safeStep(
  output: number,
  given: number,
  state: SafeStepBody["state"],
  readBack: number | null = null,
): SafeStepBody {
  return {
    type: "safe-step",
    step: 0,
    output,
    given,
    state,
    readBack,
    attempt: 1,
    sinceCauseUs: 0,
  };
}

export function leaseEntry(event: LeaseBody["event"], us: Us, controller = "ai"): LeaseBody {
  return { type: "lease", controller, event, us, then: null };
}
