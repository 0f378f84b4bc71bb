import { describe, expect, it } from "vitest";
import { PART_BYTES_MAX, PartJoiner, splitParts } from "../../../src/evidence/parts.js";
import type { Part } from "../../../src/kernel/record/entry.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";

const LONG = Uint8Array.from({ length: PART_BYTES_MAX * 2 + 17 }, (_, i) => i % 251);

function partsOf(whole: Uint8Array): readonly Part[] {
  return splitParts(whole, sha256).filter((item): item is Part => !(item instanceof Uint8Array));
}

describe("parts", () => {
  it("are made only of what does not fit one entry", () => {
    expect(splitParts(bytes(PART_BYTES_MAX, 1), sha256)).toEqual([bytes(PART_BYTES_MAX, 1)]);
    const parts = partsOf(LONG);
    expect(parts.map(({ part, of, bytes: each }) => [part, of, each.length])).toEqual([
      [0, 3, PART_BYTES_MAX],
      [1, 3, PART_BYTES_MAX],
      [2, 3, 17],
    ]);
  });

  it("give the whole with the last one", () => {
    const joiner = new PartJoiner(sha256);
    const joined = partsOf(LONG).map((part) => joiner.add(part));
    expect(joined.map(({ kind }) => kind)).toEqual(["more", "more", "whole"]);
    expect(joined.at(-1)).toEqual({ kind: "whole", bytes: LONG });
    expect(joiner.add(bytes(3, 1))).toEqual({ kind: "whole", bytes: bytes(3, 1) });
  });

  it("are refused out of order, of two wholes, changed, or in impossible numbers", () => {
    const [first, second, third] = partsOf(LONG);
    if (first === undefined || second === undefined || third === undefined)
      throw new Error("short");
    const add = (...parts: readonly Part[]): string | undefined => {
      const joiner = new PartJoiner(sha256);
      return parts.map((part) => joiner.add(part).kind).at(-1);
    };
    expect(add(second)).toBe("wrong");
    expect(add(first, third)).toBe("wrong");
    expect(add(first, first)).toBe("wrong");
    expect(add(first, { ...second, whole: bytes(32, 1) })).toBe("wrong");
    expect(add(first, second, { ...third, bytes: bytes(17, 0) })).toBe("wrong");
    expect(add({ ...first, of: 1 })).toBe("wrong");
    expect(add({ ...first, of: 1_000_000 })).toBe("wrong");
  });
});
