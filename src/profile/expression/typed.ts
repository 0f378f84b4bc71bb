import type { Formula, Term } from "../../kernel/condition/term.js";
import type { Unit } from "../unit.js";

/**
 * `point`: a place on a scale with a zero of its own (a temperature reading). `difference`: everything
 * that adds up. `either`: a constant in kelvin, which may be the one or the other.
 */
export type Shape = "point" | "difference" | "either";

export type States = ReadonlyMap<number, string>;

/** A checked part of an expression. `size`: terms after signals are put in. */
export type Typed =
  | { readonly kind: "truth"; readonly formula: Formula; readonly size: number }
  | Quantity
  | { readonly kind: "state"; readonly term: Term; readonly states: States; readonly size: number }
  /** Complained about already: what is built on it is not complained about again. */
  | { readonly kind: "broken"; readonly size: number };

export type Quantity = {
  readonly kind: "quantity";
  /** In `unit`. */
  readonly term: Term;
  readonly unit: Unit;
  readonly shape: Shape;
  /** Its value where it is a constant. */
  readonly constant: number | null;
  readonly size: number;
};

export const BROKEN: Typed = { kind: "broken", size: 1 };

/** For messages: what a part of an expression is. */
export function describe(typed: Typed): string {
  switch (typed.kind) {
    case "truth":
      return "TRUE or FALSE";
    case "state":
      return `one of ${[...typed.states.values()].join(", ")}`;
    case "quantity":
      if (typed.unit.code === "") return "a number without a unit";
      return typed.unit.dimension === "temperature" && typed.shape === "difference"
        ? "a difference of temperatures in K"
        : `a quantity in ${typed.unit.code}`;
    case "broken":
      return "unknown";
  }
}
