import { isCborList, isCborMap, type CborKey, type CborMap, type CborValue } from "./value.js";
import { CborWriter } from "./writer.js";

/**
 * Any value in core-deterministic form (RFC 8949 section 4.2.1): map keys are sorted bytewise by their
 * encoding, whatever order the map has. Throws RangeError for what `CborWriter` refuses, and for nesting
 * deeper than 32.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new CborWriter(256);
  putValue(writer, value, 0);
  return writer.copy();
}

/** The same into a writer that is in use. */
export function putCbor(writer: CborWriter, value: CborValue): void {
  putValue(writer, value, 0);
}

const DEPTH_MAX = 32;

function putValue(writer: CborWriter, value: CborValue, depth: number): void {
  if (depth > DEPTH_MAX) throw new RangeError("CBOR: nested too deeply");
  if (value === null) writer.null();
  else if (typeof value === "number") writer.int(value);
  else if (typeof value === "string") writer.text(value);
  else if (typeof value === "boolean") writer.bool(value);
  else if (typeof value === "bigint") writer.bigint(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else if (isCborList(value)) {
    writer.array(value.length);
    for (const item of value) putValue(writer, item, depth + 1);
  } else if (isCborMap(value)) putMap(writer, value, depth);
  else {
    writer.tag(value.tag);
    putValue(writer, value.value, depth + 1);
  }
}

function putMap(writer: CborWriter, map: CborMap, depth: number): void {
  const entries = [...map].map(([key, value]) => ({ key: encodeKey(key), value }));
  entries.sort((a, b) => compareBytes(a.key, b.key));
  writer.map(entries.length);
  for (const { key, value } of entries) {
    writer.encoded(key);
    putValue(writer, value, depth + 1);
  }
}

function encodeKey(key: CborKey): Uint8Array {
  const writer = new CborWriter(16);
  if (typeof key === "number") writer.int(key);
  else writer.text(key);
  return writer.copy();
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
