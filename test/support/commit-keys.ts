import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { commitVerifier } from "../../src/cli/evidence-keys.js";
import { hex } from "../../src/evidence/hex.js";
import type { CommitKey, CommitKeys } from "../../src/guard/ports.js";

/**
 * Real keys whose signatures are ready in the next microtask, or when `gate` opens, so that a test says when.
 * `live` counts the keys that were not dropped.
 */
export function testCommitKeys(
  gate: () => Promise<void> = async () => Promise.resolve(),
): CommitKeys & { live: number; made: number } {
  const keys = {
    live: 0,
    made: 0,
    make: async (): Promise<CommitKey> => {
      const key = makeCommitKey();
      keys.made += 1;
      keys.live += 1;
      const held = { isDropped: false };
      return await Promise.resolve({
        ...key,
        sign: async (bytes: Uint8Array) => {
          const signature = key.signNow(bytes);
          await gate();
          return signature;
        },
        drop: () => {
          if (!held.isDropped) keys.live -= 1;
          held.isDropped = true;
          key.drop();
        },
      });
    },
  };
  return keys;
}

export function makeCommitKey(): CommitKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const held: { key: KeyObject | null } = { key: privateKey };
  const signNow = (bytes: Uint8Array): Uint8Array => {
    if (held.key === null) throw new Error("dropped");
    return sign(null, bytes, held.key);
  };
  return {
    publicKey: rawKey(publicKey),
    signNow,
    sign: async (bytes) => await Promise.resolve(signNow(bytes)),
    drop: () => {
      held.key = null;
    },
  };
}

/** The same, but whoever has `made` has every private key for good, newest last. */
export function stolenCommitKeys(): CommitKeys & { readonly made: CommitKey[] } {
  const keys = testCommitKeys();
  const made: CommitKey[] = [];
  return {
    made,
    make: async () => {
      const key = { ...(await keys.make()), drop: () => undefined };
      made.push(key);
      return key;
    },
  };
}

function rawKey(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32));
}

const verify = commitVerifier();
const verified = new Map<string, boolean>();

/** The same signature over the same bytes is checked once: some tests verify one log thousands of times. */
export function verifyTestCommit(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const name = `${hex(publicKey)}${hex(bytes)}${hex(signature)}`;
  const known = verified.get(name);
  if (known !== undefined) return known;
  const holds = verify(publicKey, bytes, signature);
  if (verified.size < KEPT_MAX) verified.set(name, holds);
  return holds;
}

const KEPT_MAX = 10_000;
