/**
 * Checked conditions as data: what `profile/` makes of text, what the kernel evaluates, what a prover
 * encodes. Types and units are already settled: every number is in the reference unit of its slot.
 *
 * A slot is one place in evaluation memory: inputs first, then outputs (the commanded value, as the set
 * of values it may have), then `cmd`, the value asked for.
 */
export type Term =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "slot"; readonly slot: number }
  | { readonly kind: "negate"; readonly of: Term }
  /** Multiplication by a constant: also how a unit is converted. */
  | { readonly kind: "scale"; readonly factor: number; readonly of: Term }
  /** Conversion between units with different zeros (kelvin and degrees Celsius). */
  | { readonly kind: "add"; readonly left: Term; readonly right: Term }
  | { readonly kind: "subtract"; readonly left: Term; readonly right: Term };

export type Comparison = "<" | "<=" | ">" | ">=" | "=" | "<>";

export type Formula =
  | { readonly kind: "constant"; readonly value: boolean }
  /** A BOOL slot. */
  | { readonly kind: "slot"; readonly slot: number }
  | { readonly kind: "not"; readonly of: Formula }
  | { readonly kind: "and" | "or" | "xor"; readonly left: Formula; readonly right: Formula }
  /** BOOL = BOOL; `<>` is its negation. */
  | { readonly kind: "same"; readonly left: Formula; readonly right: Formula }
  | {
      readonly kind: "compare";
      readonly op: Comparison;
      readonly left: Term;
      readonly right: Term;
    }
  /** At least `need` of the members. */
  | { readonly kind: "vote"; readonly need: number; readonly of: readonly Formula[] };
