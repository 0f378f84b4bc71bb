import type { TpmCommand } from "./command.js";
import { COMMAND, SIZE, TAG } from "./constant.js";
import { entityOf } from "./name.js";
import { parseWhole } from "./reader.js";
import { TpmWriter } from "./writer.js";

/**
 * TPM2_PolicySecret (Library Part 3, 23.4) with no nonce, no cpHash and no expiry: whoever can authorise the
 * hierarchy satisfies the policy session, once.
 */
export function policySecret(hierarchy: number, policySession: number): TpmCommand<null> {
  const nothing = new Uint8Array(0);
  return {
    title: "TPM2_PolicySecret",
    code: COMMAND.policySecret,
    entities: [entityOf(hierarchy), entityOf(policySession)],
    authorised: 1,
    parameters: new TpmWriter().sized(nothing).sized(nothing).sized(nothing).u32(0).done(),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: (parameters) =>
      parseWhole(parameters, (reader) => {
        reader.sized(SIZE.digest);
        reader.expect(2, TAG.authSecret, "tag");
        reader.u32();
        reader.sized(SIZE.attest);
        return null;
      }),
  };
}
