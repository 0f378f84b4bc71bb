import * as z from "zod";
import type { Approval, Hazard, Input, Permissive } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { commandSlot, readCondition } from "../draft.js";
import type { Path } from "../document/tree.js";
import type { Typed } from "../expression/typed.js";
import { makeReading } from "../expression/quantity.js";
import { readPeriod } from "../notation.js";
import { condition, count, duration, ruleId, subject, text } from "../schema-parts.js";
import { complain, keysAt, membersAt, settle, takeElement, textAt, warn } from "../source.js";
import { suggestName } from "../suggestion.js";
import { findUnit, PLAIN } from "../unit.js";
import { readSubject } from "./rules.js";

const approval = z.strictObject({
  for: subject,
  while: condition.optional(),
  people: count(9),
  distinct: z.boolean(),
  expires: duration,
});
const bypass = z.strictObject({
  of: z.array(ruleId).min(1),
  people: count(9),
  longest: duration,
  at_most: count(64),
});
const hazard = z.strictObject({
  id: ruleId,
  never: condition.describe("Over true plant values, not readings."),
  prove: z.enum(["commands", "commands and trips"]),
  covered_by: z.array(ruleId).min(1).optional(),
  assume: text.optional(),
});

export const peopleSchemas: Readonly<Record<"approval" | "bypass" | "hazard", z.ZodType>> = {
  approval,
  bypass,
  hazard,
};

export function readApprovals(draft: Draft): (Approval | null)[] {
  const { source } = draft;
  return keysAt(source, ["approvals"]).map((id) => {
    const path: Path = ["approvals", id];
    const file = takeElement(source, path, approval);
    if (file === null) return null;
    const about = readSubject(draft, [...path, "for"], file.for);
    const hasWhile = file.while !== undefined;
    const during = hasWhile ? readCondition(draft, [...path, "while"]) : null;
    const expiresUs = settle(source, [...path, "expires"], readPeriod(file.expires));
    warn(source, path, {
      message: "this release has no way to approve: such a command is refused",
      hint: "it waits for people's keys",
    });
    if (about === null || expiresUs === null || (hasWhile && during === null)) return null;
    const { people, distinct } = file;
    return { id, subject: about, while: during, people, distinct, expiresUs };
  });
}

/** Nothing of it reaches the model: without people's keys there is no act that could bypass a rule. */
export function checkBypass(
  draft: Draft,
  rules: { permissives: readonly (Permissive | null)[]; tripIds: readonly string[] },
): void {
  const { source } = draft;
  const file = takeElement(source, ["bypass"], bypass);
  if (file === null) return;
  const known = [...rules.permissives.flatMap((rule) => rule?.id ?? []), ...rules.tripIds];
  file.of.forEach((id, index) => {
    if (known.includes(id)) return;
    const hint = suggestName(id, known);
    complain(source, ["bypass", "of", index], {
      message: `no permissive or trip is called '${id}'`,
      hint,
    });
  });
  settle(source, ["bypass", "longest"], readPeriod(file.longest));
  warn(source, ["bypass"], {
    message: "this release has no act that bypasses a rule: none is ever bypassed",
    hint: "it waits for people's keys",
  });
}

/** Hazards are read with the same language and may also name what several inputs measure. */
export function readHazards(
  draft: Draft,
  inputs: readonly (Input | null)[],
  tripIds: readonly string[],
): (Hazard | null)[] {
  const { source } = draft;
  const measured = nameMeasured(draft, inputs);
  const members = membersAt(source, ["hazards"]);
  if (members.length > 0) {
    const hint = "read them as what must be proved, not as what is";
    warn(source, ["hazards"], {
      message: "this release does not prove hazards: they are checked for form only",
      hint,
    });
  }
  return members.map((path) => {
    const never = readCondition(draft, [...path, "never"], measured);
    const file = takeElement(source, path, hazard);
    if (file === null || never === null) return null;
    const coveredBy = file.covered_by ?? [];
    coveredBy.forEach((id, index) => {
      if (tripIds.includes(id)) return;
      const hint = suggestName(id, tripIds);
      complain(source, [...path, "covered_by", index], {
        message: `no trip is called '${id}'`,
        hint,
      });
    });
    return { id: file.id, never: textAt(source, [...path, "never"]) ?? "", coveredBy };
  });
}

/** True plant quantities, each with the unit of the inputs that measure it. */
function nameMeasured(draft: Draft, inputs: readonly (Input | null)[]): ReadonlyMap<string, Typed> {
  const names = new Map<string, Typed>();
  const dimensions = new Map<string, string>();
  inputs.forEach((input, position) => {
    const name = input?.measures ?? null;
    if (input === null || name === null) return;
    const path: Path = ["inputs", draft.inputNames[position] ?? "", "measures"];
    const unit = findUnit(input.unit) ?? PLAIN;
    draft.used.add(name);
    if (draft.names.has(name)) {
      complain(draft.source, path, {
        message: `${name} is a tag or signal already`,
        hint: "name the plant quantity",
      });
      return;
    }
    if ((dimensions.get(name) ?? unit.dimension) !== unit.dimension) {
      complain(draft.source, path, {
        message: `${name} is measured in two dimensions`,
        hint: null,
      });
    }
    if (names.has(name)) return;
    dimensions.set(name, unit.dimension);
    names.set(name, makeReading(commandSlot(draft) + 1 + names.size, unit));
  });
  return names;
}
