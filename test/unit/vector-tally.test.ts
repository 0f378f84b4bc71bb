import { describe, expect, it } from "vitest";
import { tellVectors } from "../vector-tally.mjs";

const all = new Map([
  ["cbor", 80],
  ["cose", 60],
  ["merkle", 300],
]);

describe("what a test run says of public vectors", () => {
  it("is how many of each sort ran", () => {
    for (const mustRun of [true, false]) {
      const summary = "vectors: 440 run (cbor 80, cose 60, merkle 300)";
      expect(tellVectors(all, { mustRun })).toEqual({ summary, failures: [] });
    }
  });

  it("is a failure for each sort of which none ran where they must, and names the setting", () => {
    for (const kind of all.keys()) {
      const gone = new Map(all);
      gone.delete(kind);
      for (const counts of [new Map(all).set(kind, 0), gone, new Map(all).set(kind, NaN)]) {
        const { failures } = tellVectors(counts, { mustRun: true });
        expect(failures).toHaveLength(1);
        expect(failures[0]).toContain(`no ${kind} vectors ran`);
        expect(failures[0]).toContain("HOLDPOINT_VECTORS");
      }
    }
    expect(tellVectors(new Map(), { mustRun: true }).failures).toHaveLength(3);
  });

  it("is no failure elsewhere, where they may be missing", () => {
    const { summary, failures } = tellVectors(new Map([["cose", 0]]), { mustRun: false });
    expect(failures).toEqual([]);
    expect(summary).toMatch(/^vectors: 0 run .*HOLDPOINT_VECTORS/);
  });
});
