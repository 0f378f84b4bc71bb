import type { Term } from "../../kernel/condition/term.js";
import type { Unit } from "../unit.js";
import { convertDifference, convertFactor, convertPoint, TEMPERATURE, unitsLike } from "../unit.js";
import type { Quantity, Shape } from "./typed.js";
import { describe } from "./typed.js";

export type Wrong = { readonly message: string; readonly hint: string | null };

export function makeConstant(value: number, unit: Unit): Quantity {
  const shape =
    unit.dimension !== TEMPERATURE ? "difference" : unit.shift !== 0 ? "point" : "either";
  const term = { kind: "number", value } as const;
  return { kind: "quantity", term, unit, shape, constant: value, size: 1 };
}

/** A tag's value in its own unit. */
export function makeReading(slot: number, unit: Unit): Quantity {
  const shape = unit.dimension === TEMPERATURE ? "point" : "difference";
  return { kind: "quantity", term: { kind: "slot", slot }, unit, shape, constant: null, size: 1 };
}

/** Both sides in one unit: that of the left one, unless only the right one is live. */
export function alignQuantities(
  left: Quantity,
  right: Quantity,
  op: string,
): { left: Quantity; right: Quantity } | Wrong {
  if (left.unit.dimension !== right.unit.dimension) return explainUnits(left, right, op);
  const unit = left.constant !== null && right.constant === null ? right.unit : left.unit;
  return {
    left: toUnit(likeOther(left, right), unit),
    right: toUnit(likeOther(right, left), unit),
  };
}

/** Sum or difference, with the rules for temperatures: reading - reading is in kelvin, reading + reading is nothing. */
export function addQuantities(left: Quantity, right: Quantity, op: "+" | "-"): Quantity | Wrong {
  if (left.unit.dimension !== right.unit.dimension) return explainUnits(left, right, op);
  const shape = shapeOfSum(left.shape, right.shape, op);
  if (shape === null) {
    const hint = "a difference is written in K: winding - 20 K; readings can only be subtracted";
    return { message: `'${op}' between ${describe(left)} and ${describe(right)}`, hint };
  }
  const unit = left.constant !== null && right.constant === null ? right.unit : left.unit;
  const [a, b] = settleShapes(left, right, op).map((side) => toUnit(side, unit));
  if (a === undefined || b === undefined) return { message: "no sum", hint: null };
  const value = a.constant === null || b.constant === null ? null : sum(a.constant, b.constant, op);
  const term: Term =
    value === null
      ? { kind: op === "+" ? "add" : "subtract", left: a.term, right: b.term }
      : { kind: "number", value };
  return { kind: "quantity", term, unit, shape, constant: value, size: a.size + b.size + 1 };
}

/** One side must be a constant number (or percentage): what is proved about profiles is linear. */
export function scaleQuantity(left: Quantity, right: Quantity): Quantity | Wrong {
  const factorLeft = factorOf(left);
  const factorRight = factorOf(right);
  const [factor, of] = factorLeft !== null ? [factorLeft, right] : [factorRight, left];
  if (factor === null) {
    if (left.constant === null && right.constant === null) {
      return { message: "one side of * must be a constant number", hint: "0.5 * x" };
    }
    const message = `'*' between ${describe(left)} and ${describe(right)}`;
    return { message, hint: "multiply by a number without a unit: 2 * x" };
  }
  if (of.shape === "point") {
    const hint = "twice 20 Cel is not 40 Cel in any sense a plant knows; scale a difference in K";
    return { message: "a temperature reading cannot be multiplied", hint };
  }
  const constant = of.constant === null ? null : Number((of.constant * factor).toPrecision(15));
  const term: Term =
    constant === null
      ? { kind: "scale", factor, of: of.term }
      : { kind: "number", value: constant };
  return { kind: "quantity", term, unit: of.unit, shape: of.shape, constant, size: of.size + 1 };
}

export function negateQuantity(of: Quantity): Quantity | Wrong {
  if (of.shape === "point" && of.constant === null) {
    return { message: "a temperature reading cannot be negated", hint: null };
  }
  const constant = of.constant === null ? null : -of.constant;
  const term: Term =
    constant === null ? { kind: "negate", of: of.term } : { kind: "number", value: constant };
  return { ...of, term, constant, size: of.size + 1 };
}

/** Temperatures that may not be compared: a reading with a difference. */
export function compareShapes(left: Quantity, right: Quantity): Wrong | null {
  const mixed =
    (left.shape === "point" && right.shape === "difference") ||
    (left.shape === "difference" && right.shape === "point");
  if (!mixed || left.unit.dimension !== TEMPERATURE) return null;
  return {
    message: "a temperature reading is compared with a difference of temperatures",
    hint: "a difference is written in K, a reading in Cel",
  };
}

export function explainUnits(left: Quantity, right: Quantity, op: string): Wrong {
  const message = `'${op}' between ${describe(left)} and ${describe(right)}`;
  const bare = left.unit.code === "" ? left : right.unit.code === "" ? right : null;
  const other = bare === left ? right : left;
  if (bare?.constant != null && other.unit.code !== "") {
    return { message, hint: `write the unit: ${bare.constant} ${other.unit.code}` };
  }
  if (other.unit.code === "") return { message, hint: null };
  return { message, hint: `${other.unit.dimension} is measured in ${unitsLike(other.unit)}` };
}

/** Beside a reading a constant in kelvin is a reading, beside a difference a difference. */
function likeOther(of: Quantity, other: Quantity): Quantity {
  return of.shape === "either" ? { ...of, shape: other.shape } : of;
}

function toUnit(of: Quantity, unit: Unit): Quantity {
  if (of.unit.code === unit.code) return of;
  const asPoint = of.shape === "point";
  if (of.constant !== null) {
    const convert = asPoint ? convertPoint : convertDifference;
    const value = convert(of.constant, of.unit, unit);
    return { ...of, term: { kind: "number", value }, constant: value, unit };
  }
  const factor = convertFactor(of.unit, unit);
  const scaled: Term = factor === 1 ? of.term : { kind: "scale", factor, of: of.term };
  const zero = asPoint ? convertPoint(0, of.unit, unit) : 0;
  const term: Term =
    zero === 0 ? scaled : { kind: "add", left: scaled, right: { kind: "number", value: zero } };
  return { ...of, term, unit, size: of.size + 2 };
}

function factorOf(of: Quantity): number | null {
  if (of.constant === null) return null;
  if (of.unit.dimension === "number") return of.constant;
  return of.unit.dimension === "ratio"
    ? Number(((of.constant * of.unit.num) / of.unit.den).toPrecision(15))
    : null;
}

/** Null: no such sum. A constant in kelvin beside a reading is a difference, but in `300 K - reading`. */
function shapeOfSum(left: Shape, right: Shape, op: "+" | "-"): Shape | null {
  if (left === "point") return right === "point" ? (op === "-" ? "difference" : null) : "point";
  if (right === "point") {
    if (op === "+") return "point";
    return left === "either" ? "difference" : null;
  }
  return left === "either" && right === "either" ? "either" : "difference";
}

/** A kelvin constant takes the shape that its place in the sum gives it, so that it is converted rightly. */
function settleShapes(left: Quantity, right: Quantity, op: "+" | "-"): [Quantity, Quantity] {
  const settledLeft: Shape =
    left.shape !== "either"
      ? left.shape
      : op === "-" && right.shape === "point"
        ? "point"
        : "difference";
  const settledRight: Shape = right.shape === "either" ? "difference" : right.shape;
  return [
    { ...left, shape: settledLeft },
    { ...right, shape: settledRight },
  ];
}

function sum(a: number, b: number, op: "+" | "-"): number {
  return Number((op === "+" ? a + b : a - b).toPrecision(15));
}
