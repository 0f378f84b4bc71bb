import { describe, expect, it } from "vitest";
import {
  compileFormula,
  formulaSlots,
  type Memory,
} from "../../../../src/kernel/condition/evaluate.js";
import type { Comparison, Formula } from "../../../../src/kernel/condition/term.js";
import { FALSE, TRUE, UNKNOWN } from "../../../../src/kernel/condition/truth.js";
import {
  add,
  and,
  compare,
  constant,
  negate,
  not,
  num,
  on,
  or,
  same,
  scale,
  subtract,
  val,
  vote,
  xor,
} from "../../../support/formula.js";

type Value = number | readonly [number, number];

function memory(...values: Value[]): Memory {
  const ends = values.map((value) =>
    typeof value === "number" ? ([value, value] as const) : value,
  );
  return {
    lo: Float64Array.from(ends, ([lo]) => lo),
    hi: Float64Array.from(ends, ([, hi]) => hi),
  };
}

function truth(formula: Formula, ...values: Value[]): number {
  return compileFormula(formula)(memory(...values));
}

describe("conditions", () => {
  it("follow Kleene's tables", () => {
    const f = constant(false);
    const t = constant(true);
    const u = on(0);
    const table: readonly (readonly [Formula, number])[] = [
      [and(t, u), UNKNOWN],
      [and(f, u), FALSE],
      [and(u, f), FALSE],
      [or(t, u), TRUE],
      [or(u, t), TRUE],
      [or(f, u), UNKNOWN],
      [not(u), UNKNOWN],
      [not(t), FALSE],
      [not(f), TRUE],
      [xor(t, f), TRUE],
      [xor(t, t), FALSE],
      [xor(u, u), UNKNOWN],
      [same(f, f), TRUE],
      [same(t, f), FALSE],
      [same(t, u), UNKNOWN],
    ];
    for (const [formula, expected] of table) expect(truth(formula, NaN)).toBe(expected);
  });

  it("never take NaN for TRUE or FALSE, in any comparison and on either side", () => {
    const operators: readonly Comparison[] = ["<", "<=", ">", ">=", "=", "<>"];
    for (const op of operators) {
      expect(truth(compare(0, op, 1.2), NaN)).toBe(UNKNOWN);
      expect(truth(not(compare(0, op, 1.2)), NaN)).toBe(UNKNOWN);
      expect(truth(compare(num(1), op, val(0)), NaN)).toBe(UNKNOWN);
      expect(truth(compare(0, op, NaN), 1)).toBe(UNKNOWN);
    }
  });

  it("never take an infinity for TRUE or FALSE, read or computed", () => {
    expect(truth(compare(0, ">", 1), Infinity)).toBe(UNKNOWN);
    expect(truth(compare(0, "<", 1), -Infinity)).toBe(UNKNOWN);
    expect(truth(compare(scale(1e308, val(0)), ">", 1), 1e308)).toBe(UNKNOWN);
    expect(truth(compare(0, "<", Infinity), 1)).toBe(UNKNOWN);
  });

  it("compare exactly at the limit", () => {
    expect(truth(compare(0, "<", 5), 5)).toBe(FALSE);
    expect(truth(compare(0, "<=", 5), 5)).toBe(TRUE);
    expect(truth(compare(0, ">", 5), 5)).toBe(FALSE);
    expect(truth(compare(0, ">=", 5), 5)).toBe(TRUE);
    expect(truth(compare(0, "=", 5), 5)).toBe(TRUE);
    expect(truth(compare(0, "<>", 5), 5)).toBe(FALSE);
    expect(truth(compare(0, "<", 5), 4.999999)).toBe(TRUE);
  });

  it("are UNKNOWN where the values an output may have disagree, and certain where they agree", () => {
    expect(truth(compare(0, "<=", 40), [30, 45])).toBe(UNKNOWN);
    expect(truth(compare(0, "<=", 50), [30, 45])).toBe(TRUE);
    expect(truth(compare(0, "<", 30), [30, 45])).toBe(FALSE);
    expect(truth(compare(0, "=", 30), [30, 45])).toBe(UNKNOWN);
    expect(truth(compare(0, "=", 29), [30, 45])).toBe(FALSE);
    expect(truth(on(0), [0, 1])).toBe(UNKNOWN);
    expect(truth(on(0), 1)).toBe(TRUE);
    expect(truth(on(0), 0)).toBe(FALSE);
  });

  it("do not take a number other than 0 and 1 for a BOOL", () => {
    expect(truth(on(0), 2)).toBe(UNKNOWN);
    expect(truth(on(0), 0.5)).toBe(UNKNOWN);
  });

  it("compute with intervals", () => {
    const sum = add(val(0), val(1));
    expect(truth(compare(sum, "<=", 90), [40, 45], [40, 45])).toBe(TRUE);
    expect(truth(compare(sum, "<=", 90), [40, 45], [40, 46])).toBe(UNKNOWN);
    expect(truth(compare(subtract(val(0), val(1)), ">=", -5), [40, 45], [40, 45])).toBe(TRUE);
    expect(truth(compare(subtract(val(0), val(1)), ">", 0), [40, 45], [46, 50])).toBe(FALSE);
    expect(truth(compare(negate(val(0)), "<=", -30), [30, 45])).toBe(TRUE);
    expect(truth(compare(scale(-2, val(0)), ">=", -90), [30, 45])).toBe(TRUE);
    expect(truth(compare(sum, "<", 1), [1, 2], NaN)).toBe(UNKNOWN);
  });

  it("vote by what is surely and what is possibly true", () => {
    const two = vote(2, compare(0, "<", 1), compare(1, "<", 1), compare(2, "<", 1));
    expect(truth(two, 0, 0, 5)).toBe(TRUE);
    expect(truth(two, 0, 0, NaN)).toBe(TRUE);
    expect(truth(two, 0, 5, NaN)).toBe(UNKNOWN);
    expect(truth(two, 5, 5, NaN)).toBe(FALSE);
    expect(truth(two, NaN, NaN, 5)).toBe(UNKNOWN);
  });

  it("know which slots they read", () => {
    expect(
      formulaSlots(or(compare(add(val(7), val(2)), "<", val(2)), not(vote(1, on(4))))),
    ).toEqual([2, 4, 7]);
    expect(formulaSlots(constant(true))).toEqual([]);
  });

  it("read nothing but UNKNOWN from a slot that is not there", () => {
    expect(truth(compare(9, "<", 1), 0)).toBe(UNKNOWN);
    expect(truth(on(9), 0)).toBe(UNKNOWN);
  });
});
