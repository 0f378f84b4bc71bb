import { parseAttest, type Attest } from "../codec/tpm2/attest.js";
import { HIERARCHY } from "../codec/tpm2/constant.js";
import { nameOf, qualifiedNameOf } from "../codec/tpm2/name.js";
import { parsePublic, TPM_OBJECTS } from "../codec/tpm2/public-area.js";
import type { EccPublic, TpmObjectKind } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import type { KeyAttestation, KeyBundle } from "./bundle.js";
import type { BundleCheckId, BundleFindings } from "./bundle-findings.js";
import {
  findBreak,
  findNoRoot,
  type Certificate,
  type CertificateReader,
  type CertificateTrust,
} from "./certificate.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { equalBytes } from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";

export type KeyBundleBy = {
  readonly findings: BundleFindings;
  readonly sha256: Sha256;
  readonly verifySignature: VerifySignature;
  readonly certificates: CertificateTrust;
};

/** Extended key usage of an attestation key's certificate: tcg-kp-AIKCertificate. */
export const ATTESTATION_USAGE = "2.23.133.8.3";

/** Organisational unit in the certificate of an attestation key whose TPM nobody's certificate vouches for. */
export const SOFTWARE_UNIT = "software-tpm";

/**
 * Everything that a key bundle says beyond the key itself (ADR 0012). "Made in a TPM" passes only when the attest holds
 * and a certificate leads from its key to a root that the reader named: anybody can make up an attest of a key in a file.
 * `gateway`: who the checkpoint says it is; null: there is no checkpoint that can be read.
 */
export function checkKeyBundle(key: KeyBundle, gateway: string | null, by: KeyBundleBy): void {
  const { attestation, certificates, endorsement } = key;
  const { findings } = by;
  if (attestation !== null) {
    checkAttest(attestation, key.spki, by);
  } else if (certificates.length + endorsement.length > 0) {
    findings.look(
      "attest",
      "there are certificates, and no attest of a key that they could be for",
    );
  }
  const { reader, roots } = by.certificates;
  if (reader === null) {
    noteUnread(key, roots, findings);
    concludeHardware(key, null, by);
    return;
  }
  const certificate = checkCertificate(key, gateway, { findings, reader });
  if (roots !== null) {
    const why = findBreak(certificates, reader) ?? findNoRoot(certificates, roots, reader);
    findings.look("roots", why);
  }
  if (endorsement.length > 0) checkEndorsement(endorsement, certificate, { ...by, reader });
  concludeHardware(key, certificate, by);
}

/** All that a key in a TPM hangs on. */
const SHOWN_BY: readonly BundleCheckId[] = [
  "key",
  "signature",
  "attest",
  "certified",
  "attributes",
  "attester",
  "certificate",
  "roots",
];

type Reading = { readonly findings: BundleFindings; readonly reader: CertificateReader };

/** Where certificates are not read, a root that was named vouches for nothing. */
function noteUnread(
  { certificates, endorsement }: KeyBundle,
  roots: CertificateTrust["roots"],
  findings: BundleFindings,
): void {
  if (certificates.length > 0) findings.note("certificate", UNREAD);
  if (endorsement.length > 0) findings.note("endorsement", UNREAD);
  if (roots !== null) findings.look("roots", UNREAD);
  else if (certificates.length > 0) findings.note("roots", UNREAD);
}

const UNREAD = "certificates are not read here";

function checkAttest(attestation: KeyAttestation, spki: Uint8Array, by: KeyBundleBy): void {
  const { findings } = by;
  const attest = readCertify(attestation.certifyInfo);
  findings.look("attest", attest === null ? "it is no attest of a TPM that certifies a key" : null);
  checkCertified(attestation.certified, { attest, spki }, by);
  checkAttester(attestation, { attest, spki }, by);
}

type Certify = Attest & {
  readonly attested: { readonly kind: "certify"; readonly name: Uint8Array };
};

function readCertify(certifyInfo: Uint8Array): Certify | null {
  const parsed = parseAttest(certifyInfo);
  if (!parsed.ok) return null;
  const { attested } = parsed.value;
  return attested.kind === "certify" ? { ...parsed.value, attested } : null;
}

type Against = { readonly attest: Certify | null; readonly spki: Uint8Array };

function checkCertified(certified: Uint8Array, { attest, spki }: Against, by: KeyBundleBy): void {
  const { findings, sha256 } = by;
  const area = readArea(certified, "certified", by);
  if (attest !== null) {
    const isNamed = equalBytes(attest.attested.name, nameOf(certified, sha256));
    findings.look(
      "certified",
      isNamed ? null : "the attest is about another key than the one given",
    );
  }
  if (area === null) return;
  const isOurs = equalBytes(spkiOf(area), spki);
  findings.look("certified", isOurs ? null : "the certified key is not the one that signs here");
  lookAttributes("the certified key", area, TPM_OBJECTS.evidenceKey, findings);
}

function checkAttester(
  { attester, certifyInfo, signature }: KeyAttestation,
  { attest, spki }: Against,
  by: KeyBundleBy,
): void {
  const { findings, sha256, verifySignature } = by;
  const area = readArea(attester, "attester", by);
  if (area === null) return;
  lookAttributes("the attestation key", area, TPM_OBJECTS.attestationKey, findings);
  const own = spkiOf(area);
  const isOther = !equalBytes(own, spki);
  findings.look("attester", isOther ? null : "the attestation key is the one that signs here");
  const isSigned = verifySignature(own, certifyInfo, signature);
  findings.look("attester", isSigned ? null : "its signature does not verify");
  if (attest === null) return;
  const name = nameOf(attester, sha256);
  const signer = qualifiedNameOf(name, HIERARCHY.endorsement, sha256);
  const isSigner = equalBytes(attest.qualifiedSigner, signer);
  const why = "the attest names another signer than this key of the endorsement hierarchy";
  findings.look("attester", isSigner ? null : why);
}

function readArea(
  bytes: Uint8Array,
  check: "certified" | "attester",
  { findings }: KeyBundleBy,
): EccPublic | null {
  const area = parsePublic(bytes);
  if (area.ok) return area.value;
  const which = check === "certified" ? "the certified key" : "the attestation key";
  findings.look(check, `${which} is no P-256 key of a TPM`);
  return null;
}

/** To the bit: restricted or not is what keeps attests and checkpoints apart. */
function lookAttributes(
  which: string,
  { use, attributes, policy }: EccPublic,
  kind: TpmObjectKind,
  findings: BundleFindings,
): void {
  const isRight = use === kind.use && attributes === kind.attributes && policy.length === 0;
  const plain = use === "signing" && policy.length === 0;
  const has = plain ? wordOf(attributes) : "a use or a policy that it must not have";
  findings.look(
    "attributes",
    isRight ? null : `${which} has ${has}, not ${wordOf(kind.attributes)}`,
  );
}

function wordOf(attributes: number): string {
  return `0x${attributes.toString(16).padStart(8, "0")}`;
}

function checkCertificate(
  { certificates, attestation }: KeyBundle,
  gateway: string | null,
  { findings, reader }: Reading,
): Certificate | null {
  const [first] = certificates;
  if (first === undefined || attestation === null) return null;
  const certificate = reader.read(first);
  const area = parsePublic(attestation.attester);
  const isOver =
    area.ok && certificate !== null && equalBytes(certificate.spki, spkiOf(area.value));
  if (certificate === null) findings.look("certificate", "it cannot be read");
  else if (!isOver) findings.look("certificate", "it is over another key");
  else if (!certificate.usages.includes(ATTESTATION_USAGE)) {
    findings.look("certificate", "it is not for an attestation key of a TPM");
  } else if (gateway !== null && certificate.subject.commonName !== gateway) {
    findings.look("certificate", "it is for another gateway than the checkpoint says");
  } else findings.look("certificate", null);
  return certificate;
}

/** That the attestation key lives beside this endorsement key is the word of whoever enrolled it. */
function checkEndorsement(
  chain: readonly Uint8Array[],
  certificate: Certificate | null,
  { findings, sha256, reader }: Reading & Pick<KeyBundleBy, "sha256">,
): void {
  const [first] = chain;
  const seen = certificate?.subject.serialNumber;
  const isSeen = first !== undefined && seen === hex(sha256(first));
  const why = "the attestation key's certificate does not name this one";
  findings.look("endorsement", isSeen ? findBreak(chain, reader) : why);
}

function concludeHardware(
  { software, attestation, endorsement }: KeyBundle,
  certificate: Certificate | null,
  { findings, certificates: { roots } }: KeyBundleBy,
): void {
  const hangsOn = endorsement.length === 0 ? SHOWN_BY : [...SHOWN_BY, "endorsement" as const];
  if (software) findings.note("hardware", "key: software, not hardware");
  else if (attestation === null) findings.note("hardware", "nothing that is checked here says so");
  else if (certificate?.subject.unit === SOFTWARE_UNIT) {
    const why = "its certificate is for a software TPM, and the bundle does not say so";
    findings.look("hardware", why);
  } else if (findings.shows(hangsOn)) findings.look("hardware", null);
  else if (roots === null) {
    findings.note("hardware", "nobody you named vouches for it (--trust takes root certificates)");
  } else findings.note("hardware", "not shown, see above");
}
