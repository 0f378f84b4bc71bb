import type { CborKey, CborValue } from "../codec/cbor/value.js";
import { isCborList, isCborMap } from "../codec/cbor/value.js";
import { decodeSign1, encodeSign1, ES256, verifySign1 } from "../codec/cose/sign1.js";
import { encodeInclusion, readInclusion } from "./bundle.js";
import { readCheckpoint, type Checkpoint, type CheckpointClaim } from "./checkpoint.js";
import type { Sha256 } from "./frame.js";
import { inclusionRoot, type InclusionProof } from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";

/**
 * Receipt of inclusion (RFC 9942) of one entry: the checkpoint's own signature with the path to its root,
 * the payload detached, because a tool computes it from the entry.
 */
export function encodeReceipt({ sign1 }: Checkpoint, proof: InclusionProof): Uint8Array {
  const proofs = new Map<CborKey, CborValue>([[INCLUSION, [encodeInclusion(proof)]]]);
  return encodeSign1({
    protectedBytes: sign1.protectedBytes,
    unprotectedHeaders: new Map<CborKey, CborValue>([[PROOFS, proofs]]),
    payload: null,
    signature: sign1.signature,
  });
}

export type ReceiptCheck =
  | { readonly ok: true; readonly claim: CheckpointClaim; readonly proof: InclusionProof }
  | { readonly ok: false; readonly why: string };

/**
 * Checks a receipt over a leaf hash under one key, and, beyond RFC 9942, that the path is for the signed
 * tree size. That the index is the entry's own number is for the caller, who has the entry.
 */
export function checkReceipt(
  bytes: Uint8Array,
  leafHash: Uint8Array,
  by: {
    readonly spki: Uint8Array;
    readonly sha256: Sha256;
    readonly verifySignature: VerifySignature;
  },
): ReceiptCheck {
  const decoded = decodeSign1(bytes);
  if (!decoded.ok || decoded.sign1.payload !== null) return refuse("it is no receipt");
  const { sign1 } = decoded;
  const proof = readProof(sign1.unprotectedHeaders);
  if (proof === null) return refuse("it has not one inclusion proof");
  const payload = inclusionRoot(proof, leafHash, by.sha256);
  if (payload === null) return refuse("its path leads to no root");
  // What is signed is a checkpoint: the same headers are demanded of it.
  const whole = readCheckpoint(encodeSign1({ ...sign1, unprotectedHeaders: new Map(), payload }));
  if (!whole.ok) return refuse(whole.why);
  const { claim } = whole.checkpoint;
  if (proof.size !== claim.size) return refuse("its path is for another number of entries");
  const verify = (toBeSigned: Uint8Array, signature: Uint8Array): boolean =>
    by.verifySignature(by.spki, toBeSigned, signature);
  if (!verifySign1(sign1, { algorithm: ES256, verify, payload })) {
    return refuse("its signature does not verify");
  }
  return { ok: true, claim, proof };
}

/** COSE headers and proof types of RFC 9942. */
const PROOFS = 396;
const INCLUSION = -1;

function refuse(why: string): ReceiptCheck {
  return { ok: false, why };
}

function readProof(headers: ReadonlyMap<CborKey, CborValue>): InclusionProof | null {
  const proofs = headers.get(PROOFS);
  if (headers.size !== 1 || proofs === undefined || !isCborMap(proofs) || proofs.size !== 1) {
    return null;
  }
  const list = proofs.get(INCLUSION);
  if (list === undefined || !isCborList(list) || list.length !== 1) return null;
  const [bytes] = list;
  return bytes instanceof Uint8Array ? readInclusion(bytes) : null;
}
