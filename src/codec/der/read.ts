/** One value: its tag, and what it holds. */
export type DerValue = { readonly tag: number; readonly value: Uint8Array };
/** Values one behind another; `at`: how far they are taken. */
export type DerInside = { readonly bytes: Uint8Array; readonly length: number; at: number };

/** Tags of ASN.1 (X.690 section 8.1.2) as far as they are read here. */
export const DER_TAG = {
  integer: 0x02,
  octets: 0x04,
  object: 0x06,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
} as const;

/** One value that is all there is. */
export function whole(bytes: Uint8Array): DerValue | null {
  const inside: DerInside = { bytes, length: bytes.length, at: 0 };
  const value = take(inside);
  return inside.at === bytes.length ? value : null;
}

/** What stands inside a value of this tag; null: it is of another. */
export function enter(value: DerValue | null, tag: number): DerInside | null {
  if (value?.tag !== tag) return null;
  return { bytes: value.value, length: value.value.length, at: 0 };
}

/** The one value inside. */
export function enterOnly(value: DerValue | null, tag: number): DerValue | null {
  return value?.tag === tag ? whole(value.value) : null;
}

/** The next value (X.690 sections 8.1 and 10.1): definite lengths in their shortest form, tags of one byte. */
export function take(inside: DerInside | null): DerValue | null {
  if (inside === null || inside.at + 2 > inside.length) return null;
  const { bytes } = inside;
  const tag = bytes[inside.at] ?? 0;
  const extent = readLength(bytes, inside.at + 1);
  if ((tag & 0x1f) === 0x1f || extent === null) return null;
  const { from, length } = extent;
  if (from + length > inside.length) return null;
  inside.at = from + length;
  return { tag, value: bytes.slice(from, from + length) };
}

function readLength(
  bytes: Uint8Array,
  at: number,
): { readonly from: number; readonly length: number } | null {
  const short = bytes[at] ?? 0;
  if (short < 0x80) return { from: at + 1, length: short };
  const more = short - 0x80;
  if (more === 0 || more > 2) return null;
  const high = bytes[at + 1] ?? 0;
  const length = more === 1 ? high : high * 256 + (bytes[at + 2] ?? 0);
  return length < (more === 1 ? 0x80 : 0x100) ? null : { from: at + 1 + more, length };
}

/** `identifier`: the object identifier's content bytes, in hexadecimal. */
export function isObject(value: DerValue | null, identifier: string): boolean {
  if (value?.tag !== DER_TAG.object) return false;
  const digits = Array.from(value.value, (byte) => byte.toString(16).padStart(2, "0"));
  return digits.join("") === identifier;
}
