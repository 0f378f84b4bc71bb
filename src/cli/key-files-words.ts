import type { TpmTrouble } from "../guard/ports.js";
import { KEY_FILES, type KeyFiles } from "./key-files.js";
import { showPlain } from "./output.js";

/** Who vouches for the keys, in plain words, a line each. `trouble`: what the TPM itself was found to be. */
export function describeFiles(
  files: KeyFiles,
  trouble: TpmTrouble | null,
): readonly (readonly string[])[] {
  return [
    ["enrolled", describeCertificate(files)],
    ["attested", describeBundle(files, trouble)],
  ];
}

export function jsonOfFiles({
  certificate,
  endorsement,
  bundle,
}: KeyFiles): Readonly<Record<string, unknown>> {
  return {
    enrolled: certificate !== null && certificate.trouble === null,
    certificate:
      certificate === null
        ? null
        : {
            file: KEY_FILES.certificates,
            gateway: certificate.gateway,
            unit: certificate.unit,
            validFrom: certificate.valid === null ? null : timeOf(certificate.valid.fromS),
            validTo: certificate.valid === null ? null : timeOf(certificate.valid.toS),
            certificates: certificate.count,
            trouble: certificate.trouble,
          },
    endorsementCertificates: endorsement,
    attested: bundle !== null && bundle.trouble === null,
    bundle:
      bundle === null
        ? null
        : { file: KEY_FILES.bundle, certified: bundle.certified, trouble: bundle.trouble },
  };
}

function describeCertificate({ certificate, endorsement }: KeyFiles): string {
  if (certificate === null) return "no: nobody vouches for the keys (holdpoint key enrol)";
  const { trouble, gateway, unit, valid, count } = certificate;
  if (trouble !== null) return `NO: ${trouble} (holdpoint key enrol)`;
  const span = valid === null ? "" : `, from ${timeOf(valid.fromS)} to ${timeOf(valid.toS)}`;
  const name = showPlain(gateway ?? "(no name)");
  const of = unit === null ? "" : ` (${showPlain(unit)})`;
  return `yes: for ${name}${of}${span}; ${countOf(count, "certificate")}, ${countOf(endorsement, "of the endorsement key", "")}`;
}

function describeBundle({ certificate, bundle }: KeyFiles, tpm: TpmTrouble | null): string {
  if (bundle === null) return "no: there is no key bundle yet (holdpoint key attest)";
  if (bundle.trouble !== null) return `NO: ${KEY_FILES.bundle}: ${bundle.trouble}`;
  if (tpm?.answers === true)
    return `${KEY_FILES.bundle} is of the recorded key, NOT of what the TPM holds`;
  const asked = tpm === null ? "the key in the TPM" : "the recorded key; the TPM was not asked";
  if (certificate !== null && !bundle.certified) {
    return `yes: ${KEY_FILES.bundle} is of ${asked}, but without its certificate: attest anew`;
  }
  return `yes: ${KEY_FILES.bundle} is of ${asked}`;
}

function countOf(count: number, what: string, many = "s"): string {
  return `${count} ${what}${count === 1 ? "" : many}`;
}

function timeOf(seconds: number): string {
  return Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString().slice(0, 10) : "?";
}
