import type { TpmCommand } from "./command.js";
import { COMMAND, SIZE } from "./constant.js";
import type { TpmEntity } from "./name.js";
import { parseWhole } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** What MakeCredential gave, each without its TPM2B length. */
export type Credential = {
  /** TPMS_ID_OBJECT. */
  readonly blob: Uint8Array;
  readonly secret: Uint8Array;
};

/**
 * TPM2_ActivateCredential (Library Part 3, 12.5): gives the hidden value only if `object` and `endorsementKey` live
 * in this one TPM. Both are authorised, the second by a policy session.
 */
export function activateCredential(
  object: TpmEntity,
  endorsementKey: TpmEntity,
  credential: Credential,
): TpmCommand<Uint8Array> {
  if (credential.blob.length > SIZE.credential || credential.secret.length > SIZE.encryptedSecret)
    throw new RangeError("TPM: the credential is longer than any");
  return {
    title: "TPM2_ActivateCredential",
    code: COMMAND.activateCredential,
    entities: [object, endorsementKey],
    authorised: 2,
    parameters: new TpmWriter().sized(credential.blob).sized(credential.secret).done(),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: (parameters) => parseWhole(parameters, (reader) => reader.sized(SIZE.digest, 1)),
  };
}
