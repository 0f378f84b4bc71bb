/**
 * The CBOR data this project exchanges, as plain values. There are no floats, no undefined, no simple
 * values but true, false and null. Integers outside the safe range are bigints, and only those are.
 */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | CborMap
  | CborTagged;

export type CborMap = ReadonlyMap<CborKey, CborValue>;
export type CborKey = number | string;
export type CborTagged = { readonly tag: number; readonly value: CborValue };

export function isCborList(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

export function isCborMap(value: CborValue): value is CborMap {
  return value instanceof Map;
}
