import { describe, expect, it } from "vitest";
import { findLines, readSourceTree, readText, type SourceFile } from "./source-tree.js";
import { BANNED_WORDS, EMPTY_NAMES, MACHINE_PLACES, REFERENCE_NUMBERS } from "./words.js";

const tree = readSourceTree();
const code = tree.filter(({ path }) => /\.(ts|mjs|cjs|js|c|h|py)$/.test(path));
const LINES_MAX = 400;

/** Files of others' words (a package's own name for a role) would stand here, each with the reason. */
const written = tree.filter(({ path }) => path !== "test/architecture/words.ts");

const planted = (text: string): readonly SourceFile[] => [{ path: "planted.ts", text }];

describe("what the repository holds", () => {
  it(`has no file of more than ${LINES_MAX} lines`, () => {
    const long = code
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });

  it("uses the project's words", () => {
    const found = BANNED_WORDS.flatMap(({ word, instead }) =>
      findLines(written, word).map((line) => `${line}   write: ${instead}`),
    );
    expect(found).toEqual([]);
  });

  it.each(BANNED_WORDS)("would find $word", ({ word }) => {
    const sample = word.source.replaceAll(/\\b|s\?|\(\?<!node:\)/g, "");
    expect(findLines(planted(`// the ${sample} here`), word)).toHaveLength(1);
    expect(findLines(planted("// the client here"), word)).toEqual([]);
  });

  it("has no file whose name says nothing", () => {
    expect(tree.map(({ path }) => path).filter((path) => EMPTY_NAMES.test(path))).toEqual([]);
    expect(EMPTY_NAMES.test("src/guard/door-misc.ts")).toBe(true);
    expect(EMPTY_NAMES.test("src/guard/update.ts")).toBe(false);
  });

  it("speaks of 0-based addresses, never of reference numbers", () => {
    const places = code.filter(({ path }) => /^(src|simulators|bench)\//.test(path));
    expect(findLines(places, REFERENCE_NUMBERS)).toEqual([]);
    expect(REFERENCE_NUMBERS.test("read 40001")).toBe(true);
    expect(REFERENCE_NUMBERS.test("after 4000 ms or 30_000 or 400")).toBe(false);
  });

  it("names no place on a machine and no package host", () => {
    expect(findLines(written, MACHINE_PLACES)).toEqual([]);
    expect(MACHINE_PLACES.test(["", "tmp", "x"].join("/"))).toBe(true);
  });

  it("skips no test and leaves none alone", () => {
    const tests = tree.filter(({ path }) => path.startsWith("test/"));
    const mark = /\b(?:it|test|describe)\s*\.\s*(?:skip|only|todo|skipIf|runIf|fails)\b/;
    expect(findLines(tests, mark)).toEqual([]);
    expect(mark.test(["it", "skip('x')"].join("."))).toBe(true);
  });

  it("silences neither the compiler nor the lint", () => {
    const mark = new RegExp(
      ["@ts-", "(?:ignore|expect-error|nocheck)|eslint-", "disable"].join(""),
    );
    const places = code.filter(
      ({ path }) => !/^test\/architecture\/(settings|tree)\.test\.ts$/.test(path),
    );
    expect(findLines(places, mark)).toEqual([]);
  });
});

describe("the lock file", () => {
  it("names no host", () => {
    expect(readText("package-lock.json")).not.toMatch(/"resolved":/);
  });

  it("pins every package exactly [HP-004]", () => {
    const { dependencies, devDependencies } = readPackage();
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+$/);
    }
  });
});

describe("docs/DEPENDENCIES.md", () => {
  it("has one line for each package of package.json, and none besides", () => {
    const { dependencies, devDependencies } = readPackage();
    const listed = [...readText("docs/DEPENDENCIES.md").matchAll(/^\| `([^`]+)` \| (\d\S*) \|/gm)]
      .map(([, name, version]) => `${name} ${version}`)
      .sort();
    const pinned = Object.entries({ ...dependencies, ...devDependencies }).map(
      ([name, version]) => `${name} ${version}`,
    );
    expect(listed).toEqual(pinned.sort());
  });
});

function readPackage(): {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
} {
  const text: unknown = JSON.parse(readText("package.json"));
  return {
    dependencies: readPins(text, "dependencies"),
    devDependencies: readPins(text, "devDependencies"),
  };
}

function readPins(from: unknown, key: string): Readonly<Record<string, string>> {
  const pins: unknown =
    typeof from === "object" && from !== null
      ? Object.entries(from).find(([name]) => name === key)?.[1]
      : {};
  if (typeof pins !== "object" || pins === null) throw new Error(`package.json has no ${key}`);
  return Object.fromEntries(Object.entries(pins).map(([name, version]) => [name, String(version)]));
}
