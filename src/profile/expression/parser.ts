import type { Comparison } from "../../kernel/condition/term.js";
import { findUnit, PLAIN } from "../unit.js";
import { readTokens } from "./lexer.js";
import type { Ast, Extent, Fault, Token } from "./syntax.js";
import { DEEPEST_EXPRESSION } from "./syntax.js";

/**
 * Text to syntax tree, or the first fault. Precedence as in IEC 61131-3 (table 71), tightest first:
 * NOT and sign, *, + and -, comparisons, AND, XOR, OR. Comparisons do not chain. Never throws; its own
 * depth is bounded, so no text can exhaust the stack.
 */
export function parseExpression(text: string): { ast: Ast } | { fault: Fault } {
  const read = readTokens(text);
  if ("fault" in read) return read;
  const cursor: Cursor = { text, tokens: read.tokens, at: 0, depth: 0, fault: null };
  const ast = parseBinary(cursor, 0);
  if (ast === null) return { fault: cursor.fault ?? explainEnd(cursor) };
  const left = peek(cursor);
  if (left.kind !== "end") return { fault: explainLeftover(left) };
  return { ast };
}

type Cursor = {
  readonly text: string;
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
  fault: Fault | null;
};

/** Binding power of each binary operator. */
const POWER: ReadonlyMap<string, number> = new Map([
  ["OR", 1],
  ["XOR", 2],
  ["AND", 3],
  ["=", 4],
  ["<>", 4],
  ["<", 4],
  ["<=", 4],
  [">", 4],
  [">=", 4],
  ["+", 5],
  ["-", 5],
  ["*", 6],
]);
const COMPARE_POWER = 4;

const END: Token = { kind: "end", text: "", from: 0, to: 1 };
const peek = (cursor: Cursor): Token => cursor.tokens[cursor.at] ?? END;

function fail(cursor: Cursor, message: string, hint: string | null, at: Extent): null {
  cursor.fault ??= { message, hint, from: at.from, to: Math.max(at.to, at.from + 1) };
  return null;
}

function powerOf(token: Token): number {
  return token.kind === "operator" || token.kind === "name" ? (POWER.get(token.text) ?? 0) : 0;
}

function parseBinary(cursor: Cursor, above: number): Ast | null {
  if (cursor.depth >= DEEPEST_EXPRESSION) {
    return fail(cursor, "nested too deeply", "name parts of it under signals:", peek(cursor));
  }
  cursor.depth++;
  let left = parseUnary(cursor);
  while (left !== null) {
    const operator = peek(cursor);
    const power = powerOf(operator);
    if (power <= above) break;
    cursor.at++;
    const right = parseBinary(cursor, power);
    if (right === null) return null;
    if (power === COMPARE_POWER && refuseChain(cursor, left, right)) return null;
    left = join(operator, left, right);
  }
  cursor.depth--;
  return left;
}

/** `0 m < level < 3 m` would compare a truth value with a number: a reader takes it for a range. */
function refuseChain(cursor: Cursor, left: Ast, right: Ast): boolean {
  const next = peek(cursor);
  if (powerOf(next) !== COMPARE_POWER) return false;
  const said = (ast: Ast): string => cursor.text.slice(ast.from, ast.to);
  const hint = `write  ${cursor.text.slice(left.from, right.to)} AND ${said(right)} ${next.text} ...`;
  fail(cursor, "comparisons cannot be chained", hint, next);
  return true;
}

function join(operator: Token, left: Ast, right: Ast): Ast {
  const shape = { from: left.from, to: right.to, inParentheses: false, left, right } as const;
  const op = operator.text;
  switch (op) {
    case "AND":
    case "OR":
    case "XOR":
      return { ...shape, kind: "logic", op };
    case "+":
    case "-":
    case "*":
      return { ...shape, kind: "arithmetic", op };
    default:
      return { ...shape, kind: "compare", op: comparisonOf(op) };
  }
}

const COMPARISONS: ReadonlyMap<string, Comparison> = new Map(
  (["<", "<=", ">", ">=", "=", "<>"] as const).map((op) => [op, op]),
);
const comparisonOf = (text: string): Comparison => COMPARISONS.get(text) ?? "=";

function parseUnary(cursor: Cursor): Ast | null {
  const token = peek(cursor);
  const isNot = token.kind === "name" && token.text === "NOT";
  const isSign = token.kind === "operator" && token.text === "-";
  if (!isNot && !isSign) return parsePrimary(cursor);
  if (cursor.depth >= DEEPEST_EXPRESSION) {
    return fail(cursor, "nested too deeply", "name parts of it under signals:", token);
  }
  cursor.at++;
  cursor.depth++;
  const of = parseUnary(cursor);
  cursor.depth--;
  if (of === null) return null;
  const shape = { from: token.from, to: of.to, inParentheses: false } as const;
  if (isSign && of.kind === "number") return { ...of, ...shape, value: -of.value };
  return isNot ? { ...shape, kind: "not", of } : { ...shape, kind: "negate", of };
}

function parsePrimary(cursor: Cursor): Ast | null {
  const token = peek(cursor);
  if (token.kind === "number") return parseNumber(cursor, token);
  if (token.kind === "name") return parseName(cursor, token);
  if (token.text !== "(") return fail(cursor, ...explainMissing(token), token);
  cursor.at++;
  const inner = parseBinary(cursor, 0);
  if (inner === null) return null;
  const close = peek(cursor);
  if (close.text !== ")") {
    const hint = close.kind === "name" ? operatorHint(close.text) : "close the parenthesis";
    return fail(cursor, "')' is missing here", hint, close);
  }
  cursor.at++;
  return { ...inner, from: token.from, to: close.to, inParentheses: true };
}

function parseNumber(cursor: Cursor, token: Token): Ast {
  cursor.at++;
  const next = peek(cursor);
  const unit = next.kind === "unit" ? findUnit(next.text) : null;
  if (unit !== null) cursor.at++;
  const to = unit === null ? token.to : next.to;
  const shape = { from: token.from, to, inParentheses: false } as const;
  return { ...shape, kind: "number", value: Number(token.text), unit: unit ?? PLAIN };
}

function parseName(cursor: Cursor, token: Token): Ast | null {
  const name = token.text;
  if (POWER.has(name)) return fail(cursor, ...explainMissing(token), token);
  cursor.at++;
  const shape = { from: token.from, to: token.to, inParentheses: false } as const;
  if (name === "TRUE" || name === "FALSE")
    return { ...shape, kind: "truth", value: name === "TRUE" };
  if (peek(cursor).text === "(") {
    if (name === "VOTE") return parseVote(cursor, token);
    const lower = operatorHint(name);
    return fail(
      cursor,
      `there is no function '${name}'`,
      lower ?? "the only one is VOTE(2, a, b, c)",
      token,
    );
  }
  const hint = operatorHint(name);
  if (hint !== null) return fail(cursor, `'${name}' is not a name`, hint, token);
  return { ...shape, kind: "name", name };
}

function parseVote(cursor: Cursor, token: Token): Ast | null {
  cursor.at++;
  const count = peek(cursor);
  const example = "VOTE(2, a, b, c) asks for two of three";
  if (count.kind !== "number" || !/^\d{1,3}$/.test(count.text)) {
    return fail(cursor, "VOTE starts with how many must agree", example, count);
  }
  cursor.at++;
  const of: Ast[] = [];
  while (peek(cursor).text === ",") {
    cursor.at++;
    const member = parseBinary(cursor, 0);
    if (member === null) return null;
    of.push(member);
  }
  const close = peek(cursor);
  if (close.text !== ")") {
    const hint = close.kind === "end" ? "close the parenthesis" : operatorHint(close.text);
    return fail(cursor, "',' or ')' is missing here", hint ?? example, close);
  }
  cursor.at++;
  const need = Number(count.text);
  if (need < 1 || need > of.length) {
    return fail(cursor, `${need} of ${of.length} can never be counted`, example, count);
  }
  return { kind: "vote", need, of, from: token.from, to: close.to, inParentheses: false };
}

/** What a word of another language should have been. */
function operatorHint(name: string): string | null {
  const upper = name.toUpperCase();
  if (upper === "VOTE" && name !== upper) return "functions are upper case: VOTE";
  if (["AND", "OR", "NOT", "XOR", "TRUE", "FALSE"].includes(upper) && name !== upper) {
    return `operators are upper case: write ${upper}`;
  }
  if (["IF", "THEN", "ELSE", "FOR", "WHILE"].includes(upper))
    return "a condition has no statements";
  return upper === "MOD" || upper === "DIV" ? "division is not part of the language" : null;
}

function explainMissing(token: Token): [message: string, hint: string | null] {
  if (token.kind === "end") return ["the expression ends too early", "something must follow here"];
  return [`a value is missing before '${token.text}'`, null];
}

function explainEnd(cursor: Cursor): Fault {
  const { from, to } = peek(cursor);
  return { message: "this cannot be read as a condition", hint: null, from, to };
}

function explainLeftover(token: Token): Fault {
  const { from, to, text } = token;
  if (text === ")") return { message: "')' without '('", hint: null, from, to };
  const hint = operatorHint(text) ?? "AND, OR, a comparison or the end is expected here";
  return { message: `'${text}' does not belong here`, hint, from, to };
}
