import { describe, expect, it } from "vitest";
import { InclusionWatch, RangeWatch } from "../../../src/evidence/inclusion-watch.js";
import { inclusionPath, MerkleTree } from "../../../src/evidence/merkle.js";
import { sha256 } from "../../support/evidence-samples.js";

describe("an inclusion path that is gathered while the tree grows", () => {
  it("is that of RFC 9162 for every leaf of every tree to 40", () => {
    const hashes = Array.from({ length: 40 }, (_, i) => sha256(Uint8Array.of(i, 1)));
    for (let size = 1; size <= hashes.length; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const tree = new MerkleTree(sha256);
        const watch = new InclusionWatch(index, sha256);
        tree.attach(watch);
        for (const hash of hashes.slice(0, size)) tree.push(hash);
        expect(watch.path(tree)).toEqual(inclusionPath(hashes.slice(0, size), index, sha256));
      }
    }
  });

  it("needs of what was before only its peaks, and is refused for a leaf that was", () => {
    const hashes = Array.from({ length: 23 }, (_, i) => sha256(Uint8Array.of(i)));
    for (let start = 0; start < hashes.length; start += 1) {
      const before = new MerkleTree(sha256);
      for (const hash of hashes.slice(0, start)) before.push(hash);
      for (let index = 0; index < hashes.length; index += 1) {
        const tree = new MerkleTree(sha256, start, before.peaks());
        const watch = new InclusionWatch(index, sha256);
        tree.attach(watch);
        for (const hash of hashes.slice(start)) tree.push(hash);
        const path = watch.path(tree);
        if (index >= start) expect(path).toEqual(inclusionPath(hashes, index, sha256));
        else if (path !== null) expect(path).toEqual(inclusionPath(hashes, index, sha256));
      }
    }
    const early = new InclusionWatch(23, sha256);
    expect(early.path(new MerkleTree(sha256))).toBeNull();
  });
});

describe("the paths of all leaves of a range", () => {
  it("are those of RFC 9162 for every range of every tree to 14, and of what came after its peaks", () => {
    const hashes = Array.from({ length: 14 }, (_, i) => sha256(Uint8Array.of(i, 2)));
    for (let size = 1; size <= hashes.length; size += 1) {
      const leaves = hashes.slice(0, size);
      for (let first = 0; first < size; first += 1) {
        const before = new MerkleTree(sha256);
        for (const hash of leaves.slice(0, first)) before.push(hash);
        for (let last = first; last < size; last += 1) {
          const watch = new RangeWatch({ first, last }, sha256);
          const tree = new MerkleTree(sha256, first, before.peaks());
          tree.attach(watch);
          for (const hash of leaves.slice(first)) tree.push(hash);
          const paths = Array.from({ length: last - first + 1 }, (_, i) =>
            inclusionPath(leaves, first + i, sha256),
          );
          expect(watch.paths(tree)).toEqual(paths);
        }
      }
    }
  });

  it("are refused where one of them is not in the tree, or was there before", () => {
    const tree = new MerkleTree(sha256);
    for (let i = 0; i < 5; i += 1) tree.push(sha256(Uint8Array.of(i)));
    const late = new RangeWatch({ first: 1, last: 5 }, sha256);
    tree.attach(late);
    tree.push(sha256(Uint8Array.of(5)));
    expect(late.paths(tree)).toBeNull();
    const beyond = new RangeWatch({ first: 5, last: 6 }, sha256);
    tree.attach(beyond);
    expect(beyond.paths(tree)).toBeNull();
  });
});
