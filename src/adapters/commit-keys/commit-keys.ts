import { generateKeyPair, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { CommitKey, CommitKeys } from "../../guard/ports.js";

/** Ed25519 keys in this process's memory alone: nothing writes one down, and none is exported. */
export function openCommitKeys(): CommitKeys {
  return {
    make: async () =>
      await new Promise<CommitKey>((resolve, reject) => {
        generateKeyPair("ed25519", {}, (error, publicKey, privateKey) => {
          if (error === null) resolve(holdKey(publicKey, privateKey));
          else reject(error);
        });
      }),
  };
}

/** SubjectPublicKeyInfo of Ed25519 ends with the key itself (RFC 8410 section 4). */
const KEY_BYTES = 32;

function holdKey(publicKey: KeyObject, privateKey: KeyObject): CommitKey {
  // OpenSSL clears the key when the collector frees the last reference: this is the only one.
  const held: { key: KeyObject | null } = { key: privateKey };
  const keyNow = (): KeyObject => {
    if (held.key === null) throw new Error("the commit key was dropped");
    return held.key;
  };
  return {
    publicKey: new Uint8Array(
      publicKey.export({ type: "spki", format: "der" }).subarray(-KEY_BYTES),
    ),
    sign: async (bytes) =>
      await new Promise<Uint8Array>((resolve, reject) => {
        sign(null, bytes, keyNow(), (error, signature) => {
          if (error === null) resolve(signature);
          else reject(error);
        });
      }),
    signNow: (bytes) => sign(null, bytes, keyNow()),
    drop: () => {
      held.key = null;
    },
  };
}
