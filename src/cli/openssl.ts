import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Refusal } from "./output.js";

const WITHIN_MS = 30_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
const run = promisify(execFile);

export type OpensslRun = { readonly ok: boolean; readonly output: string; readonly why: string };

/** Runs `openssl` to its end, what it prints and, where it says no, its last line. Null: it is not installed. */
export async function askOpenssl(args: readonly string[]): Promise<OpensslRun | null> {
  try {
    const how = { timeout: WITHIN_MS, maxBuffer: OUTPUT_BYTES_MAX };
    const { stdout } = await run("openssl", [...args], how);
    return { ok: true, output: stdout, why: "" };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return isMissing ? null : { ok: false, output: "", why: lastLine(error) };
  }
}

/** What it prints; a Refusal with its last line where it says no, or where it is not installed. */
export async function runOpenssl(args: readonly string[]): Promise<string> {
  const ran = await askOpenssl(args);
  if (ran?.ok === true) return ran.output;
  throw new Refusal(`openssl ${args[0] ?? ""}: ${ran?.why ?? NOT_INSTALLED}`, 2);
}

const NOT_INSTALLED = "it is not installed";

function lastLine(error: unknown): string {
  const text = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  return text.trim().split("\n").at(-1) ?? "it failed";
}
