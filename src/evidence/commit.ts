import { CborReader } from "../codec/cbor/reader.js";
import { CborWriter } from "../codec/cbor/writer.js";

/** Body of a commit frame: the root of everything before it in the log, 58 20 || root. */
export function encodeCommit(root: Uint8Array): Uint8Array {
  const writer = new CborWriter(34);
  writer.bytes(root);
  return writer.copy();
}

/** Null: not a root. */
export function readCommit(body: Uint8Array): Uint8Array | null {
  const reader = new CborReader(body);
  const root = reader.bytes(32, 32);
  return reader.finish() ? root : null;
}
