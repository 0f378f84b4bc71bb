import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { ErrorCode, Pair, Scalar, YAMLError } from "yaml";
import type { Diagnostic } from "../diagnostic.js";
import { positionOf } from "../diagnostic.js";
import { rejoinEntries, rejoinItems } from "./comma-trap.js";
import { findForbidden } from "./forbidden.js";
import type { Place, TreeEntry, TreeNode, TreeScalar } from "./tree.js";

/**
 * YAML 1.2 text to a tree of values with places. `root` is null when the text cannot be read at all;
 * otherwise every complaint is about a part, and the rest can still be checked. Never throws.
 */
export function readTree(text: string): { root: TreeNode | null; found: Diagnostic[] } {
  const forbidden = findForbidden(text);
  if (forbidden.stop) return { root: null, found: forbidden.found };
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    strict: true,
    // Checked here, after pieces cut at commas have been put together again.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  const faults = [...document.errors, ...document.warnings].map((fault) =>
    explainYaml(fault, fault.message.startsWith("Flow")),
  );
  if (faults.length > 0) return { root: null, found: faults };
  const found: Diagnostic[] = [];
  const root = convert(document.contents, { text, found });
  if (root === null) found.push(complain("the file is empty", null, { from: 0, to: 1 }));
  return { root, found };
}

type Context = { readonly text: string; readonly found: Diagnostic[] };

function complain(message: string, hint: string | null, at: Place): Diagnostic {
  return { severity: "error", message, hint, ...at, path: "" };
}

function convert(node: unknown, context: Context): TreeNode | null {
  if (isMap(node)) {
    const flow = node.flow === true;
    const entries = node.items.flatMap((pair) => convertPair(pair, context));
    const repaired = flow ? rejoinEntries(entries, context.text) : { items: entries, found: [] };
    context.found.push(...repaired.found);
    refuseDuplicates(repaired.items, context);
    return { kind: "map", at: placeOfRange(node.range), flow, entries: repaired.items };
  }
  if (isSeq(node)) {
    const nodes = node.items.flatMap((item) => {
      const converted = convert(item, context);
      if (converted !== null) return [converted];
      context.found.push(complain("an empty list member", null, placeOfRange(node.range)));
      return [];
    });
    const flow = node.flow === true;
    const repaired = flow ? rejoinItems(nodes, context.text) : { items: nodes, found: [] };
    context.found.push(...repaired.found);
    return { kind: "list", at: placeOfRange(node.range), flow, items: repaired.items };
  }
  return isScalar(node) ? convertScalar(node, context) : null;
}

function convertPair(pair: Pair, context: Context): TreeEntry[] {
  const key = pair.key;
  if (!isScalar(key) || (typeof key.value !== "string" && typeof key.value !== "number")) {
    const at = isScalar(key) || isMap(key) || isSeq(key) ? placeOfRange(key.range) : FILE_START;
    context.found.push(complain("a key must be a name", "write  name: value", at));
    return [];
  }
  const keyAt = placeOfRange(key.range);
  const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
  if (name === "<<") {
    const hint = "write the settings out; a reviewer must see what is signed";
    context.found.push(complain("merge keys (<<) are not allowed here", hint, keyAt));
    return [];
  }
  if (name === "__proto__" || name === "") {
    context.found.push(complain("this cannot be a name", null, keyAt));
    return [];
  }
  return [{ key: name, keyAt, value: absentAsNull(convert(pair.value, context)) }];
}

/** `key:` with nothing after it. A written-out null stays a scalar. */
function absentAsNull(node: TreeNode | null): TreeNode | null {
  return node?.kind === "scalar" && node.value === null && node.text === "" ? null : node;
}

function convertScalar(node: Scalar, context: Context): TreeScalar {
  const at = placeOfRange(node.range);
  const written = context.text.slice(at.from, at.to);
  const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
  const text = node.source ?? (typeof node.value === "string" ? node.value : "");
  const inside = quoted ? written.slice(1, -1) : written;
  const textFrom = inside === text ? at.from + (quoted ? 1 : 0) : null;
  const scalar = { kind: "scalar", at, text, textFrom } as const;
  if (typeof node.value === "number" && !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) {
    const hint = "write a plain decimal number, without leading zeros or exponents";
    context.found.push(complain(`'${text}' is not a number as written here`, hint, at));
  }
  if (typeof node.value === "number" || typeof node.value === "boolean") {
    return { ...scalar, value: node.value };
  }
  return { ...scalar, value: node.value === null && !quoted ? null : text };
}

function refuseDuplicates(entries: readonly TreeEntry[], context: Context): void {
  const first = new Map<string, Place>();
  for (const entry of entries) {
    const earlier = first.get(entry.key);
    if (earlier === undefined) {
      first.set(entry.key, entry.keyAt);
      continue;
    }
    const { line } = positionOf(context.text, earlier.from);
    const hint = `it stands in line ${line} already; keep one`;
    context.found.push(complain(`'${entry.key}' is written twice`, hint, entry.keyAt));
  }
}

const FILE_START: Place = { from: 0, to: 1 };

function placeOfRange(range: readonly number[] | null | undefined): Place {
  const [from, to] = range ?? [];
  return from === undefined || to === undefined ? FILE_START : { from, to: Math.max(to, from) };
}

const EXPLAINED: Readonly<
  Partial<Record<ErrorCode, readonly [message: string, hint: string | null]>>
> = {
  BAD_ALIAS: ["aliases (*name) are not allowed here", 'a lone * is written "*"'],
  BAD_DQ_ESCAPE: [
    "unknown escape in double quotes",
    "write a backslash twice, or use single quotes",
  ],
  BAD_INDENT: ["the indentation does not fit", "line the key up with its neighbours; use spaces"],
  BAD_SCALAR_START: ["a value cannot start with this character", "put the value in double quotes"],
  BLOCK_AS_IMPLICIT_KEY: [
    "two 'key: value' in one line",
    'put a text with a colon in "double quotes"',
  ],
  BLOCK_IN_FLOW: ["a block inside { } or [ ]", "finish the bracket first"],
  KEY_OVER_1024_CHARS: ["a key is too long", null],
  MISSING_CHAR: [
    "a character is missing here",
    "is a quote, bracket, comma, or the space after ':' missing?",
  ],
  MULTILINE_IMPLICIT_KEY: ["a key that goes over lines", 'put the expression in "double quotes"'],
  MULTIPLE_DOCS: ["a second document in the file", "one file holds one document"],
  TAB_AS_INDENT: ["a tab character", "use spaces"],
  UNEXPECTED_TOKEN: [
    "this does not belong here",
    "is a bracket or quote not closed, or closed twice?",
  ],
};

function explainYaml(fault: YAMLError, inFlow: boolean): Diagnostic {
  const [message, hint] = inFlow
    ? UNCLOSED
    : (EXPLAINED[fault.code] ?? ["this is not YAML that can be read here", null]);
  const [from, to] = fault.pos;
  return complain(message, hint, { from, to: Math.max(to, from + 1) });
}

const UNCLOSED = [
  "a bracket that is not closed, or not by its like",
  "{ ends with }, [ with ]",
] as const;
