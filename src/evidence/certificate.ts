import { equalBytes } from "./merkle-proof.js";

/** What counts of an X.509 certificate here. */
export type Certificate = {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** Whether it may sign others (basicConstraints). */
  readonly isIssuer: boolean;
  /** Object identifiers of extended key usage; empty: none are named. */
  readonly usages: readonly string[];
  /** Null: there is none of its kind in the subject, or there are several. */
  readonly subject: {
    readonly commonName: string | null;
    readonly unit: string | null;
    readonly serialNumber: string | null;
  };
  /** Seconds of UTC, both ends among them. */
  readonly fromS: number;
  readonly toS: number;
};

/** X.509 is read by a library, outside of this folder. */
export type CertificateReader = {
  /** Null: these bytes are not exactly one certificate. */
  readonly read: (der: Uint8Array) => Certificate | null;
  /** By names, key usage and signature. */
  readonly isIssuedBy: (der: Uint8Array, issuer: Uint8Array) => boolean;
};

export type CertificateTrust = {
  /** Null: no certificate is read here, and nothing that hangs on one is shown. */
  readonly reader: CertificateReader | null;
  /** Certificates (DER) that somebody trusts; null: none were named. */
  readonly roots: readonly Uint8Array[] | null;
};

/**
 * What breaks the chain, in which each certificate is to be issued by the next; null: nothing. No clock is asked: each
 * must have been issued while its issuer was valid, so that the same evidence is judged alike at any time (ADR 0012).
 */
export function findBreak(chain: readonly Uint8Array[], reader: CertificateReader): string | null {
  if (chain.length > CHAIN_MAX) return `there are more than ${CHAIN_MAX} certificates`;
  for (const [at, der] of chain.entries()) {
    if (reader.read(der) === null) return `certificate ${at + 1} cannot be read`;
    const issuer = chain[at + 1];
    if (issuer === undefined || isLinked(der, issuer, reader)) continue;
    return `certificate ${at + 1} is not issued by certificate ${at + 2}`;
  }
  return null;
}

/** What keeps a chain without a break from a root: its last one must be a root, or be issued by one; null: nothing. */
export function findNoRoot(
  chain: readonly Uint8Array[],
  roots: readonly Uint8Array[],
  reader: CertificateReader,
): string | null {
  const last = chain.at(-1);
  if (last === undefined) return "there is no certificate that could lead to one";
  const leads = roots.some((root) => equalBytes(last, root) || isLinked(last, root, reader));
  return leads ? null : "they lead to none of those";
}

/** Chains of TPM makers have four. */
const CHAIN_MAX = 8;

function isLinked(der: Uint8Array, issuerDer: Uint8Array, reader: CertificateReader): boolean {
  const certificate = reader.read(der);
  const issuer = reader.read(issuerDer);
  if (certificate === null || issuer?.isIssuer !== true) return false;
  const { fromS } = certificate;
  return fromS >= issuer.fromS && fromS <= issuer.toS && reader.isIssuedBy(der, issuerDer);
}
