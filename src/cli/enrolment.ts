import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { parseEndorsementPublic } from "../codec/tpm2/endorsement-public.js";
import type { EndorsementPublic } from "../codec/tpm2/endorsement-public.js";
import { nameOf } from "../codec/tpm2/name.js";
import { parsePublic, TPM_OBJECTS } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import { findBreak, findNoRoot } from "../evidence/certificate.js";
import { decodeChain, encodeChain } from "../evidence/enrolment.js";
import type { EnrolmentAnswer, EnrolmentRequest } from "../evidence/enrolment.js";
import { equalBytes } from "../evidence/merkle-proof.js";
import { hex } from "../evidence/hex.js";
import { SOFTWARE_UNIT } from "../evidence/key-bundle.js";
import { issueCertificate } from "./certificate-authority.js";
import { CERTIFICATES } from "./certificates.js";
import { hideValue, keyObjectOf } from "./credential.js";
import { sha256 } from "./evidence-files.js";
import { Refusal } from "./output.js";

export type Enrolled = {
  readonly answer: EnrolmentAnswer;
  /** SHA-256 of the attestation key (SPKI). */
  readonly key: string;
  /** True: a maker's certificate leads from its endorsement key to a root that was named. */
  readonly isHardware: boolean;
};

/**
 * The authority's side of an enrolment: a certificate for the attestation key, sealed so that only the TPM that holds it
 * beside the endorsement key can open it. `makers`: root certificates of makers of TPMs; null: none are known, and the
 * certificate says that it shows no hardware. Throws a Refusal for whatever is not as it must be.
 */
export async function enrol(
  folder: string,
  request: EnrolmentRequest,
  makers: readonly Uint8Array[] | null,
): Promise<Enrolled> {
  const spki = attesterSpki(request);
  const endorsementKey = readEndorsementKey(request);
  const isVouched = makers !== null && request.endorsement.length > 0;
  if (isVouched) demandMaker(request.endorsement, makers);
  const isHardware = isVouched && !request.software;
  const [seen] = request.endorsement;
  const chain = await issueCertificate(folder, {
    spki,
    commonName: request.gateway,
    unit: isHardware ? null : SOFTWARE_UNIT,
    serialNumber: seen === undefined ? null : hex(sha256(seen)),
  });
  const value = randomBytes(VALUE_BYTES);
  const credential = hideValue(endorsementKey, nameOf(request.attester, sha256), value);
  const answer = { ...credential, sealed: seal(encodeChain(chain), value) };
  return { answer, key: hex(sha256(spki)), isHardware };
}

/** The gateway's side: `value` is what the TPM found in the credential. Throws a Refusal where it opens nothing. */
export function openAnswer(answer: EnrolmentAnswer, value: Uint8Array): readonly Uint8Array[] {
  const chain = decodeChain(unseal(answer.sealed, value) ?? new Uint8Array(0));
  if (chain === null) throw new Refusal("the answer was sealed for another request than this", 1);
  return chain;
}

const VALUE_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

/** Whoever certified a key that may sign what it is given would certify whatever that key says of itself. */
function attesterSpki({ attester }: EnrolmentRequest): Uint8Array {
  const area = parsePublic(attester);
  const { use, attributes } = TPM_OBJECTS.attestationKey;
  const isRight =
    area.ok &&
    area.value.use === use &&
    area.value.attributes === attributes &&
    area.value.policy.length === 0;
  if (isRight) return spkiOf(area.value);
  throw new Refusal("the request's key is no restricted key of a TPM, kept for attests alone", 1);
}

function readEndorsementKey({ endorsementKey, endorsement }: EnrolmentRequest): EndorsementPublic {
  const parsed = parseEndorsementPublic(endorsementKey);
  if (!parsed.ok) {
    throw new Refusal("the request's endorsement key is neither RSA of 2,048 bits nor P-256", 1);
  }
  const [first] = endorsement;
  if (first === undefined) return parsed.value;
  const certificate = CERTIFICATES.read(first);
  if (certificate !== null && equalBytes(certificate.spki, endorsementSpki(parsed.value))) {
    return parsed.value;
  }
  throw new Refusal("the request's endorsement certificate is over another key", 1);
}

function endorsementSpki(endorsementKey: EndorsementPublic): Uint8Array {
  try {
    return keyObjectOf(endorsementKey).export({ type: "spki", format: "der" });
  } catch {
    throw new Refusal("the request's endorsement key is no key", 1);
  }
}

function demandMaker(chain: readonly Uint8Array[], makers: readonly Uint8Array[]): void {
  const why = findBreak(chain, CERTIFICATES) ?? findNoRoot(chain, makers, CERTIFICATES);
  if (why === null) return;
  throw new Refusal(`the request's endorsement certificates: ${why}`, 1);
}

function seal(text: Uint8Array, key: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const hidden = Buffer.concat([cipher.update(text), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, hidden, cipher.getAuthTag()]));
}

/** Null: another key, or changed on its way. */
function unseal(sealed: Uint8Array, key: Uint8Array): Uint8Array | null {
  if (key.length !== VALUE_BYTES || sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  try {
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const hidden = sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES);
    return new Uint8Array(Buffer.concat([decipher.update(hidden), decipher.final()]));
  } catch {
    return null;
  }
}
