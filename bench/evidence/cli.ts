import { fileURLToPath } from "node:url";

/** The command line as it is built. */
export const CLI: string = fileURLToPath(new URL("../../src/main-cli.js", import.meta.url));
