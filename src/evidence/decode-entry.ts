import { CborReader, type CborFault } from "../codec/cbor/reader.js";
import { ENTRY_TYPES, type Entry, type EntryType } from "../kernel/record/entry.js";
import { takeBody } from "./decode-body.js";
import { takeId, takeHash } from "./decode-parts.js";
import type { Stamp } from "./stamp.js";

export type ReadEntry = { readonly entry: Entry; readonly prev: Uint8Array; readonly stamp: Stamp };

export type EntryRead =
  | ({ readonly ok: true } & ReadEntry)
  /** `what`: where in the entry; the offset counts from the start of `bytes`. */
  | { readonly ok: false; readonly fault: CborFault };

/**
 * The exact inverse of `encodeEntry`: accepts only bytes it could have written. Hostile input is expected:
 * never throws, and copies what it keeps.
 */
export function decodeEntry(bytes: Uint8Array, start = 0, end: number = bytes.length): EntryRead {
  const reader = new CborReader(bytes, start, end);
  const { seq, prev, type } = takeHead(reader);
  reader.key(5);
  const { monoUs, stamp } = takeStamp(reader);
  reader.key(6);
  const body = type === null ? null : takeBody(reader, type);
  if (body === null) reader.fail("range");
  const cause = reader.has(7) ? reader.uint() : null;
  reader.close();
  if (!reader.finish() || body === null) {
    return { ok: false, fault: reader.fault ?? { code: "range", offset: start } };
  }
  return { ok: true, entry: { seq, monoUs, cause, body }, prev, stamp };
}

/** Type of the entry in these bytes, by its head alone: what comes after it may be anything. Null: no entry's head. */
export function peekType(bytes: Uint8Array, start: number, end: number): EntryType | null {
  const reader = new CborReader(bytes, start, end);
  const { type } = takeHead(reader);
  return reader.failed() ? null : type;
}

/** Quicker than {@link peekType}, by one byte alone: false where an entry that begins here is of another type. */
export function mayBeOfType(bytes: Uint8Array, start: number, type: EntryType): boolean {
  // Heads of the map, two keys and the version; seq; a key; the hash with its head of two; a key; the type.
  const at = start + 4;
  return bytes[at + uintBytes(bytes[at] ?? 0) + 36] === ENTRY_TYPES.indexOf(type);
}

/** Length of an unsigned integer that begins with this byte. */
function uintBytes(head: number): number {
  return head < 0x18 || head > 0x1b ? 1 : 1 + 2 ** (head - 0x18);
}

type Head = {
  readonly seq: number;
  readonly prev: Uint8Array;
  /** Null: a number that stands for none. */
  readonly type: EntryType | null;
};

function takeHead(reader: CborReader): Head {
  reader.open();
  reader.key(1);
  if (reader.uint() !== 1) reader.fail("range");
  reader.key(2);
  const seq = reader.uint();
  reader.key(3);
  const prev = takeHash(reader);
  reader.key(4);
  return { seq, prev, type: ENTRY_TYPES[reader.uint()] ?? null };
}

function takeStamp(reader: CborReader): { readonly monoUs: number; readonly stamp: Stamp } {
  reader.array(5);
  const utcUs = reader.uint();
  const monoUs = reader.uint();
  const bootId = takeId(reader);
  const boot = reader.uint();
  const quality = QUALITIES[reader.uint()];
  if (quality === undefined) reader.fail("range");
  return { monoUs, stamp: { utcUs, bootId, boot, quality: quality ?? 0 } };
}

const QUALITIES = [0, 1, 2, 3] as const;
