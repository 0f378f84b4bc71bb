/** `holdpoint run`, with the bench's guard in the guard's place. usage: gateway-no-evidence --site FILE */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startSite } from "../src/cli/run.js";

const { values } = parseArgs({ options: { site: { type: "string" } } });
const site = startSite(
  { site: values.site ?? "", scale: 1, tied: false, log: null },
  {
    guard: fileURLToPath(new URL("guard-no-evidence.js", import.meta.url)),
    door: fileURLToPath(new URL("../src/main-door-modbus.js", import.meta.url)),
  },
);
process.once("SIGTERM", () => {
  site.stop().catch(() => undefined);
});
process.exitCode = await site.ended;
