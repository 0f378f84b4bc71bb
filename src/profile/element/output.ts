import * as z from "zod";
import type { Output } from "../../kernel/profile/model.js";
import type { Us } from "../../kernel/units.js";
import type { Draft, TagShape } from "../draft.js";
import { readOutputValue } from "../draft.js";
import type { Path } from "../document/tree.js";
import { readPeriod, readWindow } from "../notation.js";
import type { Read } from "../notation.js";
import {
  drift,
  DRIVE,
  duration,
  FOREIGN_KEY,
  perTime,
  PROOF,
  quantity,
  shaped,
  span,
  states,
  tagAddress,
  value,
} from "../schema-parts.js";
import { complain, complainAtKey, settle, takeElement, textAt } from "../source.js";
import type { Source } from "../source.js";
import { suggestName } from "../suggestion.js";
import { readLimits } from "./output-limits.js";
import { readProof } from "./output-proof.js";
import { readTagShape } from "./tag-shape.js";

const reaction = z.enum(["trip", "adopt"]);

const schema = z.strictObject({
  at: tagAddress.describe("Device, table, register, format: plc hr 41 u16, plc hr 40.0, plc co 0."),
  bits: z.enum(["mask", "whole"]).optional().describe("How a bit of a register is written."),
  raw: span.optional().describe("Raw span, scaled to eu."),
  eu: span.optional().describe("Engineering span and unit."),
  scale: z.string().optional().describe("Not part of this release."),
  states: states.optional().describe("Names of an enumeration, by raw number."),
  kind: shaped(DRIVE, "a kind of output", "level, toggle  or  pulse 500 ms").optional(),
  safe: value.describe("hold, or the value driven in the safe state."),
  below: z
    .enum(["block", "device-timer", "relay", "none"])
    .optional()
    .describe("The layer that acts when the gateway cannot; none must be written out."),
  range: span.optional(),
  step: quantity.optional().describe("Largest change in one write."),
  ramp: quantity.optional().describe("Largest change a second."),
  drift: drift.optional().describe("Largest net change in a window."),
  deadband: quantity.optional().describe("Inside it nothing is sent and nothing charged."),
  every: duration.optional().describe("Shortest time between writes."),
  budget: perTime.optional(),
  starts: perTime.optional(),
  min_on: duration.optional(),
  min_off: duration.optional(),
  min_hold: duration.optional(),
  outside: z.enum(["clamp", "reject"]).optional(),
  proof: shaped(
    PROOF,
    "a proof",
    "readback 0.05 Hz within 1 s,  feedback pump1.running within 5 s  or  none",
  ).describe("How it is known that a write was done; none must be written out."),
  foreign: z
    .union([
      reaction,
      z.record(shaped(FOREIGN_KEY, "a mode", "{in LOCAL: adopt, else: trip}"), reaction),
    ])
    .optional()
    .describe("What a change by somebody else means; default trip."),
});

export const outputSchema: z.ZodType = schema;
type OutputFile = z.infer<typeof schema>;

export function readOutputShape(
  source: Source,
  path: Path,
  deviceNames: readonly string[],
): TagShape | null {
  const file = takeElement(source, path, schema);
  if (file === null) return null;
  const shape = readTagShape(source, path, file, deviceNames);
  if (shape === null) return null;
  const { table, bit } = shape.at;
  if (table === "di" || table === "ir") {
    const hint = "coils (co) and holding registers (hr) can be written";
    complain(source, [...path, "at"], { message: `${table} can only be read`, hint });
    return null;
  }
  if (table === "hr" && bit !== null && file.bits === undefined) {
    const hint = "bits: mask (FC22, one bit alone) or bits: whole (every bit of the word is ours)";
    complain(source, [...path, "at"], { message: "a bit of a register needs bits:", hint });
    return null;
  }
  if (bit === null && file.bits !== undefined) {
    complain(source, [...path, "bits"], {
      message: "bits: is for one bit of a register",
      hint: "leave it out",
    });
    return null;
  }
  return shape;
}

/** An output whose shape is known; null: something of it was complained about. */
export function readOutput(draft: Draft, path: Path, name: string, shape: TagShape): Output | null {
  const { source } = draft;
  const file = takeElement(source, path, schema);
  if (file === null) return null;
  const time = (key: "every" | "min_on" | "min_off" | "min_hold"): Us | null =>
    readOptional(source, [...path, key], file[key], readPeriod);
  refuseTruthSettings(source, path, file, shape);
  const limits = readLimits(source, path, file, shape);
  const drive = readDrive(source, path, file, shape);
  return {
    name,
    at: shape.at,
    kind: shape.kind,
    states: shape.states,
    scaling: shape.scaling,
    unit: shape.unit.code,
    bits: file.bits ?? null,
    safe: readSafe(draft, path, file, { shape, drive }),
    below: file.below ?? null,
    ...limits,
    everyUs: time("every"),
    budget: readOptional(source, [...path, "budget"], file.budget, readWindow),
    starts: readOptional(source, [...path, "starts"], file.starts, readWindow),
    minOnUs: time("min_on"),
    minOffUs: time("min_off"),
    minHoldUs: time("min_hold"),
    drive,
    proof: readProof(draft, [...path, "proof"], file.proof, shape),
    foreign: readForeign(draft, [...path, "foreign"], file.foreign),
  };
}

function readOptional<T>(
  source: Source,
  path: Path,
  text: string | undefined,
  read: (text: string) => Read<T>,
): T | null {
  return text === undefined ? null : settle(source, path, read(text));
}

function refuseTruthSettings(source: Source, path: Path, file: OutputFile, shape: TagShape): void {
  if (shape.kind === "bool") return;
  for (const key of ["starts", "min_on", "min_off"] as const) {
    if (file[key] === undefined) continue;
    complain(source, [...path, key], {
      message: `${key} is for one bit only`,
      hint: "min_hold is for any value",
    });
  }
}

function readDrive(source: Source, path: Path, file: OutputFile, shape: TagShape): Output["drive"] {
  const text = file.kind ?? "level";
  if (text === "level") return { kind: "level" };
  if (shape.kind !== "bool") {
    complain(source, [...path, "kind"], { message: `${text} is for one bit only`, hint: "level" });
    return { kind: "level" };
  }
  if (text === "toggle") return { kind: "toggle" };
  const lengthUs = settle(source, [...path, "kind"], readPeriod(text.slice("pulse ".length)));
  return { kind: "pulse", lengthUs: lengthUs ?? 0 };
}

type SafeContext = { readonly shape: TagShape; readonly drive: Output["drive"] };

const HOLD = { kind: "hold" } as const;

function readSafe(
  draft: Draft,
  path: Path,
  file: OutputFile,
  context: SafeContext,
): Output["safe"] {
  const { source } = draft;
  const at = [...path, "safe"];
  const text = textAt(source, at) ?? "";
  if (text === "hold") {
    if (file.below !== undefined) {
      const hint = "leave it out: an output that holds is not driven";
      complain(source, [...path, "below"], {
        message: "below: is for outputs with a safe value",
        hint,
      });
    }
    return HOLD;
  }
  const raw = settle(source, at, readOutputValue(context.shape, text));
  if (raw === null) return HOLD;
  if (context.drive.kind !== "level") {
    const hint = "a safe write is repeated until read back, so it must be an absolute value";
    complain(source, at, { message: `a ${context.drive.kind} output has no safe value`, hint });
  }
  checkBelow(draft, path, file, context.shape);
  return { kind: "value", raw };
}

/** Who acts when the gateway cannot; it must be the layer that the device says it has. */
function checkBelow(draft: Draft, path: Path, file: OutputFile, shape: TagShape): void {
  const device = draft.devices[shape.at.device];
  if (file.below === undefined) {
    const hint =
      "below: block, device-timer, relay or none: which layer acts when the gateway cannot";
    complain(draft.source, [...path, "safe"], { message: "a safe value without below:", hint });
    return;
  }
  if (device === null || device === undefined || file.below === "none" || file.below === "relay")
    return;
  if (device.commsLoss.by === file.below) return;
  const hint = `its comms_loss: says by: ${device.commsLoss.by}`;
  const message = `${device.name} has no ${file.below} that could act`;
  complain(draft.source, [...path, "below"], { message, hint });
}

function readForeign(draft: Draft, path: Path, file: OutputFile["foreign"]): Output["foreign"] {
  if (file === undefined || file === "trip") return { adoptIn: [], otherwise: "trip" };
  if (file === "adopt") return { adoptIn: [], otherwise: "adopt" };
  const otherwise = file["else"] ?? "trip";
  const adoptIn: number[] = [];
  for (const [key, what] of Object.entries(file)) {
    if (key === "else") continue;
    const raw = findMode(draft, [...path, key], key.slice("in ".length));
    if (raw !== null && what === "adopt") adoptIn.push(raw);
    if (what === "trip" && otherwise === "adopt") {
      const hint = "name the modes that adopt, and else: trip";
      complain(draft.source, [...path, key], {
        message: "an exception to else: adopt is not part of this release",
        hint,
      });
    }
  }
  return { adoptIn, otherwise };
}

function findMode(draft: Draft, path: Path, name: string): number | null {
  const { modeStates, source } = draft;
  if (modeStates === null) {
    complainAtKey(source, path, {
      message: "the profile declares no modes:",
      hint: "write  foreign: trip",
    });
    return null;
  }
  const found = [...modeStates].find(([, state]) => state === name);
  if (found !== undefined) return found[0];
  const hint = suggestName(name, modeStates.values());
  complainAtKey(source, path, { message: `the plant has no mode '${name}'`, hint });
  return null;
}
