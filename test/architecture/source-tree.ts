import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

export type SourceFile = { readonly path: string; readonly text: string };

const NOT_OURS = new Set(["node_modules", "dist", ".git", "coverage", ".cache", "demo-data"]);
const READ = /\.(ts|mts|js|mjs|cjs|c|h|json|md|ya?ml|py|sh)$|^\.ci\/run$|^\.npmrc$/;

/** Every text file of the repository that a person wrote, with its path from the root, sorted. */
export function readSourceTree(): readonly SourceFile[] {
  return listFiles(ROOT)
    .map((path) => relative(ROOT, path).split(sep).join("/"))
    .filter((path) => READ.test(path) && path !== "package-lock.json")
    .sort()
    .map((path) => ({ path, text: readText(path) }));
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Each breach as `path:line  text`, so that a failing test shows where to look. */
export function findLines(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
      .filter(({ line }) => pattern.test(line))
      .map(({ line, at }) => `${at}  ${line.trim().slice(0, 120)}`),
  );
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return entry.isFile() ? [path] : [];
  });
}
