import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = [
  "package.json",
  "tsconfig.json",
  "src",
  "clients",
  "simulators",
  "profiles",
  "test",
];
const LIMIT_MS = 240_000;

export type Verdict = { readonly failed: boolean; readonly output: string };

/**
 * Copies the repository aside, makes one change in one file, and runs one test there. Throws when `find` does not
 * occur exactly once. `title` narrows to the tests whose title holds it.
 */
export function runMutant(mutant: {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
  readonly title: string;
}): Verdict {
  const root = mkdtempSync(join(tmpdir(), "holdpoint-mutant-"));
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(root, path), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    const path = join(root, mutant.file);
    writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), mutant));
    return runTest(root, mutant.test, mutant.title);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function replaceOnce(
  text: string,
  { file, find, replace }: { file: string; find: string; replace: string },
): string {
  const pieces = text.split(find);
  if (pieces.length !== 2) {
    throw new Error(`${file} holds ${pieces.length - 1} times what the mutant replaces: ${find}`);
  }
  return pieces.join(replace);
}

/** A run in which no test was selected proves nothing, so it is an error. */
function runTest(root: string, test: string, title: string): Verdict {
  const pattern = title.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const report = join(root, "report.json");
  const found = spawnSync(
    join(root, "node_modules", ".bin", "vitest"),
    [
      "run",
      "-c",
      "test/vitest.config.ts",
      test,
      "-t",
      pattern,
      "--reporter=json",
      `--outputFile=${report}`,
    ],
    { cwd: root, encoding: "utf8", timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 },
  );
  const output = `${found.stdout}${found.stderr}`;
  const counts: unknown = JSON.parse(readFileSync(report, "utf8"));
  const passed = countAt(counts, "numPassedTests");
  const failed = countAt(counts, "numFailedTests");
  if (passed + failed === 0)
    throw new Error(`no test ran: ${test}, "${title}"\n${output.slice(-2_000)}`);
  return { failed: failed > 0, output };
}

function countAt(from: unknown, key: string): number {
  const value: unknown =
    typeof from === "object" && from !== null
      ? Object.entries(from).find(([name]) => name === key)?.[1]
      : undefined;
  return typeof value === "number" ? value : 0;
}
