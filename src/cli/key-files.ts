import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePublic } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import { BundleFindings } from "../evidence/bundle-findings.js";
import { decodeKeyBundle, type KeyBundle } from "../evidence/bundle.js";
import { decodeChain } from "../evidence/enrolment.js";
import { checkKeyBundle } from "../evidence/key-bundle.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import { CERTIFICATES } from "./certificates.js";
import { sha256 } from "./evidence-files.js";
import { signatureVerifier } from "./evidence-keys.js";

/** Files beside the record of `key provision`; no secret is in them. */
export const KEY_FILES = {
  certificates: "certificates.cbor",
  endorsement: "endorsement.cbor",
  bundle: "key-bundle.cbor",
} as const;

/** Both keys (SPKI) that the record names. */
export type RecordedKeys = { readonly evidence: Uint8Array; readonly attestation: Uint8Array };

/** What `key enrol` and `key attest` left behind. `trouble`: why it does not serve the recorded keys, in a line. */
export type KeyFiles = {
  /** Null: there is none. */
  readonly certificate: {
    readonly trouble: string | null;
    readonly gateway: string | null;
    readonly unit: string | null;
    /** Seconds of UTC; null: it cannot be read. */
    readonly valid: { readonly fromS: number; readonly toS: number } | null;
    readonly count: number;
  } | null;
  /** Certificates of the endorsement key. */
  readonly endorsement: number;
  /** Null: there is none. `certified`: it holds the certificate that is here now. */
  readonly bundle: { readonly trouble: string | null; readonly certified: boolean } | null;
};

/** Reads them and holds them against the record; asks no TPM. */
export async function readKeyFiles(directory: string, keys: RecordedKeys): Promise<KeyFiles> {
  const chain = await readChain(directory, "certificates");
  const endorsement = await readChain(directory, "endorsement");
  const bytes = await readBytes(join(directory, KEY_FILES.bundle));
  return {
    certificate: chain?.length === 0 ? null : lookAtCertificate(chain, keys),
    endorsement: endorsement?.length ?? 0,
    bundle: bytes === null ? null : lookAtBundle(decodeKeyBundle(bytes), chain ?? [], keys),
  };
}

/** Empty where there is no such file, or nothing in it; null where it cannot be read. */
export async function readChain(
  directory: string,
  which: "certificates" | "endorsement",
): Promise<readonly Uint8Array[] | null> {
  const bytes = await readBytes(join(directory, KEY_FILES[which]));
  return bytes === null ? [] : decodeChain(bytes);
}

async function readBytes(path: string): Promise<Uint8Array | null> {
  const bytes = await readFile(path).catch(() => null);
  return bytes === null ? null : new Uint8Array(bytes);
}

function lookAtCertificate(
  chain: readonly Uint8Array[] | null,
  { attestation }: RecordedKeys,
): KeyFiles["certificate"] {
  const [first] = chain ?? [];
  const count = chain?.length ?? 0;
  const certificate = first === undefined ? null : CERTIFICATES.read(first);
  if (certificate === null) {
    const trouble = `${KEY_FILES.certificates} cannot be read: enrol anew`;
    return { trouble, gateway: null, unit: null, valid: null, count };
  }
  const { subject, fromS, toS, spki } = certificate;
  return {
    trouble: equalBytes(spki, attestation) ? null : "it is for another attestation key: enrol anew",
    gateway: subject.commonName,
    unit: subject.unit,
    valid: { fromS, toS },
    count,
  };
}

function lookAtBundle(
  bundle: KeyBundle | null,
  chain: readonly Uint8Array[],
  keys: RecordedKeys,
): KeyFiles["bundle"] {
  if (bundle === null) {
    return { trouble: `${KEY_FILES.bundle} cannot be read: attest anew`, certified: false };
  }
  const certified =
    chain.length > 0 &&
    bundle.certificates.length === chain.length &&
    chain.every((der, at) => equalBytes(der, bundle.certificates[at] ?? new Uint8Array(0)));
  return { trouble: troubleOf(bundle, keys), certified };
}

function troubleOf(bundle: KeyBundle, { evidence, attestation }: RecordedKeys): string | null {
  if (!equalBytes(bundle.spki, evidence)) return "it is of another key: attest anew";
  if (bundle.attestation === null) return "it holds no attest: attest anew";
  const area = parsePublic(bundle.attestation.attester);
  if (!area.ok || !equalBytes(spkiOf(area.value), attestation)) {
    return "another attestation key attested it: attest anew";
  }
  const findings = new BundleFindings();
  checkKeyBundle(bundle, null, {
    findings,
    sha256,
    verifySignature: signatureVerifier(),
    certificates: { reader: CERTIFICATES, roots: null },
  });
  const fault = findings.results().find(({ status }) => status === "FAIL");
  return fault === undefined ? null : `it does not verify (${fault.label}): attest anew`;
}
