import { createPublicKey, verify as verifyWithKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hex } from "../evidence/hex.js";
import type { VerifySignature } from "../evidence/verify-checkpoints.js";
import type { VerifyCommit } from "../evidence/verify-commits.js";
import { sha256 } from "./evidence-files.js";
import { Refusal } from "./output.js";

/** Keys are parsed once. Anything that is no P-256 key verifies nothing. */
export function signatureVerifier(): VerifySignature {
  const keys = new Map<string, KeyObject | null>();
  return (spki, bytes, signature) => {
    const name = hex(sha256(spki));
    let key = keys.get(name);
    if (key === undefined) {
      key = parseKey(spki);
      keys.set(name, key);
    }
    if (key === null) return false;
    return verifyWithKey("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature);
  };
}

function parseKey(spki: Uint8Array): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    return key.asymmetricKeyDetails?.namedCurve === "prime256v1" ? key : null;
  } catch {
    return null;
  }
}

/** Ed25519 by a key of 32 bytes; the newest key is kept, as the next signatures are by the same. */
export function commitVerifier(): VerifyCommit {
  const newest: { name: string; key: KeyObject | null } = { name: "", key: null };
  return (publicKey, bytes, signature) => {
    const name = hex(publicKey);
    if (newest.name !== name) {
      newest.name = name;
      newest.key = parseEd25519(publicKey);
    }
    return newest.key !== null && verifyWithKey(null, bytes, newest.key, signature);
  };
}

function parseEd25519(publicKey: Uint8Array): KeyObject | null {
  try {
    const key = Buffer.concat([ED25519_HEAD, publicKey]);
    return createPublicKey({ key, format: "der", type: "spki" });
  } catch {
    return null;
  }
}

/** SubjectPublicKeyInfo of Ed25519 up to the key (RFC 8410 section 4). */
const ED25519_HEAD = Buffer.from("302a300506032b6570032100", "hex");

/** Whom a file names: keys of which one must have signed, or root certificates that must vouch for whichever did. */
export type Trust =
  | { readonly kind: "keys"; readonly spkis: readonly Uint8Array[] }
  | { readonly kind: "roots"; readonly certificates: readonly Uint8Array[] };

/** A public key (DER), or one or more of them or of certificates (PEM). */
export async function readTrust(path: string): Promise<Trust> {
  const bytes = await readNamed(path);
  const text = bytes.toString("latin1");
  const blocks = text.match(CERTIFICATE_BLOCK);
  if (blocks === null) {
    const keys = text.match(PUBLIC_KEY_BLOCK) ?? [bytes];
    return { kind: "keys", spkis: keys.map((key) => parsePublicKey(Buffer.from(key), path)) };
  }
  try {
    const certificates = blocks.map((block) => new Uint8Array(new X509Certificate(block).raw));
    return { kind: "roots", certificates };
  } catch {
    throw new Refusal(`${path}: holds a certificate that cannot be read`, 2);
  }
}

/** For a log, whose keys no certificate vouches for. */
export async function readPublicKeys(path: string): Promise<readonly Uint8Array[]> {
  const trust = await readTrust(path);
  if (trust.kind === "keys") return trust.spkis;
  throw new Refusal(
    `${path}: certificates vouch for the key of a bundle; for a log, name the public key itself`,
    2,
  );
}

function parsePublicKey(bytes: Buffer, path: string): Uint8Array {
  try {
    const isPem = bytes.subarray(0, 10).toString("latin1") === "-----BEGIN";
    const key = createPublicKey(isPem ? bytes : { key: bytes, format: "der", type: "spki" });
    return key.export({ type: "spki", format: "der" });
  } catch {
    throw new Refusal(
      `${path}: not a public key in PEM or DER (SPKI) form, nor root certificates in PEM`,
      2,
    );
  }
}

/** A file that a person named. */
export async function readNamed(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch {
    throw new Refusal(`${path}: there is no such file that can be read`, 2);
  }
}

const PUBLIC_KEY_BLOCK = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g;
const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
