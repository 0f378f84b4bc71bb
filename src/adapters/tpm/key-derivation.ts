import { createHash, createHmac } from "node:crypto";
import { kdfAInput, kdfEInput } from "../../codec/tpm2/kdf.js";

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(bytes).digest();
}

/** KDFa with SHA-256, one block: 256 bits. */
export function kdfA(
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
): Uint8Array {
  return hmacSha256(key, kdfAInput(label, contextU, contextV, BITS));
}

/** KDFe with SHA-256, one block: 256 bits. `z` is the shared x. */
export function kdfE(
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
): Uint8Array {
  return sha256(kdfEInput(z, label, partyU, partyV));
}

const BITS = 256;
