import type { Sha256 } from "./frame.js";
import {
  nodeHasher,
  raggedRoot,
  type MerkleTree,
  type NodeHash,
  type NodeWatcher,
} from "./merkle.js";

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
    const edge = { size, peaks: tree.peaks(), hash: nodeHasher(this.sha256) };
    return gatherPath(edge, this.index, (level) => this.siblings[level]);
  }
}

/**
 * The same for every leaf from `first` to `last`: what their paths share is kept once. At most two hashes a leaf,
 * and two a level.
 */
export class RangeWatch implements NodeWatcher {
  private readonly first: number;
  private readonly last: number;
  private readonly sha256: Sha256;
  private readonly levels: Map<number, Uint8Array>[] = [];

  constructor(range: { readonly first: number; readonly last: number }, sha256: Sha256) {
    this.first = range.first;
    this.last = range.last;
    this.sha256 = sha256;
  }

  readonly note = (level: number, index: number, node: Uint8Array): void => {
    const lowest = Math.floor(this.first / 2 ** level);
    const highest = Math.floor(this.last / 2 ** level);
    // One more on either side: the sibling of the outermost ones.
    if (index < lowest - 1 || index > highest + 1) return;
    this.levels[level] ??= new Map();
    this.levels[level].set(index, node);
  };

  /** Paths of all, in their order, in the tree as it is now; null: one of them was not seen. */
  paths(tree: MerkleTree): readonly (readonly Uint8Array[])[] | null {
    const { size } = tree;
    const edge = { size, peaks: tree.peaks(), hash: nodeHasher(this.sha256) };
    const paths: (readonly Uint8Array[])[] = [];
    for (let index = this.first; index <= this.last; index += 1) {
      const path = gatherPath(edge, index, (level, at) => this.levels[level]?.get(at));
      if (path === null) return null;
      paths.push(path);
    }
    return paths;
  }
}

type Edge = {
  readonly size: number;
  readonly peaks: readonly Uint8Array[];
  readonly hash: NodeHash;
};

/** `whole`: root of a perfect subtree, if it was seen. */
function gatherPath(
  edge: Edge,
  leaf: number,
  whole: (level: number, index: number) => Uint8Array | undefined,
): readonly Uint8Array[] | null {
  const { size, hash } = edge;
  if (leaf >= size) return null;
  const path: Uint8Array[] = [];
  for (let level = 0; 2 ** level < size; level += 1) {
    const sibling = siblingOf(leaf, level);
    if (sibling * 2 ** level >= size) continue;
    const isWhole = (sibling + 1) * 2 ** level <= size;
    const node = isWhole ? whole(level, sibling) : raggedRoot(edge, level, hash);
    if (node === undefined) return null;
    path.push(node);
  }
  return path;
}

/** Number of the subtree beside the one of 2^`level` leaves in which this leaf is. */
function siblingOf(leaf: number, level: number): number {
  const own = Math.floor(leaf / 2 ** level);
  return own % 2 === 1 ? own - 1 : own + 1;
}
