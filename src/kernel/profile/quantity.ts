import { decodeRaw, encodeRaw, scaleDown, scaleUp, wordCount } from "../image/scaling.js";
import type { Raw } from "../units.js";
import type { Address, Output, RawFormat, Scaling, ValueKind } from "./model.js";

/** The raw values one tag can take, as numbers and in order. */
export type Quantity = {
  /** Engineering value; 0 or 1 for a BOOL; the number of a state. NaN: not a value of this tag. */
  readonly valueOf: (raw: Raw) => number;
  /** `a` minus `b` in engineering units, taken between the raw numbers: whole raw steps lose nothing. */
  readonly difference: (a: Raw, b: Raw) => number;
  /** Place of a raw value in the order of the numbers the format holds; neighbours differ by 1. */
  readonly ordinalOf: (raw: Raw) => number;
  readonly rawAt: (ordinal: number) => Raw;
  readonly least: number;
  readonly most: number;
  /** Place nearest to an engineering value, inside the format. */
  readonly ordinalNear: (value: number) => number;
  /** False where the scale is turned round: a larger raw number means a smaller value. */
  readonly rising: boolean;
};

type Tag = Pick<Output, "kind" | "states" | "scaling"> & { readonly at: Address };

export function buildQuantity(tag: Tag): Quantity {
  const { at, scaling } = tag;
  const decode = (raw: Raw): number => decodeRaw(at.format, at.order, raw);
  const [least, most] = ordinalSpan(at.format);
  const toOrdinal = at.format === "f32" ? floatOrdinal : (value: number): number => value;
  const fromOrdinal = at.format === "f32" ? floatAt : (ordinal: number): number => ordinal;
  const rawAt = (ordinal: number): Raw =>
    encodeRaw(at.format, at.order, fromOrdinal(Math.min(most, Math.max(least, ordinal)))) ?? 0;
  return {
    valueOf: valueReader(tag.kind, tag.states, (raw) => scaleUp(scaling, decode(raw)), decode),
    difference: (a, b) => stretch(scaling, decode(a) - decode(b)),
    ordinalOf: (raw) => toOrdinal(decode(raw)),
    rawAt,
    least,
    most,
    ordinalNear: (value) => {
      const exact = scaleDown(scaling, value);
      const ordinal = toOrdinal(at.format === "f32" ? nearestFloat(exact) : Math.round(exact));
      return Math.min(most, Math.max(least, ordinal));
    },
    rising: scaling === null || stretch(scaling, 1) > 0,
  };
}

function valueReader(
  kind: ValueKind,
  states: ReadonlyMap<number, string>,
  scaled: (raw: Raw) => number,
  decode: (raw: Raw) => number,
): (raw: Raw) => number {
  switch (kind) {
    case "number":
      return scaled;
    case "bool":
      return (raw) => (raw === 0 || raw === 1 ? raw : NaN);
    case "state":
      return (raw) => {
        const number = decode(raw);
        return states.has(number) ? number : NaN;
      };
  }
}

function stretch(scaling: Scaling | null, difference: number): number {
  if (scaling === null) return difference;
  return (difference * (scaling.euHigh - scaling.euLow)) / (scaling.rawHigh - scaling.rawLow);
}

const FLOAT_MOST = (2 - 2 ** -23) * 2 ** 127;

function ordinalSpan(format: RawFormat): readonly [number, number] {
  if (format === "bit") return [0, 1];
  if (format === "f32") return [-floatOrdinal(FLOAT_MOST), floatOrdinal(FLOAT_MOST)];
  const span = wordCount(format) === 1 ? 0x10000 : 0x100000000;
  return format === "i16" || format === "i32" ? [-span / 2, span / 2 - 1] : [0, span - 1];
}

function nearestFloat(value: number): number {
  return Math.fround(Math.min(FLOAT_MOST, Math.max(-FLOAT_MOST, value)));
}

/** The bits of a float without its sign count up with its size: both zeros become 0. */
function floatOrdinal(value: number): number {
  const size = encodeRaw("f32", "ABCD", Math.abs(value));
  if (size === null) return NaN;
  return value < 0 ? -size : size;
}

function floatAt(ordinal: number): number {
  const size = decodeRaw("f32", "ABCD", Math.abs(ordinal));
  return ordinal < 0 ? -size : size;
}
