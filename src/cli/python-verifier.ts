import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Refusal } from "./output.js";

/** The Python verifier as one file: each `from X import ...` of a module beside it gives way to that module's text. */
export async function readVerifier(path: string): Promise<string> {
  const text = await readScript(path);
  const folder = dirname(path);
  const lines = await Promise.all(
    text.split("\n").map(async (line) => {
      const [, module] = OWN_IMPORT.exec(line) ?? [];
      return module === undefined ? line : await readScript(join(folder, `${module}.py`));
    }),
  );
  return lines.join("\n");
}

/** Modules of others are named `from cryptography ...`; ours have an underscore in their name. */
const OWN_IMPORT = /^from ([a-z]+(?:_[a-z]+)+) import /;

async function readScript(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new Refusal(`${path}: the verifier that goes with an export is missing; install anew`, 2);
  }
}
