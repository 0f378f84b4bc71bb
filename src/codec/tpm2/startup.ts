import { parseNothing, type TpmCommand } from "./command.js";
import { COMMAND } from "./constant.js";
import { TpmWriter } from "./writer.js";

/** TPM2_Startup(CLEAR) (Library Part 3, 9.3). A TPM that runs already refuses it with `ALREADY_STARTED`. */
export function startup(): TpmCommand<null> {
  return {
    title: "TPM2_Startup",
    code: COMMAND.startup,
    entities: [],
    authorised: 0,
    parameters: new TpmWriter().u16(0).done(),
    seals: { command: false, response: false },
    makesHandle: false,
    parse: parseNothing,
  };
}

/** TPM_RC_INITIALIZE: before startup, everything else is refused with it; after, startup is. */
export const ALREADY_STARTED = 0x100;
