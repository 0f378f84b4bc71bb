import { describe, expect, it } from "vitest";
import { openCommitKeys } from "../../../../src/adapters/commit-keys/commit-keys.js";
import { commitVerifier } from "../../../../src/cli/evidence-keys.js";
import { verifyCommit } from "../../../../clients/verifier-page/signature.js";

const said = new TextEncoder().encode("what was signed");

describe("keys that sign commits", () => {
  it("sign off the loop and on it, for the command line's verifier and the page's", async () => {
    const key = await openCommitKeys().make();
    expect(key.publicKey.length).toBe(32);
    const signature = await key.sign(said);
    expect(new Uint8Array(key.signNow(said))).toEqual(new Uint8Array(signature));
    for (const verify of [commitVerifier(), verifyCommit]) {
      expect(verify(key.publicKey, said, signature)).toBe(true);
      const flipped = signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
      expect(verify(key.publicKey, said, flipped)).toBe(false);
      expect(verify(key.publicKey, said.subarray(1), signature)).toBe(false);
      expect(verify(key.publicKey, said, signature.subarray(1))).toBe(false);
      expect(verify(key.publicKey.subarray(1), said, signature)).toBe(false);
      expect(verify(new Uint8Array(32).fill(0xff), said, signature)).toBe(false);
    }
  });

  it("are new each time, and sign nothing any more once they were dropped", async () => {
    const keys = openCommitKeys();
    const [first, second] = [await keys.make(), await keys.make()];
    expect(first.publicKey).not.toEqual(second.publicKey);
    first.drop();
    await expect(first.sign(said)).rejects.toThrow(/dropped/);
    expect(() => first.signNow(said)).toThrow(/dropped/);
    expect(commitVerifier()(second.publicKey, said, await second.sign(said))).toBe(true);
  });
});
