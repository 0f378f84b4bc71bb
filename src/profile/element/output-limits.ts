import type { Output } from "../../kernel/profile/model.js";
import type { TagShape } from "../draft.js";
import type { Path } from "../document/tree.js";
import { differenceUnit, readDrift, readIn, readRate, readSpanIn } from "../notation.js";
import { complain, settle } from "../source.js";
import type { Source } from "../source.js";

/** The settings that limit a number. */
export type LimitsFile = {
  readonly range?: string | undefined;
  readonly step?: string | number | undefined;
  readonly ramp?: string | number | undefined;
  readonly drift?: string | undefined;
  readonly deadband?: string | number | undefined;
  readonly outside?: "clamp" | "reject" | undefined;
};

export type Limits = Pick<Output, "range" | "step" | "rampPerS" | "drift" | "deadband" | "outside">;

const NUMERIC = ["range", "step", "ramp", "drift", "deadband", "outside"] as const;

const NONE: Limits = {
  range: null,
  step: null,
  rampPerS: null,
  drift: null,
  deadband: null,
  outside: "reject",
};

/** Limits of a number, in its unit, each checked against the others; a bit or a state can have none. */
export function readLimits(source: Source, path: Path, file: LimitsFile, shape: TagShape): Limits {
  if (shape.kind !== "number") {
    for (const key of NUMERIC) {
      if (file[key] === undefined) continue;
      complain(source, [...path, key], {
        message: `${key} is for numbers only`,
        hint: "leave it out",
      });
    }
    return NONE;
  }
  const { unit } = shape;
  const size = (key: "step" | "deadband"): number | null => {
    const written = file[key];
    if (written === undefined) return null;
    return settle(source, [...path, key], readIn(written, unit, "difference"));
  };
  const limits: Limits = {
    range: readRange(source, path, file, shape),
    step: size("step"),
    rampPerS:
      file.ramp === undefined ? null : settle(source, [...path, "ramp"], readRate(file.ramp, unit)),
    drift:
      file.drift === undefined
        ? null
        : settle(source, [...path, "drift"], readDrift(file.drift, unit)),
    deadband: size("deadband"),
    outside: file.outside ?? "reject",
  };
  checkSizes(source, path, limits, shape);
  return limits;
}

function readRange(source: Source, path: Path, file: LimitsFile, shape: TagShape): Output["range"] {
  if (file.range === undefined) {
    const hint = "range: says what may be written at all; the whole of eu: is written out too";
    complain(source, path, { message: "a number without range:", hint });
    return null;
  }
  const at = [...path, "range"];
  const range = settle(source, at, readSpanIn(file.range, shape.unit));
  if (range === null || shape.eu === null) return range;
  if (range.low < shape.eu.low || range.high > shape.eu.high) {
    const hint = `eu: is ${shape.eu.low}..${shape.eu.high} ${shape.unit.code}`;
    complain(source, at, { message: "range: reaches outside eu:", hint });
  }
  return range;
}

type Fault = readonly [key: string, message: string, hint: string | null];

function checkSizes(source: Source, path: Path, limits: Limits, shape: TagShape): void {
  const { range, step, rampPerS, drift } = limits;
  const width = range === null ? Infinity : range.high - range.low;
  const unit = differenceUnit(shape.unit);
  const faults: Fault[] = [
    ...stepFaults(step, { width, unit, shape }),
    ...deadbandFaults(limits, width),
  ];
  if (rampPerS !== null && rampPerS <= 0) faults.push(["ramp", "a ramp must be above 0", null]);
  if (drift !== null && drift.net <= 0) faults.push(["drift", "a drift must be above 0", null]);
  if (drift !== null && drift.net >= width) {
    faults.push(["drift", "the drift is not smaller than the range", "it limits nothing"]);
  }
  for (const [key, message, hint] of faults) complain(source, [...path, key], { message, hint });
}

function stepFaults(
  step: number | null,
  { width, unit, shape }: { width: number; unit: string; shape: TagShape },
): Fault[] {
  if (step === null) return [];
  if (step <= 0) return [["step", "a step must be above 0", null]];
  if (step > width) {
    const hint = `it limits nothing: the range is ${width} ${unit} wide`;
    return [["step", "the step is larger than the range", hint]];
  }
  const rawStep = shape.scaling === null ? 0 : stepOf(shape.scaling);
  if (step >= rawStep) return [];
  return [["step", "the step is smaller than one raw step", `one raw step is ${rawStep} ${unit}`]];
}

function deadbandFaults({ deadband, step }: Limits, width: number): Fault[] {
  if (deadband === null) return [];
  if (deadband < 0) return [["deadband", "a deadband is not negative", null]];
  if (deadband < Math.min(width, step ?? Infinity)) return [];
  const hint = "it must be smaller than step: and range:";
  return [["deadband", "the deadband swallows every permitted step", hint]];
}

/** Engineering size of one raw step. */
function stepOf(scaling: {
  rawLow: number;
  rawHigh: number;
  euLow: number;
  euHigh: number;
}): number {
  const { rawLow, rawHigh, euLow, euHigh } = scaling;
  return Number((Math.abs(euHigh - euLow) / Math.abs(rawHigh - rawLow)).toPrecision(12));
}
