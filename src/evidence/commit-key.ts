import { CborWriter } from "../codec/cbor/writer.js";
import type { Sha256 } from "./frame.js";
import { equalBytes } from "./merkle-proof.js";

/** At most so many commits without a signed one follow a key's checkpoint, or a signed one (ADR 0021). */
export const UNSIGNED_COMMITS_MAX = 16;

/** COSE_Key (RFC 9052 section 7, RFC 9053 section 7.2) of an Ed25519 public key: `{1: 1, -1: 6, -2: x}`, 40 bytes. */
export function encodeCommitKey(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== KEY_BYTES) {
    throw new RangeError(`evidence: an Ed25519 key of ${publicKey.length} bytes`);
  }
  const writer = new CborWriter(48);
  writer.map(3);
  writer.uint(LABEL.type);
  writer.uint(OKP);
  writer.int(LABEL.curve);
  writer.uint(ED25519);
  writer.int(LABEL.x);
  writer.bytes(publicKey);
  return writer.copy();
}

/** Its 32 bytes; null: not exactly what `encodeCommitKey` makes. */
export function readCommitKey(coseKey: Uint8Array): Uint8Array | null {
  const publicKey = coseKey.slice(-KEY_BYTES);
  if (publicKey.length !== KEY_BYTES) return null;
  return equalBytes(encodeCommitKey(publicKey), coseKey) ? publicKey : null;
}

/** What signed commits call the key by: the first 8 bytes of its thumbprint (RFC 9679). */
export function commitKeyId(coseKey: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(coseKey).slice(0, 8);
}

const KEY_BYTES = 32;
const LABEL = { type: 1, curve: -1, x: -2 } as const;
const OKP = 1;
const ED25519 = 6;
