import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeKeyBundle } from "../../src/evidence/bundle.js";
import type { VerifySignature } from "../../src/evidence/verify-checkpoints.js";
import type { VerifyCommit } from "../../src/evidence/verify-commits.js";

export { sha256 };

/**
 * ECDSA with SHA-256 on P-256, r then s. Any s counts: a TPM does not choose the lower one. False for anything that is
 * no such key or no such signature.
 */
export const verifySignature: VerifySignature = (spki, bytes, signature) => {
  const point = readPoint(spki);
  if (point === null || signature.length !== SIGNATURE_BYTES) return false;
  try {
    return p256.verify(signature, bytes, point, { lowS: false, format: "compact" });
  } catch {
    return false;
  }
};

/** Ed25519 as RFC 8032 has it: no other encodings of points than the one. */
export const verifyCommit: VerifyCommit = (publicKey, bytes, signature) => {
  try {
    return ed25519.verify(signature, bytes, publicKey, { zip215: false });
  } catch {
    return false;
  }
};

export type KeysRead =
  | { readonly ok: true; readonly spkis: readonly Uint8Array[] }
  | { readonly ok: false; readonly why: string };

/**
 * A file that says whose signature is expected: a public key (DER), one or more of them (PEM), or a key bundle. Unless all of
 * them can be read, none is taken. Never throws.
 */
export function readKeyFile(bytes: Uint8Array): KeysRead {
  if (bytes.length > KEY_FILE_BYTES_MAX) return { ok: false, why: NO_KEY };
  const text = String.fromCharCode(...bytes);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return { ok: false, why: CERTIFICATES };
  const blocks = [...text.matchAll(PEM)].map(([, base64 = ""]) => decodeBase64(base64));
  const read = blocks.length === 0 ? [decodeKeyBundle(bytes)?.spki ?? bytes] : blocks;
  const spkis = read.flatMap((spki) => (spki === null || readPoint(spki) === null ? [] : [spki]));
  return spkis.length === read.length ? { ok: true, spkis } : { ok: false, why: NO_KEY };
}

const NO_KEY = "no public key on P-256, in PEM or DER (SPKI) form, and no key bundle";
const CERTIFICATES =
  "certificates, which this page does not read; holdpoint evidence verify BUNDLE --trust FILE does";
const KEY_FILE_BYTES_MAX = 65_536;
const PEM = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/g;
const SIGNATURE_BYTES = 64;

/** SubjectPublicKeyInfo of P-256 up to the point (RFC 5480 section 2), as whole and as compressed point. */
const HEADS: readonly (readonly number[])[] = [
  [0x30, 0x59, 0x30, 0x13, ...curve(), 0x03, 0x42, 0x00],
  [0x30, 0x39, 0x30, 0x13, ...curve(), 0x03, 0x22, 0x00],
];

function curve(): readonly number[] {
  const ecPublicKey = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
  return [...ecPublicKey, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
}

/** Null: no key of this curve. */
function readPoint(spki: Uint8Array): Uint8Array | null {
  for (const head of HEADS) {
    if (spki.length !== (spki[1] ?? 0) + 2 || !head.every((byte, i) => spki[i] === byte)) continue;
    const point = spki.slice(head.length);
    try {
      p256.Point.fromBytes(point);
      return point;
    } catch {
      return null;
    }
  }
  return null;
}

function decodeBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.replaceAll(/\s/g, "")), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}
