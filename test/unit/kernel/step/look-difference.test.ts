import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelFact, Look, TagFact } from "../../../../src/kernel/record/look.js";
import { differLook, mergeLook } from "../../../../src/kernel/step/look-difference.js";

const look = (monoUs: number, tags: readonly TagFact[], kernel: readonly KernelFact[]): Look => ({
  monoUs,
  tags,
  kernel,
  mode: "enforcing",
  latched: [],
  bypasses: [],
  lease: null,
});
const tag = (raw: number, ageUs: number): TagFact => ({ tag: 0, raw, quality: "good", ageUs });
const planned = (value: number, ageUs: number): KernelFact => ({
  kind: "planned",
  index: 1,
  value,
  ageUs,
});

describe("what an outcome keeps of the second look", () => {
  it("is no fact that only grew older", () => {
    const second = look(15, [tag(7, 8)], [planned(3, 6)]);
    const difference = differLook(look(10, [tag(7, 3)], [planned(3, 1)]), second);
    expect(difference).toEqual({ ...second, tags: [], kernel: [] });
  });

  it("is every fact that changed, came newer, or came to be", () => {
    const first = look(10, [tag(7, 3)], []);
    const second = look(15, [tag(7, 1)], [planned(3, 0)]);
    expect(differLook(first, second)).toEqual(second);
  });

  it("says of facts that are gone that they are", () => {
    const first = look(10, [], [planned(3, 0), planned(4, 0)]);
    const difference = differLook(first, look(15, [], []));
    expect(difference.kernel).toEqual([{ kind: "planned", index: 1, value: null }]);
    expect(mergeLook(first, difference).kernel).toEqual([]);
  });

  it("gives the whole second look again together with the first (seed 20261123)", () => {
    const facts = fc.array(
      fc.record({
        kind: fc.constantFrom("planned" as const, "proven" as const, "starts" as const),
        index: fc.integer({ min: 0, max: 2 }),
        value: fc.integer({ min: 0, max: 2 }),
        ageUs: fc.integer({ min: 0, max: 20 }),
      }),
      { maxLength: 6 },
    );
    // Only planned values come and go; every other kind is there at every look.
    const standing = (all: readonly KernelFact[]): KernelFact[] => [
      ...all.filter(({ kind }) => kind === "planned"),
      ...[0, 1, 2].flatMap((index) =>
        (["proven", "starts"] as const).map((kind) => {
          const found = all.find((each) => each.kind === kind && each.index === index);
          return found ?? { kind, index, value: null };
        }),
      ),
    ];
    const byKey = (all: readonly KernelFact[]): KernelFact[] =>
      [...all].sort((a, b) => `${a.kind}${a.index}`.localeCompare(`${b.kind}${b.index}`));
    fc.assert(
      fc.property(facts, facts, fc.nat(9), fc.nat(9), (a, b, ageA, ageB) => {
        const first = look(100, [tag(1, ageA)], standing(a));
        const second = look(105, [tag(1, ageB)], standing(b));
        const merged = mergeLook(first, differLook(first, second));
        expect({ ...merged, kernel: byKey(merged.kernel) }).toEqual({
          ...second,
          kernel: byKey(second.kernel),
        });
      }),
      { seed: 20261123, numRuns: 2_000 },
    );
  });
});
