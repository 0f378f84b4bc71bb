import { createHash, createPrivateKey, createPublicKey, generateKeyPair, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Signer } from "../../guard/ports.js";

/**
 * A P-256 key in a file (PKCS #8 PEM, 0600), made when there is none. It proves that whoever could read the
 * file signed, not which machine did: everything that shows it says `software`. Rejects with one line for
 * people when the file is no such key, or is readable by others.
 */
export async function openFileSigner(path: string): Promise<Signer> {
  const privateKey = await readKey(path);
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return {
    kind: "file",
    spki,
    kid: createHash("sha256").update(spki).digest(),
    raise: null,
    sign: async (bytes) =>
      await new Promise<Uint8Array>((resolve, reject) => {
        sign(
          "sha256",
          bytes,
          { key: privateKey, dsaEncoding: "ieee-p1363" },
          (error, signature) => {
            if (error === null) resolve(signature);
            else reject(error);
          },
        );
      }),
  };
}

async function readKey(path: string): Promise<KeyObject> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      return await makeKey(path);
    throw error;
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new Error(
      `${path} can be read by others than its owner: chmod 600 it, or make a new key`,
    );
  }
  const key = parseKey(text);
  if (key?.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new Error(`${path} is not a P-256 private key in PEM form`);
  }
  return key;
}

function parseKey(text: string): KeyObject | null {
  try {
    return createPrivateKey(text);
  } catch {
    return null;
  }
}

/** A key that a checkpoint was signed with must not be lost by a crash: synced before its first use. */
async function makeKey(path: string): Promise<KeyObject> {
  const privateKey = await new Promise<KeyObject>((resolve, reject) => {
    generateKeyPair("ec", { namedCurve: "P-256" }, (error, _publicKey, made) => {
      if (error === null) resolve(made);
      else reject(error);
    });
  });
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unfinished = `${path}.tmp`;
  const file = await open(unfinished, "w", 0o600);
  try {
    await chmod(unfinished, 0o600);
    await file.writeFile(privateKey.export({ type: "pkcs8", format: "pem" }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return privateKey;
}
