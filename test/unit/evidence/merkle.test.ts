import { describe, expect, it } from "vitest";
import { verifyConsistency, verifyInclusion } from "../../../src/evidence/merkle-proof.js";
import { inclusionPath, MerkleTree } from "../../../src/evidence/merkle.js";
import { sha256 } from "../../support/evidence-samples.js";

const COUNT = 70;
const LEAVES = Array.from({ length: COUNT }, (_, i) => sha256(Uint8Array.of(0, i)));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

/** RFC 9162 section 2.1.1, word for word. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return first;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  const left = treeHash(leaves.slice(0, k));
  const right = treeHash(leaves.slice(k));
  return sha256(Uint8Array.of(1, ...left, ...right));
}

describe("the Merkle tree", () => {
  it("has at every size the root of RFC 9162", () => {
    const tree = new MerkleTree(sha256);
    for (let size = 0; size <= COUNT; size += 1) {
      expect(hexOf(tree.root())).toBe(hexOf(treeHash(LEAVES.slice(0, size))));
      const leaf = LEAVES[size];
      if (leaf !== undefined) tree.push(leaf);
    }
  });

  it("goes on from its peaks as if it had never stopped", () => {
    const tree = new MerkleTree(sha256);
    for (const leaf of LEAVES.slice(0, 37)) tree.push(leaf);
    const again = new MerkleTree(sha256, tree.size, tree.peaks());
    for (const leaf of LEAVES.slice(37)) again.push(leaf);
    expect(hexOf(again.root())).toBe(hexOf(treeHash(LEAVES)));
  });

  it("proves from every size to every later one that it only grew, while it grows", () => {
    for (let size1 = 1; size1 <= COUNT; size1 += 1) {
      const tree = new MerkleTree(sha256);
      for (const leaf of LEAVES.slice(0, size1)) tree.push(leaf);
      const root1 = tree.root();
      const watcher = tree.watch();
      for (let size2 = size1; size2 <= COUNT; size2 += 1) {
        const path = tree.prove(watcher);
        const root2 = tree.root();
        const proof = { size1, size2, path };
        expect(verifyConsistency(proof, root1, root2, sha256), `${size1} to ${size2}`).toBe(true);
        if (size2 > size1) {
          expect(verifyConsistency(proof, root2, root1, sha256)).toBe(false);
        }
        const leaf = LEAVES[size2];
        if (leaf !== undefined) tree.push(leaf);
      }
    }
  });

  it("gives the proofs of the example in RFC 9162 section 2.1.5", () => {
    const leaf = (index: number): Uint8Array => LEAVES[index] ?? new Uint8Array(0);
    const [a, b, c, d, e, f, j] = [leaf(0), leaf(1), leaf(2), leaf(3), leaf(4), leaf(5), leaf(6)];
    const node = (left: Uint8Array, right: Uint8Array): Uint8Array =>
      sha256(Uint8Array.of(1, ...left, ...right));
    const [g, h, i] = [node(a, b), node(c, d), node(e, f)];
    const [k, l] = [node(g, h), node(i, j)];
    const prove = (from: number): readonly string[] => {
      const tree = new MerkleTree(sha256);
      for (const each of LEAVES.slice(0, from)) tree.push(each);
      const watcher = tree.watch();
      for (const each of LEAVES.slice(from, 7)) tree.push(each);
      return tree.prove(watcher).map(hexOf);
    };
    expect(prove(3)).toEqual([c, d, g, l].map(hexOf));
    expect(prove(4)).toEqual([l].map(hexOf));
    expect(prove(6)).toEqual([i, j, k].map(hexOf));
    const seven = LEAVES.slice(0, 7);
    expect(inclusionPath(seven, 0, sha256).map(hexOf)).toEqual([b, h, l].map(hexOf));
    expect(inclusionPath(seven, 3, sha256).map(hexOf)).toEqual([c, g, l].map(hexOf));
    expect(inclusionPath(seven, 4, sha256).map(hexOf)).toEqual([f, j, k].map(hexOf));
    expect(inclusionPath(seven, 6, sha256).map(hexOf)).toEqual([i, k].map(hexOf));
  });

  it("proves every leaf in every tree, and no other leaf or place", () => {
    for (let size = 1; size <= 33; size += 1) {
      const root = treeHash(LEAVES.slice(0, size));
      for (let index = 0; index < size; index += 1) {
        const path = inclusionPath(LEAVES.slice(0, size), index, sha256);
        const leaf = LEAVES[index] ?? new Uint8Array(0);
        expect(verifyInclusion({ size, index, path }, leaf, root, sha256)).toBe(true);
        expect(verifyInclusion({ size, index: index + 1, path }, leaf, root, sha256)).toBe(false);
        const other = LEAVES[index + 1] ?? new Uint8Array(0);
        expect(verifyInclusion({ size, index, path }, other, root, sha256)).toBe(false);
      }
    }
  });

  it("refuses sizes that are none and hashes of another length", () => {
    const root = treeHash(LEAVES.slice(0, 2));
    const [leaf, other] = LEAVES;
    if (leaf === undefined || other === undefined) throw new Error("too few leaves");
    const path = [other];
    for (const size of [-1, 0, 1.5, Number.NaN, Infinity]) {
      expect(verifyInclusion({ size, index: 0, path }, leaf, root, sha256)).toBe(false);
      expect(verifyConsistency({ size1: size, size2: 2, path }, root, root, sha256)).toBe(false);
    }
    const short = [other.slice(0, 31)];
    expect(verifyInclusion({ size: 2, index: 0, path: short }, leaf, root, sha256)).toBe(false);
  });

  it("forgets a watcher it is told to forget", () => {
    const tree = new MerkleTree(sha256);
    for (const leaf of LEAVES.slice(0, 3)) tree.push(leaf);
    const watcher = tree.watch();
    tree.forget(watcher);
    for (const leaf of LEAVES.slice(3, 8)) tree.push(leaf);
    expect(() => tree.prove(watcher)).toThrow(/no right edge/);
  });
});
