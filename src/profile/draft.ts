import type { Formula } from "../kernel/condition/term.js";
import type { Device, Output, Scaling, Span, ValueKind } from "../kernel/profile/model.js";
import { toEngineering, toRaw } from "../kernel/image/scaling.js";
import type { Raw } from "../kernel/units.js";
import { findNode } from "./document/tree.js";
import type { Path } from "./document/tree.js";
import { checkExpression, findState } from "./expression/checker.js";
import { parseExpression } from "./expression/parser.js";
import type { States, Typed } from "./expression/typed.js";
import { BROKEN, describe } from "./expression/typed.js";
import { makeReading } from "./expression/quantity.js";
import { readIn } from "./notation.js";
import type { Read } from "./notation.js";
import { complain } from "./source.js";
import type { Source } from "./source.js";
import { suggestName } from "./suggestion.js";
import type { Unit } from "./unit.js";

/**
 * A profile on its way from tree to model: names with their positions, and what is known of each so far.
 * Null stands for what has been complained about; nothing that builds on it is complained about again.
 */
export type Draft = {
  readonly source: Source;
  readonly deviceNames: readonly string[];
  readonly devices: readonly (Device | null)[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** By position. */
  readonly inputTags: readonly (TagShape | null)[];
  readonly outputTags: readonly (TagShape | null)[];
  /** What expressions may name: inputs, outputs, signals. */
  readonly names: Map<string, Typed>;
  readonly used: Set<string>;
  readonly modeStates: States | null;
};

/** What inputs and outputs have in common: place, kind, scale, unit. */
export type TagShape = {
  readonly at: Output["at"];
  readonly kind: ValueKind;
  readonly states: States;
  readonly scaling: Scaling | null;
  readonly eu: Span | null;
  readonly unit: Unit;
};

/** The slot of `cmd`; quantities that only hazards know come after it. */
export function commandSlot(draft: Draft): number {
  return draft.inputNames.length + draft.outputNames.length;
}

export function typeOfTag(tag: TagShape | null, slot: number): Typed {
  if (tag === null) return BROKEN;
  switch (tag.kind) {
    case "bool":
      return { kind: "truth", formula: { kind: "slot", slot }, size: 1 };
    case "state":
      return { kind: "state", term: { kind: "slot", slot }, states: tag.states, size: 1 };
    case "number":
      return makeReading(slot, tag.unit);
  }
}

/** The condition at a path, with names that are known there alone (`cmd`, measured quantities). */
export function readCondition(
  draft: Draft,
  path: Path,
  local: ReadonlyMap<string, Typed> = new Map(),
): Formula | null {
  const node = findNode(draft.source.root, path);
  if (node?.kind !== "scalar") return null;
  return readConditionText(draft, path, { text: node.text, offset: 0, local });
}

export type ConditionText = {
  readonly text: string;
  /** Where the text begins inside the scalar. */
  readonly offset: number;
  readonly local: ReadonlyMap<string, Typed>;
};

export function readConditionText(draft: Draft, path: Path, part: ConditionText): Formula | null {
  const typed = readTyped(draft, path, part);
  if (typed.kind === "truth") return typed.formula;
  if (typed.kind !== "broken") {
    const message = `a condition is TRUE or FALSE; this is ${describe(typed)}`;
    complain(draft.source, path, { message, hint: "compare it with a limit or a state" });
  }
  return null;
}

export function readTyped(draft: Draft, path: Path, part: ConditionText): Typed {
  const parsed = parseExpression(part.text);
  const shift = <T extends { from: number; to: number }>(fault: T): T => ({
    ...fault,
    from: fault.from + part.offset,
    to: fault.to + part.offset,
  });
  if ("fault" in parsed) {
    complain(draft.source, path, shift(parsed.fault));
    return BROKEN;
  }
  const names = part.local.size === 0 ? draft.names : new Map([...draft.names, ...part.local]);
  const used = (name: string): void => {
    draft.used.add(name);
  };
  const checked = checkExpression(parsed.ast, { names, used });
  for (const fault of checked.faults) complain(draft.source, path, shift(fault));
  return checked.faults.length > 0 ? BROKEN : checked.typed;
}

/** Position of an output by name; complains at the part of the scalar that names it. */
export function findOutput(draft: Draft, path: Path, name: string): number | null {
  const position = draft.outputNames.indexOf(name);
  if (position >= 0) return position;
  const place = { from: 0, to: name.length };
  if (draft.inputNames.includes(name)) {
    const message = `${name} is an input and cannot be written`;
    complain(draft.source, path, { message, hint: suggestName(name, draft.outputNames), ...place });
  } else {
    const message = `no output is called '${name}'`;
    complain(draft.source, path, { message, hint: suggestName(name, draft.outputNames), ...place });
  }
  return null;
}

/** A value of an output, as people write it, to the exact raw words that would be sent. */
export function readOutputValue(tag: TagShape, text: string): Read<Raw> {
  switch (tag.kind) {
    case "bool": {
      if (text === "TRUE" || text === "FALSE") return { value: text === "TRUE" ? 1 : 0 };
      return { message: `'${text}' is not a value of a BOOL`, hint: "write TRUE or FALSE" };
    }
    case "state": {
      const raw = findState(tag.states, text);
      if (raw !== null) return { value: raw };
      return {
        message: `'${text}' is not a state of it`,
        hint: suggestName(text, tag.states.values()),
      };
    }
    case "number":
      return readNumberValue(tag, text);
  }
}

function readNumberValue(tag: TagShape, text: string): Read<Raw> {
  const written = /^-?\d+(\.\d+)?( ?[A-Za-z%][A-Za-z0-9/]*)?$/.test(text);
  if (!written)
    return { message: `'${text}' is not a quantity`, hint: `write it like  30 ${tag.unit.code}` };
  const value = readIn(text, tag.unit, "point");
  if ("message" in value) return value;
  const raw = toRaw(tag.at, tag.scaling, value.value);
  if (!raw.ok) return { message: `${text} does not fit the registers`, hint: null };
  const sent = toEngineering(tag.at.format, tag.at.order, tag.scaling, raw.raw);
  const noise = 1e-9 * Math.max(1, Math.abs(sent));
  if (tag.at.format !== "f32" && Math.abs(sent - value.value) > noise) {
    const near = `${Number(sent.toPrecision(12))} ${tag.unit.code}`;
    return { message: `${text} cannot be sent exactly`, hint: `the nearest value is ${near}` };
  }
  return { value: raw.raw };
}

/** `pump1.run = FALSE` to output and raw value; null: complained about. */
export function readAssignment(
  draft: Draft,
  path: Path,
  text: string,
): { output: number; raw: Raw } | null {
  const [, name = "", gap = "", value = ""] = /^(\S+)( = )(.*)$/.exec(text) ?? [];
  const output = findOutput(draft, path, name);
  const tag = output === null ? null : (draft.outputTags[output] ?? null);
  if (output === null || tag === null) return null;
  const read = readOutputValue(tag, value);
  const from = name.length + gap.length;
  if ("message" in read) {
    complain(draft.source, path, { ...read, from, to: from + value.length });
    return null;
  }
  return { output, raw: read.value };
}
