import type { Address, ByteOrder, RawFormat, Scaling } from "../profile/model.js";
import type { Raw } from "../units.js";

/**
 * Raw words to the engineering value they mean. NaN when they mean none: not an unsigned integer of the
 * format's width, or an f32 that is NaN or infinite. Never infinite, never minus zero.
 * `order` is that of the four bytes of a 32-bit value; narrower formats are as Modbus sends them.
 */
export function toEngineering(
  format: RawFormat,
  order: ByteOrder,
  scaling: Scaling | null,
  raw: Raw,
): number {
  return scaleUp(scaling, decodeRaw(format, order, raw));
}

/**
 * Engineering value to the raw words nearest to it. Refused when that lies outside the format, or when
 * rounding moves the value more than half a raw step (NaN and infinities always do).
 */
export function toRaw(
  at: Address,
  scaling: Scaling | null,
  value: number,
): { readonly ok: true; readonly raw: Raw } | { readonly ok: false } {
  const exact = scaleDown(scaling, value);
  if (!Number.isFinite(exact)) return { ok: false };
  const rounded = at.format === "f32" ? Math.fround(exact) : Math.round(exact);
  if (at.format !== "f32" && Math.abs(rounded - exact) > 0.5) return { ok: false };
  const raw = encodeRaw(at.format, at.order, rounded);
  return raw === null ? { ok: false } : { ok: true, raw };
}

/** Raw words to the number they hold, before scaling; NaN when they hold none. */
export function decodeRaw(format: RawFormat, order: ByteOrder, raw: Raw): number {
  if (!Number.isInteger(raw) || raw < 0 || raw > largestRaw(format)) return NaN;
  switch (format) {
    case "bit":
    case "u16":
      return raw;
    case "i16":
      return raw > 0x7fff ? raw - 0x10000 : raw;
    case "u32":
      return reorder(order, raw);
    case "i32":
      return reorder(order, raw) | 0;
    case "f32":
      return floatFromBits(reorder(order, raw));
  }
}

/** A number to raw words; null when the format cannot hold exactly this number. */
export function encodeRaw(format: RawFormat, order: ByteOrder, value: number): Raw | null {
  if (format === "f32") {
    if (!Number.isFinite(value) || Math.fround(value) !== value) return null;
    return reorder(order, bitsFromFloat(value));
  }
  const signed = format === "i16" || format === "i32";
  const span = largestRaw(format) + 1;
  const low = signed ? -span / 2 : 0;
  if (!Number.isInteger(value) || value < low || value >= low + span) return null;
  const raw = value < 0 ? value + span : value + 0;
  return span > 0x10000 ? reorder(order, raw) : raw;
}

/** Straight line through the two points; whole raw steps give the exact double wherever there is one. */
export function scaleUp(scaling: Scaling | null, value: number): number {
  if (scaling === null) return value + 0;
  const { rawLow, rawHigh, euLow, euHigh } = scaling;
  return ((value - rawLow) * (euHigh - euLow)) / (rawHigh - rawLow) + euLow + 0;
}

/** The inverse of {@link scaleUp}. */
export function scaleDown(scaling: Scaling | null, value: number): number {
  if (scaling === null) return value;
  const { rawLow, rawHigh, euLow, euHigh } = scaling;
  return ((value - euLow) * (rawHigh - rawLow)) / (euHigh - euLow) + rawLow;
}

export function wordCount(format: RawFormat): 1 | 2 {
  return format === "u32" || format === "i32" || format === "f32" ? 2 : 1;
}

/** Raw value at `offset` of registers (or bits as 0 and 1) as read; null when it is not all there. */
export function rawFromWords(
  words: readonly number[],
  offset: number,
  format: RawFormat,
): Raw | null {
  const first = words[offset];
  if (first === undefined || !isWithin(first, format === "bit" ? 1 : 0xffff)) return null;
  if (wordCount(format) === 1) return first;
  const second = words[offset + 1];
  return second === undefined || !isWithin(second, 0xffff) ? null : first * 0x10000 + second;
}

/** Registers that carry a raw value, in wire order. */
export function wordsFromRaw(raw: Raw, format: RawFormat): number[] {
  return wordCount(format) === 1 ? [raw] : [Math.floor(raw / 0x10000), raw % 0x10000];
}

function isWithin(value: number, largest: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= largest;
}

function largestRaw(format: RawFormat): number {
  if (format === "bit") return 1;
  return wordCount(format) === 1 ? 0xffff : 0xffffffff;
}

/** Wire order to ABCD and back: each of the four orders is its own inverse. */
function reorder(order: ByteOrder, raw: number): number {
  switch (order) {
    case "ABCD":
      return raw;
    case "CDAB":
      return ((raw << 16) | (raw >>> 16)) >>> 0;
    case "BADC":
      return (((raw & 0x00ff00ff) << 8) | ((raw >>> 8) & 0x00ff00ff)) >>> 0;
    case "DCBA":
      return reorder("CDAB", reorder("BADC", raw));
  }
}

/** IEEE 754 binary32, exactly: a double holds every one of them. */
function floatFromBits(bits: number): number {
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0xff) return NaN;
  const fraction = bits & 0x7fffff;
  const magnitude =
    exponent === 0 ? fraction * 2 ** -149 : (fraction + 0x800000) * 2 ** (exponent - 150);
  return bits >= 0x80000000 ? -magnitude : magnitude;
}

function bitsFromFloat(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}
