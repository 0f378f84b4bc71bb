import type { Ask } from "../../src/kernel/command/request.js";
import { decide, type Decision } from "../../src/kernel/decide/decide.js";
import { gatherFacts, type View } from "../../src/kernel/decide/gather-facts.js";
import type { Image, Sample } from "../../src/kernel/image/image.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { ReasonCode } from "../../src/kernel/record/reason.js";
import { initialState } from "../../src/kernel/state/initial.js";
import type {
  ControllerState,
  FoldedState,
  OutputState,
  Planned,
} from "../../src/kernel/state/state.js";
import { AI_MODE, bar, CONTROLLERS, hz, IN, metres, OUT } from "./model.js";

/** The moment most judging tests stand at: late enough that nothing began recently. */
export const NOW = 10_000_000_000;

export function sample(raw: number | null, overrides: Partial<Sample> = {}): Sample {
  return {
    raw,
    quality: "good",
    sentUs: NOW - 200_000,
    lastGood: null,
    unchangedSinceUs: 0,
    ...overrides,
  };
}

/** The default model's inputs, all well: AI mode, half full, valve open, pump 1 running. */
export function goodSamples(): Sample[] {
  const samples = new Map<number, number>([
    [IN.mode, AI_MODE],
    [IN.estop, 1],
    [IN.levelA, metres(3)],
    [IN.levelB, metres(3)],
    // 3.0 as f32 CDAB: 0x40400000 with its words exchanged.
    [IN.levelC, 0x00004040],
    [IN.pressure, bar(4)],
    [IN.valveOpen, 1],
    [IN.valveClosed, 0],
    [IN.pump1Running, 1],
    [IN.pump2Running, 0],
    [IN.winding1, 400],
    [IN.winding2, 300],
  ]);
  return [...samples.values()].map((raw) => sample(raw));
}

export function goodImage(changed: ReadonlyMap<number, Sample> = new Map()): Image {
  return { samples: goodSamples().map((good, input) => changed.get(input) ?? good) };
}

/** Enforcing, device up, every output proven and long held, the AI with a fresh lease. */
export function readyState(profile: CompiledProfile): FoldedState {
  const fresh = initialState(profile);
  const values = new Map<number, number>([
    [OUT.local, 0],
    [OUT.valve, 1],
    [OUT.run1, 1],
    [OUT.run2, 0],
    [OUT.speed1, hz(35)],
    [OUT.speed2, hz(35)],
  ]);
  return {
    ...fresh,
    nextSeq: 100,
    lastUs: NOW,
    mode: "enforcing",
    profileValid: true,
    devices: fresh.devices.map(() => ({ condition: "up", open: 0 })),
    controllers: fresh.controllers.map((controller, index) =>
      index === CONTROLLERS.ai
        ? { ...controller, lease: { gainSeq: 5, beatUs: NOW - 1_000_000 } }
        : controller,
    ),
    outputs: fresh.outputs.map((output, index) => holding(output, values.get(index) ?? 0)),
  };
}

function holding(output: OutputState, raw: number): OutputState {
  return {
    ...output,
    proven: { raw, atUs: NOW - 300_000 },
    held: [{ fromUs: NOW - 5_000_000_000, raw }],
  };
}

export function withOutputState(
  state: FoldedState,
  output: number,
  overrides: Partial<OutputState>,
): FoldedState {
  return {
    ...state,
    outputs: state.outputs.map((known, index) =>
      index === output ? { ...known, ...overrides } : known,
    ),
  };
}

/** Proven at `raw` since `heldUs` ago. */
export function at(
  state: FoldedState,
  output: number,
  raw: number,
  heldUs = 5_000_000_000,
): FoldedState {
  return withOutputState(state, output, {
    proven: { raw, atUs: NOW - 300_000 },
    held: [{ fromUs: NOW - heldUs, raw }],
  });
}

export function planned(state: FoldedState, output: number, ...raws: number[]): FoldedState {
  const plans: Planned[] = raws.map((raw, place) => ({
    seq: 90 + place,
    raw,
    atUs: NOW - 100_000,
  }));
  return withOutputState(state, output, { planned: plans });
}

export function withControllerState(
  state: FoldedState,
  controller: number,
  overrides: Partial<ControllerState>,
): FoldedState {
  return {
    ...state,
    controllers: state.controllers.map((known, index) =>
      index === controller ? { ...known, ...overrides } : known,
    ),
  };
}

export function charges(...agesUs: number[]): { seq: number; atUs: number }[] {
  return agesUs
    .sort((a, b) => b - a)
    .map((ageUs, place) => ({ seq: place + 1, atUs: NOW - ageUs }));
}

export function askFor(
  writes: readonly (readonly [output: number, raw: number])[],
  controller: number = CONTROLLERS.ai,
): Ask {
  return { controller, writes: writes.map(([output, raw]) => ({ output, raw })), reasons: [] };
}

export function judge(
  profile: CompiledProfile,
  view: Partial<View>,
  ask: Ask,
  own: number | null = null,
): Decision {
  const whole: View = {
    image: view.image ?? goodImage(),
    state: view.state ?? readyState(profile),
    nowUs: view.nowUs ?? NOW,
  };
  return decide(profile, ask, gatherFacts(profile, whole, ask, own));
}

export function codes(decision: Decision): ReasonCode[] {
  return decision.reasons.map((reason) => reason.code);
}
