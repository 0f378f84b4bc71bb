import type { SignedAttest } from "./attest.js";
import { attestParameters, parseSignedAttest } from "./certify.js";
import type { TpmCommand } from "./command.js";
import { COMMAND, HIERARCHY } from "./constant.js";
import { entityOf, type TpmEntity } from "./name.js";

/** TPM2_GetTime (Library Part 3, 18.7). The endorsement hierarchy and the signer are authorised. */
export function getTime(signer: TpmEntity, qualifying: Uint8Array): TpmCommand<SignedAttest> {
  return {
    title: "TPM2_GetTime",
    code: COMMAND.getTime,
    entities: [entityOf(HIERARCHY.endorsement), signer],
    authorised: 2,
    parameters: attestParameters(qualifying).done(),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: parseSignedAttest,
  };
}
