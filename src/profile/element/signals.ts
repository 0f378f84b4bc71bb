import type { ProfileModel } from "../../kernel/profile/model.js";
import type { Draft } from "../draft.js";
import { readTyped } from "../draft.js";
import { BROKEN } from "../expression/typed.js";
import { parseExpression } from "../expression/parser.js";
import type { Ast } from "../expression/syntax.js";
import { complain, keysAt, textAt } from "../source.js";

/**
 * Signals in an order in which each only needs earlier ones; they are put into `draft.names` and later
 * inlined wherever they are named. A circle is reported with the way round it.
 */
export function readSignals(draft: Draft): ProfileModel["signals"] {
  const { source } = draft;
  const names = keysAt(source, ["signals"]).filter((name) => mayBeCalled(draft, name));
  const needs = new Map(
    names.map((name) => [name, namesIn(textAt(source, ["signals", name]) ?? "")]),
  );
  const signals: { name: string; is: ProfileModel["signals"][number]["is"] }[] = [];
  const done = new Set<string>();
  for (const name of names) settleSignal({ draft, needs, done, signals }, name, []);
  const order = new Map(names.map((name, position) => [name, position]));
  return signals.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
}

type Walk = {
  readonly draft: Draft;
  readonly needs: ReadonlyMap<string, ReadonlySet<string>>;
  readonly done: Set<string>;
  readonly signals: { name: string; is: ProfileModel["signals"][number]["is"] }[];
};

/** More levels would be unreadable, and bound the recursion here. */
const DEEPEST_SIGNAL = 32;

function settleSignal(walk: Walk, name: string, way: readonly string[]): void {
  const { draft, needs, done, signals } = walk;
  if (done.has(name)) return;
  const start = way.indexOf(name);
  const path = ["signals", name];
  if (start >= 0 || way.length >= DEEPEST_SIGNAL) {
    const circle = [...way.slice(Math.max(0, start)), name].join(" -> ");
    const message = start >= 0 ? "the signal needs itself" : "signals nested too deeply";
    complain(draft.source, path, { message, hint: circle });
    draft.names.set(name, BROKEN);
    done.add(name);
    return;
  }
  for (const need of needs.get(name) ?? []) {
    if (needs.has(need)) settleSignal(walk, need, [...way, name]);
  }
  if (done.has(name)) return;
  done.add(name);
  const text = textAt(draft.source, path);
  if (text === null) {
    draft.names.set(name, BROKEN);
    return;
  }
  const typed = readTyped(draft, path, { text, offset: 0, local: new Map() });
  draft.names.set(name, typed);
  if (typed.kind === "truth") signals.push({ name, is: typed.formula });
}

function mayBeCalled(draft: Draft, name: string): boolean {
  if (!draft.names.has(name) && name !== "cmd") return true;
  const what = draft.inputNames.includes(name) ? "an input" : "an output";
  const message =
    name === "cmd" ? "cmd always means the value asked for" : `${name} is ${what} already`;
  complain(draft.source, ["signals", name], { message, hint: "choose another name" });
  return false;
}

function namesIn(text: string): ReadonlySet<string> {
  const parsed = parseExpression(text);
  const names = new Set<string>();
  if ("ast" in parsed) collectNames(parsed.ast, names);
  return names;
}

function collectNames(ast: Ast, into: Set<string>): void {
  switch (ast.kind) {
    case "number":
    case "truth":
      return;
    case "name":
      into.add(ast.name);
      return;
    case "not":
    case "negate":
      collectNames(ast.of, into);
      return;
    case "logic":
    case "compare":
    case "arithmetic":
      collectNames(ast.left, into);
      collectNames(ast.right, into);
      return;
    case "vote":
      for (const member of ast.of) collectNames(member, into);
      return;
  }
}
