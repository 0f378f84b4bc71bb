import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The command as it is built: `holdpoint`. */
export const CLI: string = fileURLToPath(new URL("../../dist/src/main-cli.js", import.meta.url));

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** To its end, with what it wrote to either stream; a code of -1 where a signal ended it. */
export async function holdpoint(...args: readonly string[]): Promise<Ran> {
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, [CLI, ...args], (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });
}
