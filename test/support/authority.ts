import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AUTHORITY_FILES,
  issueCertificate,
  makeAuthority,
  type CertificateWish,
} from "../../src/cli/certificate-authority.js";

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
