import * as z from "zod";
import type { PlantModes } from "../../kernel/profile/model.js";
import type { TagShape } from "../draft.js";
import type { Path } from "../document/tree.js";
import type { States } from "../expression/typed.js";
import { shaped, state, tag } from "../schema-parts.js";
import { complain, takeElement } from "../source.js";
import type { Source } from "../source.js";
import { suggestName } from "../suggestion.js";

const schema = z.strictObject({
  from: tag.describe("The input that carries the plant's own mode."),
  states: z.record(shaped(/^\d{1,5}$/, "a raw number", "{0: OFF, 1: LOCAL}"), state),
  unknown_means: state.describe("The mode that an unknown one is taken for."),
});

export const modesSchema: z.ZodType = schema;

export type Modes = { readonly states: States; readonly model: PlantModes };

/** The plant's modes; null: none declared, or something was complained about. */
export function readModes(
  source: Source,
  path: Path,
  inputs: { readonly names: readonly string[]; readonly tags: readonly (TagShape | null)[] },
): Modes | null {
  const file = takeElement(source, path, schema);
  if (file === null) return null;
  const states = new Map(Object.entries(file.states).map(([raw, name]) => [Number(raw), name]));
  const input = inputs.names.indexOf(file.from);
  if (input < 0) {
    const hint = suggestName(file.from, inputs.names);
    complain(source, [...path, "from"], { message: `no input is called '${file.from}'`, hint });
    return null;
  }
  const tagShape = inputs.tags[input] ?? null;
  if (tagShape !== null && !sameStates(states, tagShape.states)) {
    const hint = `the states of ${file.from} are ${saidStates(tagShape.states)}`;
    complain(source, [...path, "states"], {
      message: "these are not the states of the mode tag",
      hint,
    });
  }
  const unknown = [...states].find(([, name]) => name === file.unknown_means);
  if (unknown === undefined) {
    const hint = suggestName(file.unknown_means, states.values());
    complain(source, [...path, "unknown_means"], {
      message: `there is no mode '${file.unknown_means}'`,
      hint,
    });
    return null;
  }
  return { states, model: { input, unknownMeans: unknown[0] } };
}

function sameStates(a: States, b: States): boolean {
  return a.size === b.size && [...a].every(([raw, name]) => b.get(raw) === name);
}

function saidStates(states: States): string {
  if (states.size === 0) return "not declared";
  return [...states].map(([raw, name]) => `${raw}: ${name}`).join(", ");
}
