import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PlantedTree, plantTree } from "./planted-tree.js";

/** One planted breach per line: the file, its text, and what the tool must say about it. */
const LINT: readonly (readonly [title: string, path: string, text: string, says: string])[] = [
  ["a clock in the kernel", "src/kernel/a.ts", "export const now = Date.now();\n", "pure core"],
  [
    "randomness in the kernel",
    "src/kernel/b.ts",
    "export const roll = (): number => Math.random();\n",
    "no randomness",
  ],
  [
    "module state in the codec",
    "src/codec/a.ts",
    "let count = 0;\nexport const next = (): number => (count += 1);\n",
    "no module state",
  ],
  [
    "an async function in the evidence folder",
    "src/evidence/a.ts",
    "export async function wait(): Promise<void> {\n  await Promise.resolve();\n}\n",
    "synchronous",
  ],
  [
    "a Node module in the profile folder",
    "src/profile/a.ts",
    'import { sep } from "node:path";\nexport const s = sep;\n',
    "no runtime",
  ],
  [
    "a cast",
    "src/guard/a.ts",
    "export const f = (value: unknown): string => value as string;\n",
    "no casts",
  ],
  [
    "any",
    "src/guard/b.ts",
    "export const f = (value: any): string => String(value);\n",
    "no-explicit-any",
  ],
  [
    "a non-null assertion",
    "src/guard/c.ts",
    "export const f = (list: readonly string[]): string => list[0]!;\n",
    "no-non-null-assertion",
  ],
  [
    "a switch that misses a case of a union",
    "src/guard/d.ts",
    'export function f(mode: "on" | "off"): number {\n  switch (mode) {\n    case "on":\n      return 1;\n  }\n  return 0;\n}\n',
    "switch-exhaustiveness-check",
  ],
  [
    "a promise nobody waits for",
    "src/guard/e.ts",
    "export function f(): void {\n  Promise.resolve();\n}\n",
    "no-floating-promises",
  ],
  ["a default export", "src/guard/f.ts", "const one = 1;\nexport default one;\n", "default"],
  [
    "more than four parameters",
    "src/guard/g.ts",
    "export const f = (a: number, b: number, c: number, d: number, e: number): number => a + b + c + d + e;\n",
    "max-params",
  ],
  [
    "a function of more than 70 lines",
    "src/guard/h.ts",
    `export function f(): number {\n  let n = 0;\n${"  n += 1;\n".repeat(70)}  return n;\n}\n`,
    "max-lines-per-function",
  ],
  [
    "a file of more than 400 lines",
    "src/guard/i.ts",
    Array.from({ length: 401 }, (_, n) => `export const n${n} = ${n};\n`).join(""),
    "max-lines",
  ],
  [
    "a comment that silences the lint",
    "src/guard/j.ts",
    "// eslint-disable-next-line @typescript-eslint/no-explicit-any\nexport const f = (value: any): string => String(value);\n",
    "no-explicit-any",
  ],
];

const CLEAN: Readonly<Record<string, string>> = {
  "src/kernel/clean.ts":
    "/** Sum of both. */\nexport function addBoth(left: number, right: number): number {\n  return left + right;\n}\n",
  "test/clean.test.ts": "export const nothing = 0;\n",
};

describe("lint settings", () => {
  let planted: PlantedTree;
  let found = new Map<string, string>();
  beforeAll(() => {
    planted = plantTree({
      ...CLEAN,
      ...Object.fromEntries(LINT.map(([, path, text]) => [path, text])),
    });
    const { output } = planted.run("eslint", [
      "-c",
      "test/architecture/eslint.config.js",
      "--format",
      "json",
      "src",
    ]);
    found = readLintReport(output, planted.root);
  });
  afterAll(() => {
    planted.remove();
  });

  for (const [title, path, , says] of LINT) {
    it(`refuses ${title} [HP-002 refuses]`, () => {
      expect(found.get(path)).toContain(says);
    });
  }

  it("lets a plain pure function pass [HP-002 allows]", () => {
    expect(found.get("src/kernel/clean.ts")).toBe("");
  });
});

describe("the pure core's compiler settings", () => {
  const compile = (text: string): { readonly code: number; readonly output: string } => {
    const planted = plantTree({ "src/kernel/planted.ts": text });
    const result = planted.run("tsc", ["-p", "src/tsconfig.pure.json"]);
    planted.remove();
    return result;
  };

  it("do not know the globals of Node or of a browser", () => {
    const { code, output } = compile(
      "export const host: unknown = process.pid;\nexport const later: unknown = setTimeout;\nexport const bytes: unknown = Buffer;\n",
    );
    expect(code).not.toBe(0);
    for (const name of ["process", "setTimeout", "Buffer"]) {
      expect(output).toContain(`'${name}'`);
    }
  });

  it("compile what uses the language alone", () => {
    expect(compile("export const bytes: Uint8Array = new Uint8Array(4);\n").code).toBe(0);
  });
});

describe("the check for unused code", () => {
  it("names a file that nothing reaches and an export that nobody uses", () => {
    const planted = plantTree({
      "src/main-cli.ts": 'import { used } from "./cli/used.js";\nused();\n',
      "src/cli/used.ts":
        "export function used(): void {\n  return;\n}\nexport const forgotten = 1;\n",
      "src/cli/orphan.ts": "export const nobody = 1;\n",
    });
    const { code, output } = planted.run("knip", ["--config", "test/architecture/knip.json"]);
    planted.remove();
    expect(code).not.toBe(0);
    expect(output).toContain("src/cli/orphan.ts");
    expect(output).toContain("forgotten");
  });
});

/** Path from the root to all rule ids and messages said about it, joined. */
function readLintReport(json: string, root: string): Map<string, string> {
  const files: unknown = JSON.parse(json.slice(json.indexOf("[{")));
  const result = new Map<string, string>();
  if (!Array.isArray(files)) return result;
  for (const file of files) {
    const { filePath, messages } = readFileReport(file);
    result.set(filePath.slice(filePath.indexOf(root) + root.length + 1), messages.join("; "));
  }
  return result;
}

function readFileReport(file: unknown): { filePath: string; messages: readonly string[] } {
  if (typeof file !== "object" || file === null) return { filePath: "", messages: [] };
  const filePath = "filePath" in file ? String(file.filePath) : "";
  const list: unknown = "messages" in file ? file.messages : [];
  const messages = Array.isArray(list) ? list.map((message) => JSON.stringify(message)) : [];
  return { filePath, messages };
}
