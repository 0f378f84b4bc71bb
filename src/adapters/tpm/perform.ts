import { TPM_OBJECTS } from "../../codec/tpm2/public-area.js";
import type { SignedAttest } from "../../codec/tpm2/attest.js";
import {
  attestTime,
  certifyKey,
  openCredential,
  quotePcrs,
  readEndorsementKey,
} from "./attestation.js";
import type { EndorsementUse } from "./attestation.js";
import { readEndorsementCertificate } from "./certificate.js";
import { readChip, readJump } from "./chip.js";
import { certifyCounter, defineCounter, raiseCounter, readCounter } from "./counters.js";
import { findStorageRoot, makeAttestationKey, makeEvidenceKey } from "./keys.js";
import { readKey, removeKey, signDigest, type TpmKey } from "./keys.js";
import { bytesOf, isAttestRequest } from "./message.js";
import type { AttestRequest, KeyName, TpmAnswer, TpmRequest } from "./message.js";
import type { TpmResult } from "./result.js";
import type { Tpm } from "./tpm.js";

/**
 * One request done, its values as {@link TpmAnswer} carries them. Objects are made where nobody has set
 * authorisation values for the owner and endorsement hierarchies; elsewhere the TPM refuses.
 */
export async function performRequest(tpm: Tpm, request: TpmRequest): Promise<TpmAnswer> {
  if (isAttestRequest(request)) {
    return answerOf(await attest(tpm, request), (made) => [made.attest, made.signature]);
  }
  switch (request.op) {
    case "read-chip":
      return answerOf(await readChip(tpm), ({ manufacturer, vendor, firmware }) =>
        [manufacturer, vendor, firmware].map((text) => Buffer.from(text, "latin1")),
      );
    case "find-root":
      return keyAnswer(await findStorageRoot(tpm, UNSET));
    case "read-key":
      return keyAnswer(await readKey(tpm, TPM_OBJECTS[request.key]));
    case "make-key":
      return keyAnswer(await makeKey(tpm, request.key, request.auth));
    case "remove-key": {
      const { key, name } = request;
      return answerOf(await removeKey(tpm, TPM_OBJECTS[key], UNSET, name), () => []);
    }
    case "sign":
      return answerOf(await signDigest(tpm, request.use, request.digest), (signature) => [
        signature,
      ]);
    case "read-endorsement": {
      const read = await readEndorsementKey(tpm, endorsementAt(request.handle));
      return answerOf(read, ({ publicArea }) => [publicArea]);
    }
    case "read-certificate": {
      const read = await readEndorsementCertificate(tpm, request.kind);
      return answerOf(read, (certificate) => [certificate ?? UNSET]);
    }
    case "open-credential": {
      const { object, handle, credential } = request;
      const opened = await openCredential(tpm, object, endorsementAt(handle), credential);
      return answerOf(opened, (value) => [value]);
    }
    case "define-counter":
      return counterAnswer(await defineCounter(tpm, request.counter, UNSET));
    case "read-counter":
      return counterAnswer(await readCounter(tpm, request.counter));
    case "raise-counter":
      return counterAnswer(await raiseCounter(tpm, request.counter, request.above));
    case "read-jump":
      return counterAnswer(await readJump(tpm));
  }
}

const UNSET = new Uint8Array(0);

async function attest(tpm: Tpm, request: AttestRequest): Promise<TpmResult<SignedAttest>> {
  const { signer, qualifying } = request;
  switch (request.op) {
    case "certify":
      return await certifyKey(tpm, request.object, signer, qualifying);
    case "certify-counter":
      return await certifyCounter(tpm, request.counter, signer, qualifying);
    case "quote":
      return await quotePcrs(tpm, signer, qualifying, request.pcrs);
    case "get-time":
      return await attestTime(tpm, signer, qualifying, UNSET);
  }
}

function endorsementAt(handle: number): EndorsementUse {
  return { handle: handle === 0 ? null : handle, auth: UNSET };
}

async function makeKey(tpm: Tpm, key: KeyName, auth: Uint8Array): Promise<TpmResult<TpmKey>> {
  return key !== "attestationKey"
    ? await makeEvidenceKey(tpm, auth, UNSET, TPM_OBJECTS[key])
    : await makeAttestationKey(tpm, auth, { owner: UNSET, endorsement: UNSET });
}

/** No key is no bytes. */
function keyAnswer(result: TpmResult<TpmKey | null>): TpmAnswer {
  return answerOf(result, (key) => [key?.publicArea ?? UNSET]);
}

function counterAnswer(result: TpmResult<bigint>): TpmAnswer {
  return answerOf(result, (value) => [bytesOf(value)]);
}

function answerOf<T>(result: TpmResult<T>, values: (value: T) => readonly Uint8Array[]): TpmAnswer {
  return result.ok ? { ok: true, value: values(result.value) } : result;
}
