import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadSite } from "../../src/profile/site.js";
import { load, SOUND } from "../unit/profile/fixture.js";

const SEED = 20_261_102;

/** SOUND with one stretch cut out, doubled, or overwritten. */
const damaged = fc
  .record({
    from: fc.nat(SOUND.length - 1),
    length: fc.integer({ min: 0, max: 40 }),
    instead: fc.oneof(
      fc.constant(""),
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "&a ",
        "*a",
        "!x ",
        "? ",
        "\n",
        "\t",
        "'",
        '"',
        "|",
        "#",
        "<<: ",
        "\u2028",
      ),
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        "999999999999999999999",
        "-1",
        ".nan",
        ".inf",
        "null",
        "~",
        "true",
        "0x10",
        "1e400",
        "__proto__",
      ),
    ),
  })
  .map(({ from, length, instead }) => SOUND.slice(0, from) + instead + SOUND.slice(from + length));

describe(`damaged files [seed ${SEED}]`, () => {
  it("load or are refused with places inside the file, and never throw", () => {
    const seen = { loaded: 0, refused: 0 };
    fc.assert(
      fc.property(damaged, (text) => {
        const result = load(text);
        seen[result.ok ? "loaded" : "refused"]++;
        const found = result.ok ? result.warnings : result.diagnostics;
        expect(result.ok || found.some((diagnostic) => diagnostic.severity === "error")).toBe(true);
        for (const diagnostic of found) {
          expect(diagnostic.from).toBeGreaterThanOrEqual(0);
          expect(diagnostic.from).toBeLessThanOrEqual(text.length);
          expect(diagnostic.to).toBeGreaterThanOrEqual(diagnostic.from);
          expect(diagnostic.message).not.toBe("");
        }
        expect(result.rendered).toHaveLength(found.length);
      }),
      { seed: SEED, numRuns: 400 },
    );
    expect(seen.refused).toBeGreaterThan(150);
    expect(seen.loaded).toBeGreaterThan(10);
  });

  it("of any text at all are refused and never throw", () => {
    const yamlish = fc.array(
      fc.constantFrom(
        "a",
        ": ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        "  ",
        "'",
        '"',
        "|",
        ">",
        "#",
        "&",
        "*",
        "!",
        "%",
        "@",
        "---\n",
        "...\n",
        "? ",
        "1",
        "~",
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          yamlish.map((pieces) => pieces.join("")),
        ),
        (text) => {
          expect(load(text).ok).toBe(false);
          expect(loadSite(text, "site.yaml").ok).toBe(false);
        },
      ),
      { seed: SEED, numRuns: 1_000 },
    );
  });
});
