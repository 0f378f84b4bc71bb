import { describe, expect, it } from "vitest";
import { runMutant } from "../support/mutant-tree.js";
import { MUTANTS } from "./mutants.js";

const LIMIT_MS = 600_000;

describe("defences taken out of the shipped source", () => {
  it("are noticed only where the source really changed", { timeout: LIMIT_MS }, () => {
    const unchanged = {
      file: "src/kernel/record/reason.ts",
      find: 'says: "outside its range"',
      replace: 'says: "outside its range"',
      test: "test/architecture/reasons-doc.test.ts",
      title: "gives no number and no code twice",
    };
    expect(runMutant(unchanged).failed).toBe(false);
    expect(
      runMutant({
        ...unchanged,
        find: 'code: "step", number: 18',
        replace: 'code: "step", number: 17',
      }).failed,
    ).toBe(true);
    expect(() => runMutant({ ...unchanged, find: "not there at all" })).toThrow("0 times");
    expect(() => runMutant({ ...unchanged, title: "no such title" })).toThrow("no test ran");
  });

  for (const mutant of MUTANTS) {
    it(`${mutant.name}: "${mutant.title}" fails`, { timeout: LIMIT_MS }, () => {
      const verdict = runMutant(mutant);
      expect(verdict.failed, verdict.output.slice(-2_000)).toBe(true);
    });
  }
});
