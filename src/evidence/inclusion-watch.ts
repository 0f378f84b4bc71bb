import type { Sha256 } from "./frame.js";
import { nodeHasher, raggedRoot, type MerkleTree, type NodeWatcher } from "./merkle.js";

/**
 * Gathers the inclusion path of one leaf while the tree grows, one hash a level, so that a log of any length
 * can be read once and in order. Attach it before the leaf is pushed.
 */
export class InclusionWatch implements NodeWatcher {
  readonly index: number;
  private readonly sha256: Sha256;
  private readonly siblings: (Uint8Array | undefined)[] = [];

  constructor(index: number, sha256: Sha256) {
    this.index = index;
    this.sha256 = sha256;
  }

  readonly note = (level: number, index: number, node: Uint8Array): void => {
    if (index === siblingOf(this.index, level)) this.siblings[level] = node;
  };

  /** Path in the tree as it is now (RFC 9162 section 2.1.3.1); null: the leaf, or what was beside it, was not seen. */
  path(tree: MerkleTree): readonly Uint8Array[] | null {
    const { size } = tree;
    if (this.index >= size) return null;
    const peaks = tree.peaks();
    const hash = nodeHasher(this.sha256);
    const path: Uint8Array[] = [];
    for (let level = 0; 2 ** level < size; level += 1) {
      const sibling = siblingOf(this.index, level);
      if (sibling * 2 ** level >= size) continue;
      const isWhole = (sibling + 1) * 2 ** level <= size;
      const node = isWhole ? this.siblings[level] : raggedRoot({ size, peaks }, level, hash);
      if (node === undefined) return null;
      path.push(node);
    }
    return path;
  }
}

/** Number of the subtree beside the one of 2^`level` leaves in which this leaf is. */
function siblingOf(leaf: number, level: number): number {
  const own = Math.floor(leaf / 2 ** level);
  return own % 2 === 1 ? own - 1 : own + 1;
}
