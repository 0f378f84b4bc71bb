import { parseNothing, type TpmCommand } from "./command.js";
import { COMMAND, HIERARCHY } from "./constant.js";
import { entityOf, type TpmEntity } from "./name.js";
import { TpmWriter } from "./writer.js";

/**
 * TPM2_EvictControl (Library Part 3, 28.5): keeps a loaded object at `persistent`; given the kept object itself
 * and its own handle, removes it.
 */
export function evictControl(object: TpmEntity, persistent: number): TpmCommand<null> {
  return {
    title: "TPM2_EvictControl",
    code: COMMAND.evictControl,
    entities: [entityOf(HIERARCHY.owner), object],
    authorised: 1,
    parameters: new TpmWriter().u32(persistent).done(),
    seals: { command: false, response: false },
    makesHandle: false,
    parse: parseNothing,
  };
}
