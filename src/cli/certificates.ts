import { X509Certificate } from "node:crypto";
import { DER_TAG, enter, isObject, take, whole } from "../codec/der/read.js";
import type { Certificate, CertificateReader } from "../evidence/certificate.js";

/** X.509 by Node's own OpenSSL. */
export const CERTIFICATES: CertificateReader = {
  read: (der) => {
    const certificate = parseOne(der);
    return certificate === null ? null : viewOf(certificate);
  },
  isIssuedBy: (der, issuerDer) => {
    const certificate = parseOne(der);
    const issuer = parseOne(issuerDer);
    if (certificate === null || issuer === null || !certificate.checkIssued(issuer)) return false;
    if (!isSignedAsKnown(der)) return false;
    try {
      return certificate.verify(issuer.publicKey);
    } catch {
      return false;
    }
  },
};

/**
 * ECDSA and RSA PKCS #1 v1.5, with SHA-256 or longer (RFC 5758 section 3.2, RFC 8017 appendix A.2.4), as content bytes: what
 * the Python verifier can check with Debian's packages as well, so that both judge alike.
 */
const SIGNATURES = [
  "2a8648ce3d040302",
  "2a8648ce3d040303",
  "2a8648ce3d040304",
  "2a864886f70d01010b",
  "2a864886f70d01010c",
  "2a864886f70d01010d",
];

function isSignedAsKnown(der: Uint8Array): boolean {
  const certificate = enter(whole(der), DER_TAG.sequence);
  take(certificate);
  const algorithm = take(enter(take(certificate), DER_TAG.sequence));
  return SIGNATURES.some((known) => isObject(algorithm, known));
}

function parseOne(der: Uint8Array): X509Certificate | null {
  try {
    const certificate = new X509Certificate(der);
    // What stands behind a certificate is passed over by the library, and so is another spelling of it.
    return certificate.raw.equals(der) ? certificate : null;
  } catch {
    return null;
  }
}

function viewOf(certificate: X509Certificate): Certificate | null {
  try {
    const lines = linesOf(certificate.subject);
    return {
      spki: new Uint8Array(certificate.publicKey.export({ type: "spki", format: "der" })),
      isIssuer: certificate.ca,
      // Not there when it has no such extension, whatever the type says.
      usages: Array.isArray(certificate.keyUsage) ? certificate.keyUsage : [],
      subject: {
        commonName: only(lines, "CN"),
        unit: only(lines, "OU"),
        serialNumber: only(lines, "serialNumber"),
      },
      fromS: Date.parse(certificate.validFrom) / 1000,
      toS: Date.parse(certificate.validTo) / 1000,
    };
  } catch {
    return null;
  }
}

/** The library gives no text for an empty name, whatever its type says; makers of TPMs leave the subject empty. */
function linesOf(name: string | undefined): readonly string[] {
  return name === undefined ? [] : name.split("\n");
}

function only(lines: readonly string[], attribute: string): string | null {
  const found = lines.filter((line) => line.startsWith(`${attribute}=`));
  const [first] = found;
  return first === undefined || found.length > 1 ? null : first.slice(attribute.length + 1);
}
