import type { SignedAttest } from "./attest.js";
import type { TpmCommand } from "./command.js";
import { ALGORITHM, COMMAND, SIZE } from "./constant.js";
import type { TpmEntity } from "./name.js";
import { parseWhole, type TpmParsed } from "./reader.js";
import { takeSignature } from "./signature.js";
import { TpmWriter } from "./writer.js";

/** TPM2_Certify (Library Part 3, 18.2): `signer` says that `object` is in its TPM. Both are authorised. */
export function certify(
  object: TpmEntity,
  signer: TpmEntity,
  qualifying: Uint8Array,
): TpmCommand<SignedAttest> {
  return {
    title: "TPM2_Certify",
    code: COMMAND.certify,
    entities: [object, signer],
    authorised: 2,
    parameters: attestParameters(qualifying).done(),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: parseSignedAttest,
  };
}

/** qualifyingData, then the key's own scheme: how every attestation command begins. */
export function attestParameters(qualifying: Uint8Array): TpmWriter {
  if (qualifying.length > SIZE.qualifying)
    throw new RangeError(`TPM: qualifying data is at most ${SIZE.qualifying} bytes`);
  return new TpmWriter().sized(qualifying).u16(ALGORITHM.none);
}

/** TPM2B_ATTEST and TPMT_SIGNATURE: how every attestation command answers. */
export function parseSignedAttest(bytes: Uint8Array): TpmParsed<SignedAttest> {
  return parseWhole(bytes, (reader) => {
    const attest = reader.sized(SIZE.attest, 1);
    return { attest, signature: takeSignature(reader) };
  });
}
