import type { TpmCommand } from "./command.js";
import { COMMAND, SIZE } from "./constant.js";
import { creationParameters, skipCreation } from "./create-primary.js";
import type { TpmEntity } from "./name.js";
import type { EccPublic } from "./public-area.js";
import { parseWhole } from "./reader.js";
import { TpmWriter } from "./writer.js";

/** A new key, wrapped by its parent; it is nowhere in the TPM until it is loaded. */
export type WrappedKey = { readonly privateArea: Uint8Array; readonly publicArea: Uint8Array };

/** TPM2_Create (Library Part 3, 12.1). */
export function create(
  parent: TpmEntity,
  template: EccPublic,
  auth: Uint8Array,
): TpmCommand<WrappedKey> {
  return {
    title: "TPM2_Create",
    code: COMMAND.create,
    entities: [parent],
    authorised: 1,
    parameters: creationParameters(template, auth),
    seals: { command: true, response: true },
    makesHandle: false,
    parse: (parameters) =>
      parseWhole(parameters, (reader) => {
        const privateArea = reader.sized(SIZE.privateArea, 1);
        const publicArea = reader.sized(SIZE.publicArea, 1);
        skipCreation(reader);
        return { privateArea, publicArea };
      }),
  };
}

/** TPM2_Load (Library Part 3, 12.2). */
export function load(parent: TpmEntity, key: WrappedKey): TpmCommand<TpmEntity> {
  return {
    title: "TPM2_Load",
    code: COMMAND.load,
    entities: [parent],
    authorised: 1,
    parameters: new TpmWriter().sized(key.privateArea).sized(key.publicArea).done(),
    seals: { command: true, response: true },
    makesHandle: true,
    parse: (parameters, handle) =>
      parseWhole(parameters, (reader) => ({ handle, name: reader.sized(SIZE.name, SIZE.name) })),
  };
}
