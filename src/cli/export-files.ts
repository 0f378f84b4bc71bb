import { mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { NewFile } from "./export-parts.js";
import { Refusal } from "./output.js";

/** All or nothing where any of them is there already. */
export async function writeFiles(folder: string, files: readonly NewFile[]): Promise<void> {
  for (const { path } of files) {
    const there = await stat(join(folder, path)).catch(() => null);
    if (there === null) continue;
    throw new Refusal(`${join(folder, path)} is there already: name another file with --out`, 2);
  }
  for (const { path, content } of files) {
    const file = join(folder, path);
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { flag: "wx" });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown fault";
      throw new Refusal(`${file} cannot be written (${code})`, 2);
    }
  }
}
