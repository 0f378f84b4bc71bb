import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  AUTHORITY_FILES,
  issueCertificate,
  makeAuthority,
  type CertificateWish,
} from "../../src/cli/certificate-authority.js";
import { runPython } from "./proof-bundle.js";

export type TestAuthority = {
  readonly folder: string;
  /** As `--trust` takes it. */
  readonly pem: Uint8Array;
  readonly root: Uint8Array;
  /** The certificate, then the root. */
  readonly issue: (
    wish: Partial<CertificateWish> & Pick<CertificateWish, "spki">,
  ) => Promise<readonly Uint8Array[]>;
  readonly remove: () => void;
};

/** A certificate authority of its own; for gateway gw-7 where nothing else is said. */
export async function startAuthority(name = "Plant CA"): Promise<TestAuthority> {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-ca-"));
  await makeAuthority(folder, name);
  const pem = new Uint8Array(readFileSync(join(folder, AUTHORITY_FILES.root)));
  return {
    folder,
    pem,
    root: new Uint8Array(new X509Certificate(pem).raw),
    issue: async (wish) =>
      await issueCertificate(folder, {
        commonName: "gw-7",
        unit: null,
        serialNumber: null,
        ...wish,
      }),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A chain of the kinds that test/support/python/make_chain.py knows. */
export function makeOddChain(
  kind: string,
  spki: Uint8Array,
): { readonly leaf: Uint8Array; readonly root: Uint8Array; readonly pem: Uint8Array } {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-chain-"));
  try {
    const key = join(folder, "key.der");
    writeFileSync(key, spki);
    const { code, out } = runPython([MAKE_CHAIN, kind, key, folder]);
    if (code !== 0) throw new Error(out);
    const [leaf, root] = ["leaf", "root"].map(
      (name) => new Uint8Array(readFileSync(join(folder, `${name}.der`))),
    );
    if (leaf === undefined || root === undefined) throw new Error("two are made");
    const pem = new Uint8Array(Buffer.from(new X509Certificate(root).toString()));
    return { leaf, root, pem };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const MAKE_CHAIN = fileURLToPath(new URL("python/make_chain.py", import.meta.url));
