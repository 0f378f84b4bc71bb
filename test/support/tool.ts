import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a program of Debian says; a failing one fails the test with its own words. */
export async function runTool(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(program, [...args]);
  return `${stdout}${stderr}`;
}
