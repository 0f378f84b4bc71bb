import * as z from "zod";
import type { Input } from "../../kernel/profile/model.js";
import type { Draft, TagShape } from "../draft.js";
import { readConditionText } from "../draft.js";
import type { Path } from "../document/tree.js";
import { differenceUnit, readIn, readPeriod, readRate, readSpanIn } from "../notation.js";
import {
  duration,
  FROZEN,
  quantity,
  shaped,
  span,
  states,
  tag,
  tagAddress,
} from "../schema-parts.js";
import { complain, settle, takeElement, warn } from "../source.js";
import type { Source } from "../source.js";
import { readTagShape } from "./tag-shape.js";

const schema = z.strictObject({
  at: tagAddress.describe("Device, table, register, format: plc ir 12 f32 CDAB."),
  raw: span.optional().describe("Raw span, scaled to eu."),
  eu: span.optional().describe("Engineering span and unit."),
  scale: z.string().optional().describe("Not part of this release."),
  states: states.optional().describe("Names of an enumeration, by raw number."),
  plausible: span.optional().describe("Values outside are BAD."),
  max_age: duration.describe("Older values are BAD. There is no default."),
  accuracy: quantity.optional(),
  max_rate: quantity.optional().describe("Faster changes are BAD."),
  frozen: shaped(FROZEN, "a time to freeze", "30 min  or  30 min unless pump1.running").optional(),
  measures: tag.optional().describe("The plant quantity that several inputs measure."),
});

export const inputSchema: z.ZodType = schema;
type InputFile = z.infer<typeof schema>;

export function readInputShape(
  source: Source,
  path: Path,
  deviceNames: readonly string[],
): TagShape | null {
  const file = takeElement(source, path, schema);
  return file === null ? null : readTagShape(source, path, file, deviceNames);
}

/** An input whose shape is known; null: something of it was complained about. */
export function readInput(draft: Draft, path: Path, name: string, shape: TagShape): Input | null {
  const { source } = draft;
  const file = takeElement(source, path, schema);
  if (file === null) return null;
  if (shape.kind !== "number") refuseNumbers(source, path, file);
  const quality = readQuality(source, path, file, shape);
  return {
    name,
    at: shape.at,
    kind: shape.kind,
    states: shape.states,
    scaling: shape.scaling,
    span: shape.eu,
    unit: shape.unit.code,
    ...quality,
    maxAgeUs: readMaxAge(draft, [...path, "max_age"], file.max_age, shape) ?? 0,
    frozen: file.frozen === undefined ? null : readFrozen(draft, [...path, "frozen"], file.frozen),
    measures: file.measures ?? null,
  };
}

type Quality = Pick<Input, "plausible" | "accuracy" | "maxRatePerS">;

function readQuality(source: Source, path: Path, file: InputFile, shape: TagShape): Quality {
  const at = (key: string): Path => [...path, key];
  const { unit } = shape;
  const accuracy =
    file.accuracy === undefined
      ? 0
      : settle(source, at("accuracy"), readIn(file.accuracy, unit, "difference"));
  const maxRatePerS =
    file.max_rate === undefined
      ? null
      : settle(source, at("max_rate"), readRate(file.max_rate, unit));
  if (accuracy !== null && accuracy < 0) {
    const hint = `0.1 ${differenceUnit(unit)}`;
    complain(source, at("accuracy"), { message: "an accuracy is not negative", hint });
  }
  if (maxRatePerS !== null && maxRatePerS <= 0) {
    complain(source, at("max_rate"), { message: "a rate must be above 0", hint: null });
  }
  const plausible = readPlausible(source, at("plausible"), file.plausible, shape);
  return { plausible, accuracy: accuracy ?? 0, maxRatePerS };
}

function readPlausible(
  source: Source,
  path: Path,
  text: string | undefined,
  { unit, eu }: TagShape,
): Input["plausible"] {
  const plausible = text === undefined ? null : settle(source, path, readSpanIn(text, unit));
  if (plausible === null || eu === null) return plausible;
  if (plausible.low < eu.low || plausible.high > eu.high) {
    const hint = "values there are BAD already";
    complain(source, path, { message: "reaches outside eu:", hint });
  }
  return plausible;
}

function refuseNumbers(source: Source, path: Path, file: InputFile): void {
  for (const key of ["plausible", "accuracy", "max_rate", "measures"] as const) {
    if (file[key] === undefined) continue;
    complain(source, [...path, key], {
      message: `${key} is for numbers only`,
      hint: "leave it out",
    });
  }
}

function readMaxAge(draft: Draft, path: Path, text: string, shape: TagShape): number | null {
  const maxAgeUs = settle(draft.source, path, readPeriod(text));
  const device = draft.devices[shape.at.device];
  if (maxAgeUs === null || device === null || device === undefined) return maxAgeUs;
  if (maxAgeUs <= device.pollUs) {
    const hint = `polled every ${device.pollUs / 1000} ms, it would be too old most of the time`;
    complain(draft.source, path, { message: "max_age is not longer than poll:", hint });
  } else if (maxAgeUs < device.pollUs + device.timeoutUs) {
    const hint = "poll + timeout is the age of a value that came in time";
    warn(draft.source, path, {
      message: "max_age is shorter than poll: and timeout: together",
      hint,
    });
  }
  return maxAgeUs;
}

function readFrozen(draft: Draft, path: Path, text: string): Input["frozen"] {
  const [time = "", unless] = text.split(/ unless (.*)/s, 2);
  const afterUs = settle(draft.source, path, readPeriod(time));
  if (afterUs === null) return null;
  if (unless === undefined) return { afterUs, unless: null };
  const offset = time.length + " unless ".length;
  const formula = readConditionText(draft, path, { text: unless, offset, local: new Map() });
  return formula === null ? null : { afterUs, unless: formula };
}
