import type { TpmCommand } from "./command.js";
import { COMMAND, SIZE } from "./constant.js";
import type { TpmEntity } from "./name.js";
import { parseWhole } from "./reader.js";

/** Of any kind of object: the area is bytes, so that its Name can be computed from what came. */
export type ObjectPublic = {
  readonly publicArea: Uint8Array;
  /** As the TPM says it; only a Name computed from `publicArea` proves anything. */
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
};

/** TPM2_ReadPublic (Library Part 3, 12.4). Its Name matters only where a session guards the answer. */
export function readPublic(object: TpmEntity): TpmCommand<ObjectPublic> {
  return {
    title: "TPM2_ReadPublic",
    code: COMMAND.readPublic,
    entities: [object],
    authorised: 0,
    parameters: new Uint8Array(0),
    seals: { command: false, response: true },
    makesHandle: false,
    parse: (parameters) =>
      parseWhole(parameters, (reader) => {
        const publicArea = reader.sized(SIZE.publicArea, 1);
        const name = reader.sized(SIZE.name, SIZE.name);
        return { publicArea, name, qualifiedName: reader.sized(SIZE.name, SIZE.name) };
      }),
  };
}
