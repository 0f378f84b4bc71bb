import { createPublicKey, verify as verifyWithKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hex } from "../evidence/hex.js";
import type { VerifySignature } from "../evidence/verify-checkpoints.js";
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

export async function readPublicKey(path: string): Promise<Uint8Array> {
  const bytes = await readNamed(path);
  try {
    const isPem = bytes.subarray(0, 10).toString("latin1") === "-----BEGIN";
    const key = createPublicKey(isPem ? bytes : { key: bytes, format: "der", type: "spki" });
    return key.export({ type: "spki", format: "der" });
  } catch {
    throw new Refusal(`${path}: not a public key in PEM or DER (SPKI) form`, 2);
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
