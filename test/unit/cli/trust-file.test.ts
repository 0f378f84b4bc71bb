import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readPublicKeys } from "../../../src/cli/evidence-keys.js";
import { encodeBundle } from "../../../src/evidence/bundle.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { checkByPython, makeBundle, makeLogKey } from "../../support/proof-bundle.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-trust-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const OPENSSL = "openssl";
const [first, second] = [makeKey(), makeKey()];

describe("a file of trusted keys", () => {
  it("names one in DER, or any number in PEM with words around them, in their order", async () => {
    expect(await readPublicKeys(file(first.der))).toEqual([first.der]);
    expect(await readPublicKeys(file(first.pem))).toEqual([first.der]);
    const both = `given up in May:\n${second.pem}\nthe new one:\n${first.pem}`;
    expect(await readPublicKeys(file(both))).toEqual([second.der, first.der]);
  });

  it("is refused whole when one of them cannot be read", async () => {
    const broken = first.pem.replace(/\n./, "\n?");
    for (const bytes of [`${second.pem}${broken}`, broken, "", "no key at all"]) {
      await expect(readPublicKeys(file(bytes))).rejects.toThrow(
        /not a public key in PEM or DER \(SPKI\) form/,
      );
    }
  });
});

describe("a file of trusted keys, given to the Python verifier", () => {
  const key = makeLogKey();
  const bundle = encodeBundle(makeBundle(sampleLog(0, 11), [4, 5], key).bundle);
  const own = pemOf(key.spki);
  const named = (...blocks: readonly string[]): Uint8Array =>
    Buffer.from(`given up in May:\n${blocks.join("the new one:\n")}`);

  it("is refused in one line where a key is of a kind that nobody checks here", () => {
    // X9.62 characteristic two: well-formed, and of a curve that Python's library does not know.
    const c2 = execFileSync(OPENSSL, ["ecparam", "-name", "c2pnb163v1", "-genkey", "-noout"]);
    const strange = execFileSync(OPENSSL, ["ec", "-pubout"], {
      input: c2,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const { code, out } = checkByPython(bundle, strange);
    expect(code).toBe(2);
    expect(out).toMatch(/^cannot be read: .*\n$/);
  });

  it("names any number of them in PEM, of which one must have signed", () => {
    expect(checkByPython(bundle, named(first.pem, own))).toMatchObject({ code: 0 });
    expect(checkByPython(bundle, named(own, first.pem))).toMatchObject({ code: 0 });
    const others = checkByPython(bundle, named(first.pem, second.pem));
    expect(others.code).toBe(1);
    expect(others.out).toContain("it is not a trusted key");
  });

  it("is refused whole when one of them cannot be read", () => {
    const broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    expect(checkByPython(bundle, named(own, broken))).toMatchObject({ code: 2, lines: [] });
  });
});

function pemOf(spki: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return key.export({ type: "spki", format: "pem" }).toString();
}

function makeKey(): { readonly der: Uint8Array; readonly pem: string } {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    der: publicKey.export({ type: "spki", format: "der" }),
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

function file(content: string | Uint8Array): string {
  const path = join(folder, "trust");
  writeFileSync(path, content);
  return path;
}
