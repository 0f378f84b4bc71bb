import { ALGORITHM } from "./constant.js";
import { takeCoordinate } from "./public-area.js";
import type { TpmReader } from "./reader.js";

/** TPMT_SIGNATURE of ECDSA with SHA-256 (Library Part 2, 11.3.4) as 64 bytes r || s. A TPM's s may be high. */
export function takeSignature(reader: TpmReader): Uint8Array {
  reader.expect(2, ALGORITHM.ecdsa);
  reader.expect(2, ALGORITHM.sha256);
  const signature = new Uint8Array(64);
  signature.set(takeCoordinate(reader), 0);
  signature.set(takeCoordinate(reader), 32);
  return signature;
}
