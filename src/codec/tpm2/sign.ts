import type { TpmCommand } from "./command.js";
import { ALGORITHM, COMMAND, HIERARCHY, SIZE, TAG } from "./constant.js";
import type { TpmEntity } from "./name.js";
import { parseWhole } from "./reader.js";
import { takeSignature } from "./signature.js";
import { TpmWriter } from "./writer.js";

/** TPM2_Sign (Library Part 3, 20.2), ECDSA over a SHA-256 digest: 64 bytes r || s. A restricted key refuses it. */
export function sign(key: TpmEntity, digest: Uint8Array): TpmCommand<Uint8Array> {
  if (digest.length !== SIZE.digest) throw new RangeError("TPM: a SHA-256 digest is 32 bytes");
  const parameters = new TpmWriter().sized(digest).u16(ALGORITHM.ecdsa).u16(ALGORITHM.sha256);
  // The ticket that says "not hashed by this TPM".
  parameters.u16(TAG.hashCheck).u32(HIERARCHY.none).u16(0);
  return {
    title: "TPM2_Sign",
    code: COMMAND.sign,
    entities: [key],
    authorised: 1,
    parameters: parameters.done(),
    seals: { command: true, response: false },
    makesHandle: false,
    parse: (bytes) => parseWhole(bytes, takeSignature),
  };
}
