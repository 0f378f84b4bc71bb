import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Refusal } from "./output.js";

/**
 * The Python verifier as one script that needs no other file: what it imports from files beside it stands in it, where
 * the import stood. A Refusal when one of them is missing.
 */
export async function readVerifier(path: string): Promise<string> {
  let script = await readScript(path);
  for (const [line, module = ""] of [...script.matchAll(IMPORT)]) {
    const part = await readScript(join(dirname(path), `${module}.py`));
    script = script.replace(
      line,
      () => part.replace(DOCSTRING, "").replace(IMPORT, "").trim() + "\n",
    );
  }
  return script;
}

/** One line each. What a part imports of another stands before it: the script names them in that order. */
const IMPORT = /^from (bundle_\w+|key_bundle) import .+$/gm;
const DOCSTRING = /^"""[^"]*"""\n/;

async function readScript(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new Refusal(`${path}: the verifier that goes with an export is missing; install anew`, 2);
  }
}
