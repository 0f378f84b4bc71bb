import type { SignedAttest } from "./attest.js";
import { attestParameters, parseSignedAttest } from "./certify.js";
import type { TpmCommand } from "./command.js";
import { ALGORITHM, COMMAND } from "./constant.js";
import type { TpmEntity } from "./name.js";

/** TPM2_Quote (Library Part 3, 18.4) of the SHA-256 bank. `pcrs` are 0 to 23. */
export function quote(
  signer: TpmEntity,
  qualifying: Uint8Array,
  pcrs: readonly number[],
): TpmCommand<SignedAttest> {
  const parameters = attestParameters(qualifying).u32(1).u16(ALGORITHM.sha256);
  return {
    title: "TPM2_Quote",
    code: COMMAND.quote,
    entities: [signer],
    authorised: 1,
    parameters: parameters.u8(SELECT_BYTES).raw(selectionOf(pcrs)).done(),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: parseSignedAttest,
  };
}

const SELECT_BYTES = 3;

function selectionOf(pcrs: readonly number[]): Uint8Array {
  const selection = new Uint8Array(SELECT_BYTES);
  for (const pcr of pcrs) {
    const byte = selection[pcr >> 3];
    if (byte === undefined || !Number.isInteger(pcr)) throw new RangeError(`TPM: no PCR ${pcr}`);
    selection[pcr >> 3] = byte | (1 << (pcr & 7));
  }
  return selection;
}
