import { SIZE } from "./constant.js";

/** Endorsement keys whose certificates are looked for: RSA of 2,048 bits, and P-256. */
export type EndorsementKind = "rsa" | "ecc";

/** NV indices of their certificates (TCG EK Credential Profile for TPM 2.0, 2.2.1.4: low range). */
export const CERTIFICATE_INDEX: Readonly<Record<EndorsementKind, number>> = {
  rsa: 0x01c00002,
  ecc: 0x01c0000a,
};

/**
 * The one DER structure that an NV index holds, at most {@link SIZE.certificate} bytes with what follows it. Null unless
 * it is a SEQUENCE that begins at the first byte, with its length in the only form that DER has for it, all of it there
 * and nothing but zeros behind: makers fill an index up with them. Says nothing of what is in it. Never throws.
 */
export function cutCertificate(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length > SIZE.certificate || bytes[0] !== SEQUENCE) return null;
  const end = endOf(bytes);
  if (end === null || end > bytes.length) return null;
  return bytes.subarray(end).every((byte) => byte === 0) ? bytes.slice(0, end) : null;
}

const SEQUENCE = 0x30;
/** First byte of a length: below it, the length itself; above it, how many bytes of it follow (X.690, 8.1.3). */
const LONG_FORM = 0x80;
/** More would be longer than any index. */
const LENGTH_BYTES_MAX = 2;

/** Null: a length that is not there, is none of DER or has more bytes than {@link LENGTH_BYTES_MAX}. */
function endOf(bytes: Uint8Array): number | null {
  const first = bytes[1];
  if (first === undefined) return null;
  if (first < LONG_FORM) return 2 + first;
  const count = first - LONG_FORM;
  if (count < 1 || count > LENGTH_BYTES_MAX || bytes.length < 2 + count) return null;
  const length = bytes.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  const least = count === 1 ? LONG_FORM : 256;
  return length < least ? null : 2 + count + length;
}
