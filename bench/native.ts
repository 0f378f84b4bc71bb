import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./child-process.js";

/** Paths of the compiled C programs. */
export type Native = { readonly plc: string; readonly load: string; readonly timer: string };

/** Sources stand beside the TypeScript, two folders above the built file. */
const SOURCES = fileURLToPath(new URL("../../bench", import.meta.url));

/** Compiles the C programs of this bench into `folder`. Needs gcc. */
export async function compileNative(folder: string): Promise<Native> {
  const compile = async (name: string): Promise<string> => {
    const program = join(folder, name);
    await runToEnd("gcc", ["-O2", "-std=c11", "-o", program, join(SOURCES, `${name}.c`)]);
    return program;
  };
  return { plc: await compile("plc"), load: await compile("load"), timer: await compile("timer") };
}
