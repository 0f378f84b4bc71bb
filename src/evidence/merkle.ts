import type { Sha256 } from "./frame.js";

/**
 * RFC 9162 section 2.1 Merkle tree over leaf hashes, grown leaf by leaf in logarithmic memory: `peaks` are
 * the roots of its perfect subtrees, largest first. Sizes are safe integers.
 */
export class MerkleTree {
  private count: number;
  private readonly stack: Uint8Array[];
  private readonly hash: NodeHash;
  private watchers: readonly NodeWatcher[] = [];
  /** Root at this size, once it was asked for. */
  private known: Uint8Array | null = null;

  /** Continues a tree of `size` leaves with these peaks (as many as `size` has one bits). */
  constructor(sha256: Sha256, size = 0, peaks: readonly Uint8Array[] = []) {
    this.hash = nodeHasher(sha256);
    this.emptyRoot = sha256(new Uint8Array(0));
    this.count = size;
    this.stack = [...peaks];
  }

  private readonly emptyRoot: Uint8Array;

  get size(): number {
    return this.count;
  }

  peaks(): readonly Uint8Array[] {
    return [...this.stack];
  }

  push(leafHash: Uint8Array): void {
    const stack = this.stack;
    let node = leafHash;
    let index = this.count;
    let level = 0;
    for (const watcher of this.watchers) watcher.note(level, index, node);
    while (index % 2 === 1) {
      const left = stack.pop();
      if (left === undefined) throw new Error("evidence: a tree lost a subtree");
      node = this.hash(left, node);
      index = (index - 1) / 2;
      level += 1;
      for (const watcher of this.watchers) watcher.note(level, index, node);
    }
    stack.push(node);
    this.count += 1;
    this.known = null;
  }

  /** SHA-256 of nothing for the empty tree. */
  root(): Uint8Array {
    this.known ??= foldPeaks(this.stack, this.hash) ?? this.emptyRoot;
    return this.known;
  }

  /** From now on the proof that the tree as it is now is a prefix of what it becomes can be had. */
  watch(): Consistency {
    const watcher = new Consistency(this.count, this.stack, this.hash);
    this.watchers = [...this.watchers, watcher];
    return watcher;
  }

  /** From now on it is told of every perfect subtree as it becomes whole, those that are whole already first. */
  attach(watcher: NodeWatcher): void {
    let rest = this.count;
    let first = 0;
    for (const peak of this.stack) {
      let level = 0;
      while (2 ** (level + 1) <= rest) level += 1;
      watcher.note(level, first / 2 ** level, peak);
      first += 2 ** level;
      rest -= 2 ** level;
    }
    this.watchers = [...this.watchers, watcher];
  }

  forget(watcher: NodeWatcher): void {
    this.watchers = this.watchers.filter((other) => other !== watcher);
  }

  /** Path of the consistency proof from `watcher.size` to now (RFC 9162 section 2.1.4.1). */
  prove(watcher: Consistency): readonly Uint8Array[] {
    return watcher.path(this.count, this.stack);
  }
}

/** Root of the perfect subtree number `index` among those of 2^`level` leaves. */
export type NodeWatcher = {
  readonly note: (level: number, index: number, node: Uint8Array) => void;
};

/**
 * What a consistency proof from one size needs, gathered while the tree grows: the peaks of that time, and
 * each right-hand sibling as it becomes whole. Never more than two hashes a level.
 */
export class Consistency {
  readonly size: number;
  private readonly oldPeaks: readonly Uint8Array[];
  /** Whole right-hand sibling of the old tree's last leaf, by level. */
  private readonly siblings: (Uint8Array | undefined)[] = [];
  private readonly wanted: readonly number[];
  private readonly hash: NodeHash;

  constructor(size: number, peaks: readonly Uint8Array[], hash: NodeHash) {
    this.size = size;
    this.oldPeaks = [...peaks];
    this.wanted = rightSiblings(size);
    this.hash = hash;
  }

  note(level: number, index: number, node: Uint8Array): void {
    if (this.wanted[level] === index) this.siblings[level] = node;
  }

  path(size: number, peaks: readonly Uint8Array[]): readonly Uint8Array[] {
    if (this.size === 0 || this.size === size) return [];
    const path: Uint8Array[] = [];
    let oldPeak = this.oldPeaks.length - 1;
    let level = trailingZeros(this.size);
    // A tree that is one perfect subtree is its own first node, which the verifier has: it is left out.
    const start = this.oldPeaks[oldPeak];
    if (oldPeak > 0 && start !== undefined) path.push(start);
    for (; Math.floor((size - 1) / 2 ** level) > 0; level += 1) {
      const index = Math.floor((this.size - 1) / 2 ** level);
      if (index % 2 === 1) {
        oldPeak -= 1;
        const left = this.oldPeaks[oldPeak];
        if (left === undefined) throw new Error("evidence: a proof lost a subtree");
        path.push(left);
      } else if ((index + 1) * 2 ** level < size) {
        path.push(this.siblings[level] ?? raggedRoot({ size, peaks }, level, this.hash));
      }
    }
    return path;
  }
}

/** Right edge of a tree below `level`: the peaks smaller than a subtree of that level, which there must be. */
export function raggedRoot(
  tree: { readonly size: number; readonly peaks: readonly Uint8Array[] },
  level: number,
  hash: NodeHash,
): Uint8Array {
  const below = ones(tree.size % 2 ** level);
  const root = foldPeaks(tree.peaks.slice(tree.peaks.length - below), hash);
  if (root === null) throw new Error("evidence: a proof has no right edge");
  return root;
}

/** Inclusion proof of one leaf among all leaf hashes (RFC 9162 section 2.1.3.1). */
export function inclusionPath(
  leaves: readonly Uint8Array[],
  index: number,
  sha256: Sha256,
): readonly Uint8Array[] {
  const hash = nodeHasher(sha256);
  const path: Uint8Array[] = [];
  let from = 0;
  let to = leaves.length;
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(subtreeRoot(leaves.slice(middle, to), hash));
      to = middle;
    } else {
      path.push(subtreeRoot(leaves.slice(from, middle), hash));
      from = middle;
    }
  }
  return path.reverse();
}

/** `node(left, right)` of RFC 9162: SHA-256(01 || left || right). */
export type NodeHash = (left: Uint8Array, right: Uint8Array) => Uint8Array;

export function nodeHasher(sha256: Sha256): NodeHash {
  const scratch = new Uint8Array(65);
  scratch[0] = 1;
  return (left, right) => {
    scratch.set(left, 1);
    scratch.set(right, 33);
    return sha256(scratch);
  };
}

function foldPeaks(peaks: readonly Uint8Array[], hash: NodeHash): Uint8Array | null {
  let root: Uint8Array | null = null;
  for (let i = peaks.length - 1; i >= 0; i -= 1) {
    const peak = peaks[i];
    if (peak !== undefined) root = root === null ? peak : hash(peak, root);
  }
  return root;
}

function subtreeRoot(leaves: readonly Uint8Array[], hash: NodeHash): Uint8Array {
  const [only] = leaves;
  if (only !== undefined && leaves.length === 1) return only;
  const middle = largestPowerBelow(leaves.length);
  return hash(subtreeRoot(leaves.slice(0, middle), hash), subtreeRoot(leaves.slice(middle), hash));
}

/** Largest power of two smaller than `count`, which is at least 2. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/** By level: index of the right-hand sibling on the way up from the last of `size` leaves; -1 where it is a left one. */
function rightSiblings(size: number): readonly number[] {
  const wanted: number[] = [];
  if (size === 0) return wanted;
  for (let level = 0; level < 53; level += 1) {
    const index = Math.floor((size - 1) / 2 ** level);
    wanted.push(level >= trailingZeros(size) && index % 2 === 0 ? index + 1 : -1);
  }
  return wanted;
}

function trailingZeros(value: number): number {
  let zeros = 0;
  for (let rest = value; rest % 2 === 0; rest /= 2) zeros += 1;
  return zeros;
}

/** How many one bits: as many peaks has a tree of that size. */
export function ones(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
