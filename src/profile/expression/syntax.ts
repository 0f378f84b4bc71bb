import type { Comparison } from "../../kernel/condition/term.js";
import type { Unit } from "../unit.js";

/** Offsets into the expression's own text, `to` exclusive. */
export type Extent = { readonly from: number; readonly to: number };

/** What is wrong with an expression and where. */
export type Fault = Extent & { readonly message: string; readonly hint: string | null };

export type Token = Extent & {
  readonly kind: "number" | "unit" | "name" | "operator" | "end";
  readonly text: string;
};

/** As written, before names and units are looked at. `inParentheses` matters to hints only. */
export type Ast = Extent & {
  readonly inParentheses: boolean;
} & (
    | { readonly kind: "number"; readonly value: number; readonly unit: Unit }
    | { readonly kind: "truth"; readonly value: boolean }
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "not"; readonly of: Ast }
    | { readonly kind: "negate"; readonly of: Ast }
    | {
        readonly kind: "logic";
        readonly op: "AND" | "OR" | "XOR";
        readonly left: Ast;
        readonly right: Ast;
      }
    | { readonly kind: "compare"; readonly op: Comparison; readonly left: Ast; readonly right: Ast }
    | {
        readonly kind: "arithmetic";
        readonly op: "+" | "-" | "*";
        readonly left: Ast;
        readonly right: Ast;
      }
    | { readonly kind: "vote"; readonly need: number; readonly of: readonly Ast[] }
  );

/** Longest text of one expression, deepest nesting, and most terms after signals are put in. */
export const LONGEST_EXPRESSION = 1_000;
export const DEEPEST_EXPRESSION = 32;
export const MOST_TERMS = 4_096;
