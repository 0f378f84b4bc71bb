import { createRandom } from "../random.js";
import type { Random } from "../random.js";
import type { PlantState } from "./physics.js";

/** The station's transmitters and floats: what the PLC gets to see. */
export type Field = {
  /** Metres; within +-0.03 m (a, b) and +-0.05 m (c) of the truth, each with an error of its own. */
  readonly levelA: number;
  readonly levelB: number;
  readonly levelC: number;
  readonly pressureBar: number;
  readonly flowM3S: number;
  readonly windings: readonly [number, number];
  readonly valveOpen: boolean;
  readonly valveClosed: boolean;
  readonly running: readonly [boolean, boolean];
  readonly floats: Floats;
};

/** TRUE: wet. */
export type Floats = {
  readonly cutout: boolean;
  readonly stop: boolean;
  readonly start: boolean;
  readonly high: boolean;
};

/**
 * Where the floats hang, m [a]. The cut-out hangs above 0.4 m, where a turning pump already counts as running dry:
 * a last defence that acts after the fact would be none.
 */
export const FLOATS_M = { cutout: 0.5, stop: 1, start: 2, high: 3.5 } as const;
const FLOAT_SWING_M = 0.03;

export const TRANSMITTERS = ["level_a", "level_b", "level_c", "pressure"] as const;
export type Transmitter = (typeof TRANSMITTERS)[number];

/** `open`: wire broken, so that the PLC's card reads its overflow value. */
export type TransmitterFault =
  | { readonly kind: "none" }
  | { readonly kind: "open" }
  | { readonly kind: "stuck" }
  | { readonly kind: "offset"; readonly by: number };

export type Sensors = {
  /** Draws new noise: once a scan. */
  readonly measure: (state: PlantState, previous: Field | null) => Field;
  readonly setFault: (transmitter: Transmitter, fault: TransmitterFault) => void;
};

/** What a broken wire reads as; the card turns it into its overflow value. */
export const OPEN_WIRE: number = Number.POSITIVE_INFINITY;

export function createSensors(seed: number): Sensors {
  const faults = new Map<Transmitter, TransmitterFault>();
  const a = createChannel(createRandom(seed, "level a"), 0.03);
  const b = createChannel(createRandom(seed, "level b"), 0.03);
  const c = createChannel(createRandom(seed, "level c"), 0.05);
  const pressure = createChannel(createRandom(seed, "pressure"), 0.1);
  const warmth = createChannel(createRandom(seed, "windings"), 1);

  const show = (transmitter: Transmitter, measured: number, before: number | undefined): number => {
    const fault = faults.get(transmitter) ?? { kind: "none" };
    switch (fault.kind) {
      case "none":
        return measured;
      case "open":
        return OPEN_WIRE;
      case "stuck":
        return before ?? measured;
      case "offset":
        return measured + fault.by;
    }
  };

  return {
    setFault: (transmitter, fault) => faults.set(transmitter, fault),
    measure: (state, previous) => ({
      levelA: show("level_a", a(state.levelM), previous?.levelA),
      levelB: show("level_b", b(state.levelM), previous?.levelB),
      levelC: show("level_c", c(state.levelM), previous?.levelC),
      pressureBar: show("pressure", pressure(state.pressureBar), previous?.pressureBar),
      flowM3S: state.flowM3S,
      windings: [warmth(state.pumps[0].windingCel), warmth(state.pumps[1].windingCel)],
      valveOpen: state.valve > 0.99,
      valveClosed: state.valve < 0.01,
      running: [state.pumps[0].shaftHz > 2, state.pumps[1].shaftHz > 2],
      floats: swing(state.levelM, previous?.floats),
    }),
  };
}

/** A constant error and a restless one, which together never exceed 0.9 of the stated accuracy. */
function createChannel(random: Random, accuracy: number): (truth: number) => number {
  const offset = random.between(-0.4, 0.4) * accuracy;
  return (truth) => truth + offset + random.bell() * 0.5 * accuracy;
}

function swing(levelM: number, before: Floats | undefined): Floats {
  const tilt = (heightM: number, wet: boolean | undefined): boolean =>
    levelM > heightM + (wet === true ? -FLOAT_SWING_M : FLOAT_SWING_M);
  return {
    cutout: tilt(FLOATS_M.cutout, before?.cutout),
    stop: tilt(FLOATS_M.stop, before?.stop),
    start: tilt(FLOATS_M.start, before?.start),
    high: tilt(FLOATS_M.high, before?.high),
  };
}
