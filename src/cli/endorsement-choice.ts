import { X509Certificate } from "node:crypto";
import { CERTIFICATE_INDEX } from "../codec/tpm2/endorsement-certificate.js";
import { parseEndorsementPublic } from "../codec/tpm2/endorsement-public.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import { CERTIFICATES } from "./certificates.js";
import { keyObjectOf } from "./credential.js";
import { showPlain } from "./output.js";

/** What a TPM holds at the NV index of an endorsement key's certificate: that (DER), or why it cannot be read. */
export type HeldCertificate = {
  readonly index: number;
  readonly read:
    | { readonly ok: true; readonly value: Uint8Array }
    | { readonly ok: false; readonly says: string };
};

export type CertificateChoice = {
  /** For a request: the endorsement key's certificate; empty: there is none to send. */
  readonly chain: readonly Uint8Array[];
  /** For people, a line each. */
  readonly says: readonly string[];
};

/**
 * Which of the certificates in a TPM goes with a request: the one over the very endorsement key that the request is for, a
 * TPMT_PUBLIC. Of any other is said why it does not. Never throws.
 */
export function chooseCertificate(
  endorsementKey: Uint8Array,
  held: readonly HeldCertificate[],
): CertificateChoice {
  const wanted = spkiOfKey(endorsementKey);
  const right = held.find(({ read }) => read.ok && wanted !== null && isOver(read.value, wanted));
  if (right?.read.ok === true) {
    const { value } = right.read;
    const says = `endorsement certificate: ${describe(value)}; out of the TPM (${placeOf(right)})`;
    return { chain: [value], says: [says] };
  }
  const none = "the request goes without an endorsement certificate (--endorsement takes a file's)";
  if (held.length > 0) return { chain: [], says: [...held.map(describeOther), none] };
  return { chain: [], says: [`the TPM holds no endorsement certificate: ${none}`] };
}

/** Of longer names the beginning is shown. */
const NAME_CHARS_MAX = 200;

/** Null: no key of a kind that there are certificates for. */
function spkiOfKey(endorsementKey: Uint8Array): Uint8Array | null {
  const parsed = parseEndorsementPublic(endorsementKey);
  if (!parsed.ok) return null;
  try {
    return keyObjectOf(parsed.value).export({ type: "spki", format: "der" });
  } catch {
    return null;
  }
}

function isOver(certificate: Uint8Array, spki: Uint8Array): boolean {
  const read = CERTIFICATES.read(certificate);
  return read !== null && equalBytes(read.spki, spki);
}

function describeOther(held: HeldCertificate): string {
  const { index, read } = held;
  if (!read.ok) return `not sent: ${showPlain(read.says)}`;
  const place = placeOf(held);
  if (CERTIFICATES.read(read.value) === null) {
    return `not sent: what is at ${place} is no certificate that can be read`;
  }
  const hint =
    index === CERTIFICATE_INDEX.rsa
      ? " (--endorsement-handle names the RSA key, if it is kept)"
      : "";
  return `not sent: the certificate at ${place} is of another endorsement key: ${describe(read.value)}${hint}`;
}

/** Makers leave the subject empty, as the TCG profile has it. */
function describe(der: Uint8Array): string {
  const certificate = new X509Certificate(der);
  return `subject ${nameOf(certificate.subject)}, issuer ${nameOf(certificate.issuer)}`;
}

/** The library has no text for an empty name, whatever its type says. */
function nameOf(name: string | undefined): string {
  if (name === undefined || name === "") return "(no name)";
  const line = showPlain(name.replaceAll("\n", ", "));
  return line.length > NAME_CHARS_MAX ? `${line.slice(0, NAME_CHARS_MAX)}...` : line;
}

function placeOf({ index }: HeldCertificate): string {
  return `NV index 0x${index.toString(16).padStart(8, "0")}`;
}
