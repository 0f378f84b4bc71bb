import * as z from "zod";
import type { Always, Exclusive, Permissive, Subject } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { commandSlot, findOutput, readAssignment, readCondition, typeOfTag } from "../draft.js";
import type { Path } from "../document/tree.js";
import type { Typed } from "../expression/typed.js";
import { condition, name, ruleId, subject, tag, text } from "../schema-parts.js";
import { complain, keysAt, membersAt, takeElement, textAt } from "../source.js";
import { suggestName } from "../suggestion.js";

const permissive = z.strictObject({
  id: ruleId,
  for: subject.describe('What it is about: pump1.run = TRUE, pump1.speed or "*".'),
  from: name.optional().describe("The controller it is limited to."),
  needs: condition.describe("Must be surely TRUE; cmd is the value asked for."),
  why: text,
});
const always = z.strictObject({ id: ruleId, holds: condition, why: text });
const exclusive = z.array(tag).min(2, "a set has two members or more").max(64);

export const ruleSchemas: Readonly<Record<"permissive" | "always" | "exclusive", z.ZodType>> = {
  permissive,
  always,
  exclusive,
};

/** Conditions are read even where something else of the rule is at fault, so that all is said at once. */
export function readPermissives(draft: Draft): (Permissive | null)[] {
  return membersAt(draft.source, ["permissives"]).map((path) => {
    const file = takeElement(draft.source, path, permissive);
    const written = subject.safeParse(textAt(draft.source, [...path, "for"]));
    const about = written.success ? readSubject(draft, [...path, "for"], written.data) : null;
    const from =
      file?.from === undefined ? null : findController(draft, [...path, "from"], file.from);
    const needs = readCondition(draft, [...path, "needs"], commandOf(draft, about));
    if (file === null || about === null || needs === null || from === undefined) return null;
    return { id: file.id, subject: about, from, needs, why: file.why };
  });
}

export function readAlways(draft: Draft): (Always | null)[] {
  return membersAt(draft.source, ["always"]).map((path) => {
    const file = takeElement(draft.source, path, always);
    const holds = readCondition(draft, [...path, "holds"]);
    return file === null || holds === null ? null : { id: file.id, holds, why: file.why };
  });
}

/** Named by their place in the list, from 0: `exclusive.0`. */
export function readExclusive(draft: Draft): (Exclusive | null)[] {
  return membersAt(draft.source, ["exclusive"]).map((path, position) => {
    const file = takeElement(draft.source, path, exclusive);
    if (file === null) return null;
    const outputs = file.flatMap((member, index) => {
      const output = findOutput(draft, [...path, index], member);
      if (output === null) return [];
      const shape = draft.outputTags[output];
      if (shape !== null && shape !== undefined && shape.kind !== "bool") {
        const hint = "sets are of outputs that are on or off; write numbers under always:";
        complain(draft.source, [...path, index], { message: `${member} is not one bit`, hint });
      }
      return [output];
    });
    if (new Set(outputs).size < outputs.length) {
      complain(draft.source, path, { message: "an output stands in the set twice", hint: null });
    }
    return { id: `exclusive.${position}`, outputs };
  });
}

/** What a rule is for; null: complained about. */
export function readSubject(draft: Draft, path: Path, written: string): Subject | null {
  if (written === "*") return { kind: "any" };
  if (written.includes(" = ")) {
    const write = readAssignment(draft, path, written);
    return write === null ? null : { kind: "value", ...write };
  }
  const output = findOutput(draft, path, written);
  return output === null ? null : { kind: "output", output };
}

/** `cmd` has the type of the one output a rule is for, and none where it is for any. */
export function commandOf(draft: Draft, about: Subject | null): ReadonlyMap<string, Typed> {
  if (about === null) return new Map([["cmd", { kind: "broken", size: 1 }]]);
  if (about.kind === "any") return new Map();
  const tagShape = draft.outputTags[about.output] ?? null;
  return new Map([["cmd", typeOfTag(tagShape, commandSlot(draft))]]);
}

/** Position of a controller by name; undefined: there is none, and that has been said. */
function findController(draft: Draft, path: Path, written: string): number | undefined {
  const names = keysAt(draft.source, ["controllers"]);
  const position = names.indexOf(written);
  // Without the section, that is what is said.
  if (position >= 0 || names.length === 0) return position < 0 ? undefined : position;
  const hint = suggestName(written, names);
  complain(draft.source, path, { message: `no controller is called '${written}'`, hint });
  return undefined;
}
