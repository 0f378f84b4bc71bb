import * as z from "zod";
import { findKey, findNode, toPlain } from "./document/tree.js";
import type { Path } from "./document/tree.js";
import { complain, complainAtKey } from "./source.js";
import type { Source } from "./source.js";
import { nearestName } from "./suggestion.js";

/** Complains about everything in a file that is not of its schema's form, each at its place, with a hint. */
export function checkStructure(source: Source, schema: z.ZodType): void {
  const result = schema.safeParse(toPlain(source.root));
  if (result.success) return;
  explainAll(source, schema, [], result.error.issues);
}

type Issue = z.core.$ZodIssue;

function joinPath(above: Path, below: readonly PropertyKey[]): Path {
  return [...above, ...below.map((step) => (typeof step === "number" ? step : String(step)))];
}

function explain(source: Source, schema: z.ZodType, issue: Issue, above: Path): void {
  const path = joinPath(above, issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      explainKeys(source, schema, path, issue.keys);
      return;
    case "invalid_union":
      explainUnion(source, schema, path, issue);
      return;
    case "invalid_key":
      complainAtKey(source, path, split(issue.issues[0]?.message ?? "this cannot be a name"));
      return;
    case "invalid_element":
      explainAll(source, schema, path, issue.issues);
      return;
    case "invalid_type":
      explainType(source, path, issue.expected);
      return;
    case "invalid_value":
      complain(source, path, explainValue(source, path, issue.values));
      return;
    case "too_big":
      complain(source, path, explainSize(issue.message, `at most ${issue.maximum}`));
      return;
    case "too_small":
      complain(source, path, explainSize(issue.message, `at least ${issue.minimum}`));
      return;
    case "invalid_format":
    case "not_multiple_of":
    case "custom":
      complain(source, path, split(issue.message));
      return;
  }
}

function explainAll(source: Source, schema: z.ZodType, path: Path, issues: readonly Issue[]): void {
  for (const inner of issues) explain(source, schema, inner, path);
}

function explainUnion(
  source: Source,
  schema: z.ZodType,
  path: Path,
  issue: Extract<Issue, { code: "invalid_union" }>,
): void {
  const branch = bestBranch(issue);
  if (branch === null) complain(source, path, explainChoice(source, path));
  else explainAll(source, schema, path, branch);
}

/** A schema's own words where it has some. */
function explainSize(message: string, bound: string): { message: string; hint: string | null } {
  return message.startsWith("Too ") ? { message: `${bound} here`, hint: null } : split(message);
}

/** The part of a message after a line break is its hint. */
function split(message: string): { message: string; hint: string | null } {
  const [said = message, hint = null] = message.split("\n");
  return { message: said, hint };
}

function explainKeys(source: Source, schema: z.ZodType, path: Path, keys: readonly string[]): void {
  const known = knownKeys(schema, path);
  for (const key of keys) explainKey(source, path, key, known);
}

function explainKey(source: Source, path: Path, key: string, known: readonly string[]): void {
  const near = nearestName(key, known);
  const at = [...path, key];
  const node = findNode(source.root, at);
  const map = findNode(source.root, path);
  const piece = node === null && map?.kind === "map" && map.flow;
  const hint =
    near !== null
      ? `did you mean ${near}?`
      : piece
        ? "inside { } a comma ends a value: put a text with commas in double quotes"
        : known.length > 0
          ? `known here: ${known.join(", ")}`
          : null;
  complainAtKey(source, at, { message: `'${key}' is not a setting here`, hint });
}

function explainType(source: Source, path: Path, expected: string): void {
  const node = findNode(source.root, path);
  const last = String(path.at(-1) ?? "the file");
  if (node === null) {
    const key = findKey(source.root, path);
    const message = key === null ? `'${last}' is missing` : `'${last}' has no value`;
    complain(source, path, { message, hint: key === null ? "there is no default" : null });
    return;
  }
  complain(source, path, {
    message: `'${last}' must be ${sayType(expected)}`,
    hint: hintForType(node, expected),
  });
}

function sayType(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: "a text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    object: "a map of settings",
    record: "a map",
    array: "a list",
  };
  return words[expected] ?? expected;
}

function hintForType(
  node: { readonly kind: string; readonly text?: string },
  expected: string,
): string | null {
  if (expected === "string" && node.kind === "scalar") {
    const isNumber = /^-?\d/.test(node.text ?? "");
    return isNumber
      ? `is a unit missing? write it like  ${node.text ?? ""} s`
      : "put it in double quotes if it is meant as text";
  }
  return expected === "array" ? "write it like  [a, b]" : null;
}

function explainValue(
  source: Source,
  path: Path,
  values: readonly unknown[],
): { message: string; hint: string | null } {
  const node = findNode(source.root, path);
  const last = String(path.at(-1) ?? "");
  if (node === null) {
    const hint = `one of ${values.join(", ")}`;
    const isKey = findKey(source.root, path) !== null;
    return { message: `'${last}' ${isKey ? "has no value" : "is missing"}`, hint };
  }
  const written = node.kind === "scalar" ? node.text : "this";
  const names = values.map(String);
  const near = nearestName(written, names);
  const hint = near === null ? `one of ${names.join(", ")}` : `did you mean ${near}?`;
  return { message: `'${written}' is not a choice for '${last}'`, hint };
}

/** The branch of a union that was meant: the one that fails deepest inside, not at the value itself. */
function bestBranch(issue: Extract<Issue, { code: "invalid_union" }>): readonly Issue[] | null {
  const inner = issue.errors.filter((branch) => branch.length > 0);
  const deep = inner.find((branch) =>
    branch.some((part) => part.path.length > 0 || part.code === "unrecognized_keys"),
  );
  if (deep !== undefined) return deep;
  const formed = inner.find((branch) =>
    branch.some(
      (part) =>
        part.code === "invalid_format" || part.code === "too_small" || part.code === "too_big",
    ),
  );
  return (
    formed ??
    inner.find((branch) => branch.every((part) => part.code === "invalid_value")) ??
    inner[0] ??
    null
  );
}

/** The one choice by name in a profile: a device's `by:`. */
function explainChoice(source: Source, path: Path): { message: string; hint: string } {
  const node = findNode(source.root, path);
  const hint = "one of block, device-timer, relay, none";
  const last = String(path.at(-1) ?? "");
  if (node?.kind !== "scalar") return { message: `'${last}' is missing or not a choice`, hint };
  return { message: `'${node.text}' is not a choice for '${last}'`, hint };
}

/** Settings that a schema knows at a path. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  return path
    .reduce<readonly unknown[]>(
      (nodes, step) => nodes.flatMap((node) => stepInto(node, step)),
      [schema],
    )
    .flatMap(unwrap)
    .flatMap((node) => (node instanceof z.ZodObject ? Object.keys(node.shape) : []));
}

function stepInto(node: unknown, step: string | number): readonly unknown[] {
  return unwrap(node).flatMap((inner): readonly unknown[] => {
    if (inner instanceof z.ZodObject) {
      const shape: Readonly<Record<string, unknown>> = inner.shape;
      return shape[String(step)] === undefined ? [] : [shape[String(step)]];
    }
    if (inner instanceof z.ZodRecord) return [inner.valueType];
    return inner instanceof z.ZodArray ? [inner.element] : [];
  });
}

function unwrap(node: unknown): readonly unknown[] {
  if (node instanceof z.ZodOptional) return unwrap(node.unwrap());
  return node instanceof z.ZodUnion ? node.options.flatMap(unwrap) : [node];
}
