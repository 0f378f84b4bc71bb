import type { CborWriter } from "../codec/cbor/writer.js";
import { ENTRY_TYPES, type Entry } from "../kernel/record/entry.js";
import { putBody } from "./encode-body.js";
import { HASH_BYTES, ID_BYTES, putFixed } from "./encode-decision.js";
import { numberOf } from "./numbers.js";
import type { Stamp } from "./stamp.js";

const VERSION = 1;

/**
 * Appends one entry as core-deterministic CBOR (evidence.cddl section 2) to `writer`: the bytes whose hash
 * is the Merkle leaf. `prev` is the leaf hash of the entry before, 32 zero bytes for seq 0. Throws RangeError
 * for what the format cannot hold exactly (a fraction where an integer stands, a word without a number,
 * more than 512 bytes as received): such an entry is a bug of ours and must stop permits.
 */
export function encodeEntry(
  writer: CborWriter,
  entry: Entry,
  prev: Uint8Array,
  stamp: Stamp,
): void {
  writer.map(entry.cause === null ? 6 : 7);
  writer.uint(1);
  writer.uint(VERSION);
  writer.uint(2);
  writer.uint(entry.seq);
  writer.uint(3);
  putFixed(writer, prev, HASH_BYTES);
  writer.uint(4);
  writer.uint(numberOf(ENTRY_TYPES, entry.body.type));
  writer.uint(5);
  writer.array(5);
  writer.uint(stamp.utcUs);
  writer.uint(entry.monoUs);
  putFixed(writer, stamp.bootId, ID_BYTES);
  writer.uint(stamp.boot);
  writer.uint(stamp.quality);
  writer.uint(6);
  putBody(writer, entry.body);
  if (entry.cause !== null) {
    writer.uint(7);
    writer.uint(entry.cause);
  }
}
