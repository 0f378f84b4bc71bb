import type { EccPublic } from "./public-area.js";

/** SubjectPublicKeyInfo (DER, RFC 5480 section 2) of a P-256 key, its point uncompressed. */
export function spkiOf({ x, y }: Pick<EccPublic, "x" | "y">): Uint8Array {
  return Uint8Array.from([...P256_PREFIX, UNCOMPRESSED, ...x, ...y]);
}

/** SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 66 bytes }, up to the point. */
const P256_PREFIX = [
  ...[0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00],
];
const UNCOMPRESSED = 0x04;
