import type { Formula, Term } from "../../kernel/condition/term.js";
import type { ProfileModel, Subject } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import type { Path } from "../document/tree.js";
import { warn } from "../source.js";

/**
 * `pump1` and `pump2` are siblings. A trip or permissive that one has and the other lacks is most often a
 * line that was forgotten (the second pump's winding), so it is said; it may be meant.
 */
export function lintSiblings(draft: Draft, model: ProfileModel): void {
  const names = [...model.inputs, ...model.outputs].map((tag) => tag.name);
  const trips = model.trips.flatMap((trip, index) =>
    trip.when === null
      ? []
      : [{ id: trip.id, path: ["trips", index], text: tripText(trip.when, trip.action, model) }],
  );
  const permissives = model.permissives.map((rule, index) => ({
    id: rule.id,
    path: ["permissives", index],
    text: JSON.stringify([rule.from, subjectText(rule.subject, model), canon(rule.needs)]),
  }));
  for (const rules of [trips, permissives]) warnLonely(draft, rules, names);
}

type RuleText = { readonly id: string; readonly path: Path; readonly text: string };

function warnLonely(draft: Draft, rules: readonly RuleText[], names: readonly string[]): void {
  const known = new Set(rules.map((rule) => swapNames(rule.text, names, (name) => name)));
  for (const rule of rules) {
    for (const [one, other] of siblingsIn(rule.text, names)) {
      const swapped = swapNames(rule.text, names, (name) => swapStem(name, one, other));
      if (known.has(swapped)) continue;
      const hint = "add the sibling's rule, or leave it if that is meant";
      const message = `${rule.id} has no counterpart for ${other}`;
      warn(draft.source, [...rule.path, "id"], { message, hint });
    }
  }
}

/** Pairs [pump1, pump2] of which the rule names the first. */
function siblingsIn(text: string, names: readonly string[]): [string, string][] {
  const stems = new Set(names.flatMap((name) => /^[a-z_]+\d+(?=\.)/.exec(name)?.[0] ?? []));
  const named = new Set(
    slotsIn(text).flatMap((slot) => /^[a-z_]+\d+(?=\.)/.exec(names[slot] ?? "")?.[0] ?? []),
  );
  const family = (stem: string): string => stem.replace(/\d+$/, "");
  return [...named].flatMap((one) =>
    [...stems]
      .filter((other) => other !== one && family(other) === family(one))
      .map((other): [string, string] => [one, other]),
  );
}

function swapStem(name: string, one: string, other: string): string {
  if (name.startsWith(`${one}.`)) return other + name.slice(one.length);
  return name.startsWith(`${other}.`) ? one + name.slice(other.length) : name;
}

const slotsIn = (text: string): number[] =>
  [...text.matchAll(/"#(\d+)"/g)].map((match) => Number(match[1]));

/** Slots become names, sorted again where order means nothing. */
function swapNames(
  text: string,
  names: readonly string[],
  rename: (name: string) => string,
): string {
  const renamed = text.replace(
    /"#(\d+)"/g,
    (_, slot: string) => `"${rename(names[Number(slot)] ?? "cmd")}"`,
  );
  const parsed: unknown = JSON.parse(renamed);
  return JSON.stringify(sortUnordered(parsed));
}

/** `["and", ...]` and its like are sets; everything else keeps its order. */
function sortUnordered(node: unknown): unknown {
  if (!Array.isArray(node)) return node;
  const parts: unknown[] = node.map(sortUnordered);
  const [head, ...rest] = parts;
  if (typeof head !== "string" || !UNORDERED.has(head)) return parts;
  return [head, ...rest.map((part) => JSON.stringify(part)).sort()];
}

const UNORDERED: ReadonlySet<string> = new Set([
  "and",
  "or",
  "xor",
  "same",
  "vote",
  "add",
  "writes",
]);

function tripText(
  when: Formula,
  action: ProfileModel["trips"][number]["action"],
  model: ProfileModel,
): string {
  const does =
    action.kind === "safe-state"
      ? ["safe"]
      : [
          "writes",
          ...action.writes.map((write) => [`#${model.inputs.length + write.output}`, write.raw]),
        ];
  return JSON.stringify([canon(when), does]);
}

function subjectText(subject: Subject, model: ProfileModel): unknown {
  if (subject.kind === "any") return "any";
  const slot = `#${model.inputs.length + subject.output}`;
  return subject.kind === "value" ? [slot, subject.raw] : [slot];
}

/** A formula as nested lists, slots as "#n". */
function canon(node: Formula | Term): unknown {
  switch (node.kind) {
    case "constant":
    case "number":
      return node.value;
    case "slot":
      return `#${node.slot}`;
    case "not":
    case "negate":
      return [node.kind, canon(node.of)];
    case "scale":
      return [node.kind, node.factor, canon(node.of)];
    case "and":
    case "or":
      return [node.kind, ...flatten(node.kind, node).map(canon)];
    case "xor":
    case "same":
    case "add":
    case "subtract":
      return [node.kind, canon(node.left), canon(node.right)];
    case "compare":
      return [node.op, canon(node.left), canon(node.right)];
    case "vote":
      return ["vote", `need ${node.need}`, ...node.of.map(canon)];
  }
}

function flatten(kind: "and" | "or", node: Formula): Formula[] {
  if (node.kind !== kind) return [node];
  return [...flatten(kind, node.left), ...flatten(kind, node.right)];
}
