import { decodeCbor } from "../codec/cbor/decode.js";
import { encodeCbor } from "../codec/cbor/encode.js";
import { isCborMap, type CborKey, type CborMap, type CborValue } from "../codec/cbor/value.js";
import { TIME_STAMP_BYTES_MAX } from "../codec/rfc3161/time-stamp.js";
import type { AnchorBody } from "../kernel/record/entry.js";
import { carryConsistency, encodeConsistency, readConsistency } from "./checkpoint.js";
import type { Checkpoint } from "./checkpoint.js";
import type { ConsistencyProof } from "./merkle-proof.js";
import { ANCHOR_KINDS } from "./numbers.js";

/** Outside evidence over the checkpoint of a bundle (evidence.cddl section 4, field 4; ADR 0019). */
export type Outside = {
  /**
   * The consistency proof that the checkpoint carries in the log: outside evidence is over the hash of the whole frame,
   * and the bundle's checkpoint may carry another proof or none. Null: it carries none in the log.
   */
  readonly proof: ConsistencyProof | null;
  /** Each as its entry in the log has it. */
  readonly anchors: readonly AnchorBody[];
};

/** A bundle brings no more of them. */
export const OUTSIDE_MAX = 16;
/** None is longer, nor is a proof: a time stamp and what is around it. */
const ITEM_BYTES_MAX = TIME_STAMP_BYTES_MAX + 256;
const FIELD = { kind: 1, token: 2, size: 3, signature: 4 } as const;

/** Byte strings of field 4: the proof, where there is one, then a map for each; all deterministic CBOR. */
export function encodeOutside({ proof, anchors }: Outside): readonly Uint8Array[] {
  const items = anchors.map(({ kind, token, size, signature }) => {
    const value = new Map<CborKey, CborValue>([
      [FIELD.kind, ANCHOR_KINDS.indexOf(kind)],
      [FIELD.token, token],
      [FIELD.size, size],
    ]);
    if (signature !== null) value.set(FIELD.signature, signature);
    return encodeCbor(value);
  });
  return proof === null ? items : [encodeConsistency(proof), ...items];
}

/** Exact inverse of {@link encodeOutside}; null: not of this version, or more or longer than may be. Never throws. */
export function readOutside(list: readonly Uint8Array[]): Outside | null {
  const [first] = list;
  const isShort = first !== undefined && first.length <= ITEM_BYTES_MAX;
  const proof = isShort ? readConsistency(first) : null;
  const items = proof === null ? list : list.slice(1);
  if (items.length === 0 || items.length > OUTSIDE_MAX) return null;
  const anchors = items.map(readAnchor).filter((anchor) => anchor !== null);
  return anchors.length === items.length ? { proof, anchors } : null;
}

/** Exact bytes of the frame that the checkpoint has in the log. */
export function bytesInLog(checkpoint: Checkpoint, { proof }: Outside): Uint8Array {
  return carryConsistency(checkpoint, proof);
}

function readAnchor(bytes: Uint8Array): AnchorBody | null {
  if (bytes.length > ITEM_BYTES_MAX) return null;
  const decoded = decodeCbor(bytes);
  return decoded.ok && isCborMap(decoded.value) ? readFields(decoded.value) : null;
}

function readFields(fields: CborMap): AnchorBody | null {
  const number = fields.get(FIELD.kind);
  const kind = typeof number === "number" ? ANCHOR_KINDS[number] : undefined;
  const [token, size] = [fields.get(FIELD.token), fields.get(FIELD.size)];
  const last = fields.get(FIELD.signature);
  const signature = last instanceof Uint8Array ? last : null;
  if (fields.size !== (signature === null ? 3 : 4) || kind === undefined) return null;
  if (!(token instanceof Uint8Array) || typeof size !== "number" || size < 0) return null;
  return { type: "anchor", kind, token, size, signature };
}
