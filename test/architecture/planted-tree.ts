import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "./source-tree.js";

export type PlantedTree = {
  readonly root: string;
  readonly run: (
    program: string,
    args: readonly string[],
  ) => { readonly code: number; readonly output: string };
  readonly remove: () => void;
};

const SETTINGS = [
  "package.json",
  "tsconfig.json",
  "test/architecture/knip.json",
  "src/tsconfig.pure.json",
  "test/tsconfig.json",
  "test/architecture/layers.cjs",
  "test/architecture/eslint.config.js",
];

/**
 * A small repository of its own with our settings and the files given, so that the settings are shown to catch
 * what they are there to catch. Packages are those of the real one.
 */
export function plantTree(files: Readonly<Record<string, string>>): PlantedTree {
  const root = mkdtempSync(join(tmpdir(), "holdpoint-planted-"));
  for (const path of SETTINGS) copy(path, root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  return {
    root,
    run: (program, args) => {
      const found = spawnSync(join(root, "node_modules", ".bin", program), args, {
        cwd: root,
        encoding: "utf8",
        timeout: 120_000,
        maxBuffer: 16 * 1024 * 1024,
      });
      return { code: found.status ?? -1, output: `${found.stdout}${found.stderr}` };
    },
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function copy(path: string, root: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  cpSync(join(ROOT, path), join(root, path));
}
