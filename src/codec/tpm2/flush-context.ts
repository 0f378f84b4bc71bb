import { parseNothing, type TpmCommand } from "./command.js";
import { COMMAND } from "./constant.js";
import { TpmWriter } from "./writer.js";

/** TPM2_FlushContext (Library Part 3, 28.4): forgets a loaded object or a session. Takes no session itself. */
export function flushContext(handle: number): TpmCommand<null> {
  return {
    title: "TPM2_FlushContext",
    code: COMMAND.flushContext,
    entities: [],
    authorised: 0,
    parameters: new TpmWriter().u32(handle).done(),
    seals: { command: false, response: false },
    makesHandle: false,
    parse: parseNothing,
  };
}
