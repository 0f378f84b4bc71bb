import { nearestName } from "../suggestion.js";
import { findUnit, unitCodes } from "../unit.js";
import type { Fault, Token } from "./syntax.js";
import { LONGEST_EXPRESSION } from "./syntax.js";

const SPACES = /^[ \n]+/;
const NUMBER = /^\d+(\.\d+)?/;
const UNIT = /^ ?(%|[A-Za-z][A-Za-z0-9]*(\/[A-Za-z][A-Za-z0-9]*)?)/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*/;
const OPERATOR = /^(<>|<=|>=|[-+*()<>=,])/;
const KEYWORDS: ReadonlySet<string> = new Set(["AND", "OR", "NOT", "XOR", "TRUE", "FALSE", "VOTE"]);

/** What other languages write, longest first. */
const FOREIGN: readonly (readonly [text: string, hint: string])[] = [
  ["&&", "write AND"],
  ["||", "write OR"],
  ["!=", "write <> for 'not equal'"],
  ["==", "write = for 'equal'"],
  [":=", "a condition cannot assign; write = for 'equal'"],
  ["=>", "write >= for 'at least'"],
  ["=<", "write <= for 'at most'"],
  ["**", "powers are not part of the language"],
  ["&", "write AND"],
  ["|", "write OR"],
  ["!", "write NOT"],
  ["/", "multiply by a constant instead: 0.5 * x"],
  ["^", "powers are not part of the language"],
  ["≤", "write <="],
  ["≥", "write >="],
  ["≠", "write <>"],
  ["[", "write VOTE(2, a, b, c) with round brackets"],
  ['"', "states and names are written without quotes"],
  ["'", "states and names are written without quotes"],
];

/** Text to tokens, the last one `end`; or the first thing that is none. */
export function readTokens(text: string): { tokens: Token[] } | { fault: Fault } {
  if (text.length > LONGEST_EXPRESSION) {
    const message = `the expression is longer than ${LONGEST_EXPRESSION} characters`;
    return { fault: { message, hint: "name parts of it under signals:", from: 0, to: 1 } };
  }
  const tokens: Token[] = [];
  let from = 0;
  while (from < text.length) {
    const rest = text.slice(from);
    const spaces = SPACES.exec(rest);
    if (spaces !== null) {
      from += spaces[0].length;
      continue;
    }
    const fault = findForeign(rest, from);
    if (fault !== null) return { fault };
    const read = readToken(rest, from);
    if ("message" in read) return { fault: read };
    tokens.push(...read);
    from = read.at(-1)?.to ?? text.length;
  }
  tokens.push({ kind: "end", text: "", from: text.length, to: text.length + 1 });
  return { tokens };
}

function findForeign(rest: string, from: number): Fault | null {
  const foreign = FOREIGN.find(([text]) => rest.startsWith(text));
  if (foreign === undefined) return null;
  const [text, hint] = foreign;
  return { message: `'${text}' is not an operator here`, hint, from, to: from + text.length };
}

function readToken(rest: string, from: number): Token[] | Fault {
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined) return readNumber(rest, number, from);
  const name = NAME.exec(rest)?.[0];
  if (name !== undefined) return [{ kind: "name", text: name, from, to: from + name.length }];
  const operator = OPERATOR.exec(rest)?.[0];
  if (operator !== undefined) {
    return [{ kind: "operator", text: operator, from, to: from + operator.length }];
  }
  const char = Array.from(rest)[0] ?? "";
  const hint = char === "." ? "write a number with a digit before the point: 0.5" : null;
  return { message: `'${char}' cannot stand in an expression`, hint, from, to: from + char.length };
}

/** A number and, where one follows, its unit: the unit is part of the number, never a name. */
function readNumber(rest: string, text: string, from: number): Token[] | Fault {
  const to = from + text.length;
  const after = rest.slice(text.length);
  const odd = /^([.,]\d*|[eE][-+]?\d+|x[0-9a-fA-F]+)/.exec(after)?.[0];
  if (odd !== undefined && !(odd.startsWith(",") && !/^,\d+( |$)/.test(after))) {
    const hint = odd.startsWith(",")
      ? `write a decimal point: ${text}.${odd.slice(1)}`
      : "write a plain decimal number";
    return { message: `'${text}${odd}' is not a number`, hint, from, to: to + odd.length };
  }
  if (text.length > 17) {
    return { message: "a number with too many digits", hint: "15 digits are exact", from, to };
  }
  const number: Token = { kind: "number", text, from, to };
  const unit = UNIT.exec(after);
  const code = unit?.[1];
  if (unit === null || code === undefined || KEYWORDS.has(code)) return [number];
  const unitFrom = to + unit[0].length - code.length;
  const place = { from: unitFrom, to: unitFrom + code.length };
  if (findUnit(code) !== null) return [number, { kind: "unit", text: code, ...place }];
  const near = nearestName(code, unitCodes());
  const hint =
    near === null
      ? "units are written as in UCUM: m, bar, kPa, Hz, Cel, kW, m3/h"
      : `did you mean ${near}?`;
  return { message: `no unit is called '${code}'`, hint, ...place };
}
