import { createHash, createHmac } from "node:crypto";
import { TpmWriter } from "../../codec/tpm2/writer.js";

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(bytes).digest();
}

/** KDFa with SHA-256 (Library Part 1, 11.4.10.2, after SP 800-108 in counter mode), one block: 256 bits. */
export function kdfA(
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
): Uint8Array {
  const text = new TpmWriter().u32(1).raw(labelOf(label)).raw(contextU).raw(contextV).u32(BITS);
  return hmacSha256(key, text.done());
}

/** KDFe with SHA-256 (Library Part 1, 11.4.10.3, after SP 800-56A), one block: 256 bits. `z` is the shared x. */
export function kdfE(
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
): Uint8Array {
  return sha256(new TpmWriter().u32(1).raw(z).raw(labelOf(label)).raw(partyU).raw(partyV).done());
}

const BITS = 256;

/** With its terminating zero. */
function labelOf(label: string): Uint8Array {
  return Buffer.from(`${label}\0`, "ascii");
}
