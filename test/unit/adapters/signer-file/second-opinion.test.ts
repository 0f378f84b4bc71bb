import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { p256 } from "@noble/curves/nist.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { afterAll, describe, expect, it } from "vitest";
import { openFileSigner } from "../../../../src/adapters/signer-file/file-signer.js";
import { sha256 } from "../../../../src/guard/evidence/sha256.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-signer-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
/** The uncompressed point stands at the end of a P-256 SubjectPublicKeyInfo (RFC 5480). */
const POINT_BYTES = 65;

describe("code that is not ours and not the runtime's", () => {
  it("verifies what the file key signed, and nothing that was changed", async () => {
    const signer = await openFileSigner(join(folder, "key.pem"));
    const point = signer.spki.slice(-POINT_BYTES);
    const message = new TextEncoder().encode("a checkpoint");
    const signature = await signer.sign(message);
    // A signature may have either s: the low-S habit of other systems is not ES256's.
    const verify = (bytes: Uint8Array, over: Uint8Array): boolean =>
      p256.verify(bytes, over, point, { lowS: false });
    expect(verify(signature, message)).toBe(true);
    expect(verify(signature, new TextEncoder().encode("another one"))).toBe(false);
    const changed = signature.slice();
    changed[7] = (changed[7] ?? 0) ^ 1;
    expect(verify(changed, message)).toBe(false);
  });

  it("hashes as the log does", () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 1_000]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 37) & 0xff);
      expect(Buffer.from(sha256(bytes))).toEqual(Buffer.from(nobleSha256(bytes)));
    }
  });
});
