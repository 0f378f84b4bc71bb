import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openFileSigner } from "../../../../src/adapters/signer-file/file-signer.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-key-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the key in a file", () => {
  it("is made once, for its owner alone, and is the same at the next start", async () => {
    const path = join(folder, "keys", "evidence.pem");
    const first = await openFileSigner(path);
    const second = await openFileSigner(path);
    expect(first.kind).toBe("file");
    expect(Buffer.from(second.spki).equals(first.spki)).toBe(true);
    expect(Buffer.from(first.kid).equals(createHash("sha256").update(first.spki).digest())).toBe(
      true,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "keys"))).toEqual(["evidence.pem"]);
  });

  it("signs ES256 as 64 bytes r || s", async () => {
    const signer = await openFileSigner(join(folder, "a.pem"));
    const signature = await signer.sign(Uint8Array.of(1, 2, 3));
    const key = createPublicKey({ key: Buffer.from(signer.spki), format: "der", type: "spki" });
    expect(signature).toHaveLength(64);
    const ieee = { key, dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Uint8Array.of(1, 2, 3), ieee, signature)).toBe(true);
    expect(verify("sha256", Uint8Array.of(1, 2, 4), ieee, signature)).toBe(false);
  });

  it("is refused where others can read it, and where it is no such key", async () => {
    const open = join(folder, "open.pem");
    await openFileSigner(open);
    chmodSync(open, 0o640);
    await expect(openFileSigner(open)).rejects.toThrow(/chmod 600/);
    const junk = join(folder, "junk.pem");
    writeFileSync(junk, "no key", { mode: 0o600 });
    await expect(openFileSigner(junk)).rejects.toThrow(/not a P-256 private key/);
    const other = join(folder, "other.pem");
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(other, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    await expect(openFileSigner(other)).rejects.toThrow(/not a P-256 private key/);
  });
});
