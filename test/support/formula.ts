import type { Comparison, Formula, Term } from "../../src/kernel/condition/term.js";

/** Short hands for writing conditions in tests as they read in a profile. */
export const constant = (value: boolean): Formula => ({ kind: "constant", value });
export const on = (slot: number): Formula => ({ kind: "slot", slot });
export const not = (of: Formula): Formula => ({ kind: "not", of });
export const same = (left: Formula, right: Formula): Formula => ({ kind: "same", left, right });
export const xor = (left: Formula, right: Formula): Formula => ({ kind: "xor", left, right });
export const vote = (need: number, ...of: readonly Formula[]): Formula => ({
  kind: "vote",
  need,
  of,
});
export const and = (...of: readonly Formula[]): Formula => chain("and", of);
export const or = (...of: readonly Formula[]): Formula => chain("or", of);

export const num = (value: number): Term => ({ kind: "number", value });
export const val = (slot: number): Term => ({ kind: "slot", slot });
export const negate = (of: Term): Term => ({ kind: "negate", of });
export const scale = (factor: number, of: Term): Term => ({ kind: "scale", factor, of });
export const add = (left: Term, right: Term): Term => ({ kind: "add", left, right });
export const subtract = (left: Term, right: Term): Term => ({ kind: "subtract", left, right });

/** A bare number on either side is a slot's value on the left and a constant on the right. */
export const compare = (slot: number | Term, op: Comparison, right: number | Term): Formula => ({
  kind: "compare",
  op,
  left: typeof slot === "number" ? val(slot) : slot,
  right: typeof right === "number" ? num(right) : right,
});

function chain(kind: "and" | "or", of: readonly Formula[]): Formula {
  const [first, ...rest] = of;
  if (first === undefined) return constant(kind === "and");
  return rest.reduce<Formula>((left, right) => ({ kind, left, right }), first);
}
