import { describe, expect, it } from "vitest";
import { readSourceTree, readText } from "./source-tree.js";

type Requirement = {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
};

/**
 * A `decision` is held by a test that something is allowed and by one that something is refused; a `property` by
 * any test that carries its number. What is `open` needs none yet, and names the issue it comes with.
 */
const KINDS = ["decision", "property"];
const STATE = /^(?:held|open #\d+)$/;
const ROW = /^\| (HP-\d{3}) \| .+ \| (\w+) \| ([^|]+) \|$/gm;
const TAG = /\[(HP-\d{3})(?: (allows|refuses))?\]/g;

const requirements = readRequirements(readText("docs/REQUIREMENTS.md"));
const tags = readTags();

describe("docs/REQUIREMENTS.md", () => {
  it("numbers its requirements once each, in order", () => {
    const ids = requirements.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(30);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  it("says of each whether it is held, or with which issue it comes", () => {
    for (const { id, kind, state } of requirements) {
      expect(KINDS, id).toContain(kind);
      expect(state, id).toMatch(STATE);
    }
  });

  it("has for each that is held the tests that hold it", () => {
    const held = requirements.filter(({ state }) => state === "held");
    expect(held.flatMap((requirement) => missingTests(requirement, tags))).toEqual([]);
  });

  it("is named by tests only with numbers that it has", () => {
    const known = new Set(requirements.map(({ id }) => id));
    expect([...tags].filter((tag) => !known.has(tag.slice(0, 6)))).toEqual([]);
  });

  it("would miss the refusing test of a decision that only allows", () => {
    const decision: Requirement = { id: "HP-999", kind: "decision", state: "held" };
    expect(missingTests(decision, new Set(["HP-999 allows"]))).toEqual(["HP-999 refuses"]);
    expect(missingTests(decision, new Set(["HP-999 allows", "HP-999 refuses"]))).toEqual([]);
    const property: Requirement = { id: "HP-998", kind: "property", state: "held" };
    expect(missingTests(property, new Set())).toEqual(["HP-998"]);
    expect(missingTests(property, new Set(["HP-998"]))).toEqual([]);
  });
});

function missingTests(requirement: Requirement, present: ReadonlySet<string>): readonly string[] {
  const { id, kind } = requirement;
  if (kind === "decision")
    return [`${id} allows`, `${id} refuses`].filter((tag) => !present.has(tag));
  const any = [...present].some((tag) => tag.startsWith(id));
  return any ? [] : [id];
}

function readRequirements(text: string): readonly Requirement[] {
  return [...text.matchAll(ROW)].map(([, id = "", kind = "", state = ""]) => ({
    id,
    kind,
    state: state.trim(),
  }));
}

function readTags(): ReadonlySet<string> {
  const files = readSourceTree().filter(
    ({ path }) => path.endsWith(".test.ts") && path !== "test/architecture/requirements.test.ts",
  );
  const found = files.flatMap(({ text }) => [...text.matchAll(TAG)]);
  return new Set(found.map(([, id, way]) => (way === undefined ? `${id}` : `${id} ${way}`)));
}
