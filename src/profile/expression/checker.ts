import type { Formula } from "../../kernel/condition/term.js";
import { nearestName } from "../suggestion.js";
import {
  addQuantities,
  alignQuantities,
  compareShapes,
  makeConstant,
  negateQuantity,
  scaleQuantity,
} from "./quantity.js";
import type { Wrong } from "./quantity.js";
import type { Ast, Extent, Fault } from "./syntax.js";
import { MOST_TERMS } from "./syntax.js";
import type { Quantity, Typed } from "./typed.js";
import { BROKEN, describe } from "./typed.js";

/** What an expression may name. Every look-up is reported to `used`, so that lint can tell what nothing uses. */
export type Scope = {
  readonly names: ReadonlyMap<string, Typed>;
  readonly used: (name: string) => void;
};

/**
 * Names, types and units of a syntax tree; the result speaks of slots and of their units alone. All faults
 * are reported, each once: a part that is at fault is `broken`, and nothing built on it is complained about.
 */
export function checkExpression(
  ast: Ast,
  scope: Scope,
): { typed: Typed; faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const typed = check(ast, { scope, faults });
  return { typed, faults };
}

type Context = { readonly scope: Scope; readonly faults: Fault[] };
type Of<Kind extends Ast["kind"]> = Extract<Ast, { readonly kind: Kind }>;

function fail(context: Context, wrong: Wrong, at: Extent): Typed {
  context.faults.push({ ...wrong, from: at.from, to: at.to });
  return BROKEN;
}

function check(ast: Ast, context: Context): Typed {
  const typed = checkKind(ast, context);
  if (typed.size <= MOST_TERMS) return typed;
  const wrong = {
    message: `more than ${MOST_TERMS} terms, signals put in`,
    hint: "say it more simply",
  };
  return fail(context, wrong, ast);
}

function checkKind(ast: Ast, context: Context): Typed {
  switch (ast.kind) {
    case "number":
      return makeConstant(ast.value, ast.unit);
    case "truth":
      return { kind: "truth", formula: { kind: "constant", value: ast.value }, size: 1 };
    case "name":
      return checkName(ast, context);
    case "not":
      return checkNot(ast, context);
    case "negate":
      return checkNegate(ast, context);
    case "logic":
      return checkLogic(ast, context);
    case "arithmetic":
      return checkArithmetic(ast, context);
    case "compare":
      return checkCompare(ast, context);
    case "vote":
      return checkVote(ast, context);
  }
}

function checkName(ast: Of<"name">, context: Context): Typed {
  const known = context.scope.names.get(ast.name);
  if (known === undefined) return fail(context, explainUnknown(ast.name, context.scope), ast);
  context.scope.used(ast.name);
  return known;
}

function explainUnknown(name: string, scope: Scope): Wrong {
  const message = `nothing is called '${name}'`;
  const near = nearestName(name, scope.names.keys());
  if (near !== null) return { message, hint: `did you mean ${near}?` };
  if (name === "cmd")
    return { message, hint: "cmd is the value asked for: only where one output is named by for:" };
  const inStates = [...scope.names].find(
    ([, typed]) => typed.kind === "state" && [...typed.states.values()].includes(name),
  );
  if (inStates === undefined) return { message, hint: null };
  return { message, hint: `it is a state; write  ${inStates[0]} = ${name}` };
}

/** The formula of a part that must be TRUE or FALSE; null: it is not, and that has been said. */
function needTruth(
  ast: Ast,
  context: Context,
  operator: string,
): { formula: Formula; size: number } | null {
  const typed = check(ast, context);
  if (typed.kind === "truth") return typed;
  if (typed.kind !== "broken") fail(context, explainNotTruth(ast, typed, operator), ast);
  return null;
}

function explainNotTruth(ast: Ast, typed: Typed, operator: string): Wrong {
  const message = `${operator} needs TRUE or FALSE; this is ${describe(typed)}`;
  const hint =
    typed.kind === "state" ? "compare it with one of its states" : "compare it with a limit";
  return { message, hint: ast.kind === "number" && typed.kind === "quantity" ? null : hint };
}

function checkNot(ast: Of<"not">, context: Context): Typed {
  const of = needTruth(ast.of, context, "NOT");
  if (of === null) return BROKEN;
  return { kind: "truth", formula: { kind: "not", of: of.formula }, size: of.size + 1 };
}

function checkNegate(ast: Of<"negate">, context: Context): Typed {
  const of = needQuantity(ast.of, context, "-");
  return of === null ? BROKEN : settle(negateQuantity(of), ast, context);
}

function checkLogic(ast: Of<"logic">, context: Context): Typed {
  const left = needTruth(ast.left, context, ast.op);
  const right = needTruth(ast.right, context, ast.op);
  if (left === null || right === null) return BROKEN;
  const kind = ({ AND: "and", OR: "or", XOR: "xor" } as const)[ast.op];
  const formula = { kind, left: left.formula, right: right.formula } as const;
  return { kind: "truth", formula, size: left.size + right.size + 1 };
}

function needQuantity(ast: Ast, context: Context, operator: string): Quantity | null {
  const typed = check(ast, context);
  if (typed.kind === "quantity") return typed;
  if (typed.kind !== "broken") {
    const message = `'${operator}' needs a number; this is ${describe(typed)}`;
    fail(context, { message, hint: null }, ast);
  }
  return null;
}

function settle(result: Quantity | Wrong, ast: Ast, context: Context): Typed {
  return "message" in result ? fail(context, result, ast) : result;
}

function checkArithmetic(ast: Of<"arithmetic">, context: Context): Typed {
  const left = needQuantity(ast.left, context, ast.op);
  const right = needQuantity(ast.right, context, ast.op);
  if (left === null || right === null) return BROKEN;
  const result = ast.op === "*" ? scaleQuantity(left, right) : addQuantities(left, right, ast.op);
  return settle(result, ast, context);
}

function checkCompare(ast: Of<"compare">, context: Context): Typed {
  if (ast.left.kind === "not" && !ast.left.inParentheses) {
    const early = refuseLooseNot(ast, ast.left, context);
    if (early !== null) return early;
  }
  if (isBroken(ast.left, context) || isBroken(ast.right, context)) return BROKEN;
  const state = checkStates(ast, context);
  if (state !== null) return state;
  const left = check(ast.left, context);
  const right = check(ast.right, context);
  if (left.kind === "broken" || right.kind === "broken") return BROKEN;
  if (left.kind === "quantity" && right.kind === "quantity")
    return compareQuantities(ast, [left, right], context);
  if (left.kind === "truth" && right.kind === "truth")
    return compareTruths(ast, [left, right], context);
  const message = `'${ast.op}' between ${describe(left)} and ${describe(right)}`;
  return fail(context, { message, hint: null }, ast);
}

/** A tag that was complained about: whether the other side is a state of it cannot be told. */
function isBroken(ast: Ast, context: Context): boolean {
  if (ast.kind !== "name" || context.scope.names.get(ast.name)?.kind !== "broken") return false;
  context.scope.used(ast.name);
  return true;
}

/** `NOT level < 1.2 m` reads as NOT (level < 1.2 m) to everybody but the language. */
function refuseLooseNot(ast: Of<"compare">, not: Of<"not">, context: Context): Typed | null {
  const silent: Context = { scope: context.scope, faults: [] };
  const inner = check(not.of, silent);
  if (inner.kind !== "quantity" && inner.kind !== "state") return null;
  const message = `NOT needs TRUE or FALSE; this is ${describe(inner)}`;
  const hint = `NOT binds tighter than ${ast.op}: write NOT (... ${ast.op} ...)`;
  return fail(context, { message, hint }, not.of);
}

/** Comparison of a tag that has states; null: neither side has. */
function checkStates(ast: Of<"compare">, context: Context): Typed | null {
  const left = stateNamed(ast.left, context);
  const right = stateNamed(ast.right, context);
  const stated = left ?? right;
  if (stated === null) return null;
  if (ast.op !== "=" && ast.op !== "<>") {
    const message = `'${ast.op}' between states, which have no order`;
    return fail(context, { message, hint: "write = or <>, joined by OR" }, ast);
  }
  if (left !== null && right !== null) return compareTwoStates(ast, [left, right], context);
  const [tag, other] = left === null ? [ast.right, ast.left] : [ast.left, ast.right];
  context.scope.used(nameOf(tag));
  const isLiteral = other.kind === "name" && !context.scope.names.has(other.name);
  const raw = isLiteral ? findState(stated.states, other.name) : null;
  if (raw === null) return failState(other, stated.states, context);
  const formula: Formula = {
    kind: "compare",
    op: ast.op,
    left: stated.term,
    right: { kind: "number", value: raw },
  };
  return { kind: "truth", formula, size: stated.size + 2 };
}

function stateNamed(ast: Ast, context: Context): State | null {
  const typed = ast.kind === "name" ? context.scope.names.get(ast.name) : undefined;
  return typed?.kind === "state" ? typed : null;
}

type State = Extract<Typed, { readonly kind: "state" }>;

function compareTwoStates(
  ast: Of<"compare">,
  [left, right]: readonly [State, State],
  context: Context,
): Typed {
  context.scope.used(nameOf(ast.left));
  context.scope.used(nameOf(ast.right));
  const same =
    left.states.size === right.states.size &&
    [...left.states].every(([raw, name]) => right.states.get(raw) === name);
  if (!same) {
    return fail(context, { message: "these two have different sets of states", hint: null }, ast);
  }
  const op = ast.op === "<>" ? "<>" : "=";
  const formula: Formula = { kind: "compare", op, left: left.term, right: right.term };
  return { kind: "truth", formula, size: left.size + right.size + 1 };
}

const nameOf = (ast: Ast): string => (ast.kind === "name" ? ast.name : "");

export function findState(states: ReadonlyMap<number, string>, name: string): number | null {
  return [...states].find(([, state]) => state === name)?.[0] ?? null;
}

function failState(ast: Ast, states: ReadonlyMap<number, string>, context: Context): Typed {
  const names = [...states.values()];
  const written = ast.kind === "name" ? `'${ast.name}'` : "this";
  const near = ast.kind === "name" ? nearestName(ast.name, names) : null;
  const hint = near === null ? `the states are ${names.join(", ")}` : `did you mean ${near}?`;
  return fail(context, { message: `${written} is not a state of it`, hint }, ast);
}

function compareTruths(
  ast: Of<"compare">,
  [left, right]: readonly [{ formula: Formula; size: number }, { formula: Formula; size: number }],
  context: Context,
): Typed {
  if (ast.op !== "=" && ast.op !== "<>") {
    return fail(
      context,
      { message: `'${ast.op}' between TRUE or FALSE values`, hint: "write = or <>" },
      ast,
    );
  }
  const same: Formula = { kind: "same", left: left.formula, right: right.formula };
  const formula: Formula = ast.op === "=" ? same : { kind: "not", of: same };
  return { kind: "truth", formula, size: left.size + right.size + 2 };
}

function compareQuantities(
  ast: Of<"compare">,
  [left, right]: readonly [Quantity, Quantity],
  context: Context,
): Typed {
  const aligned = alignQuantities(left, right, ast.op);
  if ("message" in aligned) return fail(context, aligned, ast);
  if (ast.op === "=" || ast.op === "<>") {
    const message = `'${ast.op}' between measured numbers is never reliable`;
    const hint =
      "ask for a margin: x >= 2.9 m AND x <= 3.1 m; numbers that stand for states are declared with states:";
    return fail(context, { message, hint }, ast);
  }
  const shapes = compareShapes(left, right);
  if (shapes !== null) return fail(context, shapes, ast);
  const formula: Formula = {
    kind: "compare",
    op: ast.op,
    left: aligned.left.term,
    right: aligned.right.term,
  };
  return { kind: "truth", formula, size: aligned.left.size + aligned.right.size + 1 };
}

function checkVote(ast: Of<"vote">, context: Context): Typed {
  const members = ast.of.map((member) => needTruth(member, context, "VOTE"));
  const of = members.flatMap((member) => (member === null ? [] : [member]));
  if (of.length < members.length) return BROKEN;
  const seen = new Set<string>();
  for (const [index, member] of of.entries()) {
    const same = JSON.stringify(member.formula);
    const place = ast.of[index];
    if (seen.has(same) && place !== undefined) {
      const hint = "each member of a vote must be a witness of its own";
      return fail(context, { message: "VOTE counts the same condition twice", hint }, place);
    }
    seen.add(same);
  }
  const formula: Formula = { kind: "vote", need: ast.need, of: of.map((member) => member.formula) };
  return { kind: "truth", formula, size: of.reduce((size, member) => size + member.size, 1) };
}
