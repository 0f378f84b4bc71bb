import { decodeKeyBundle } from "../evidence/bundle.js";
import { BundleFindings } from "../evidence/bundle-findings.js";
import { checkKeyBundle } from "../evidence/key-bundle.js";
import type { Attester } from "../evidence/verify-anchors.js";
import { parsePublic } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import { CERTIFICATES } from "./certificates.js";
import { sha256 } from "./evidence-files.js";
import { readNamed, signatureVerifier } from "./evidence-keys.js";
import { Refusal } from "./output.js";

/**
 * The attestation key of a key bundle. Refused unless the bundle holds together: both keys with their attributes, and
 * the attest of the one that signs checkpoints by the other. Who vouches for it is not asked here.
 */
export async function readAttester(path: string): Promise<Attester> {
  const key = decodeKeyBundle(new Uint8Array(await readNamed(path)));
  if (key === null) throw new Refusal(`${path}: no key bundle of this version`, 2);
  const area = key.attestation === null ? null : parsePublic(key.attestation.attester);
  if (key.attestation === null || area?.ok !== true) {
    throw new Refusal(`${path}: this key bundle has no attestation key of a TPM`, 2);
  }
  const findings = new BundleFindings();
  checkKeyBundle(key, null, {
    findings,
    sha256,
    verifySignature: signatureVerifier(),
    certificates: { reader: CERTIFICATES, roots: null },
  });
  const wrong = findings.results().find(({ status }) => status === "FAIL");
  if (wrong === undefined) return { area: key.attestation.attester, spki: spkiOf(area.value) };
  throw new Refusal(`${path}: this key bundle does not hold: ${wrong.why ?? wrong.label}`, 1);
}
