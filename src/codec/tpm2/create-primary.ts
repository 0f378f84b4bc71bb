import type { TpmCommand } from "./command.js";
import { COMMAND, SIZE, TAG } from "./constant.js";
import { entityOf } from "./name.js";
import { encodePublic, type EccPublic } from "./public-area.js";
import { parseWhole, type TpmReader } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** An object that is loaded and has no place yet. */
export type LoadedObject = {
  readonly handle: number;
  /** TPMT_PUBLIC exactly as the TPM gave it. */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
};

/** TPM2_CreatePrimary (Library Part 3, 24.1): the same key each time for one seed and one template. */
export function createPrimary(
  hierarchy: number,
  template: EccPublic,
  auth: Uint8Array,
): TpmCommand<LoadedObject> {
  return {
    title: "TPM2_CreatePrimary",
    code: COMMAND.createPrimary,
    entities: [entityOf(hierarchy)],
    authorised: 1,
    parameters: creationParameters(template, auth),
    seals: { command: true, response: true },
    makesHandle: true,
    parse: (parameters, handle) =>
      parseWhole(parameters, (reader) => {
        const publicArea = reader.sized(SIZE.publicArea, 1);
        skipCreation(reader);
        return { handle, publicArea, name: reader.sized(SIZE.name, SIZE.name) };
      }),
  };
}

/** inSensitive with only an authorisation value, inPublic, no outside information, no PCRs. */
export function creationParameters(template: EccPublic, auth: Uint8Array): Uint8Array {
  const sensitive = new TpmWriter().sized(auth).sized(NOTHING).done();
  return new TpmWriter()
    .sized(sensitive)
    .sized(encodePublic(template))
    .sized(NOTHING)
    .u32(0)
    .done();
}

/** creationData, creationHash, creationTicket: whole, and of no use here. */
export function skipCreation(reader: TpmReader): void {
  reader.sized(SIZE.publicArea);
  reader.sized(SIZE.digest);
  reader.expect(2, TAG.creation, "tag");
  reader.u32();
  reader.sized(SIZE.attest);
}

const NOTHING = new Uint8Array(0);
