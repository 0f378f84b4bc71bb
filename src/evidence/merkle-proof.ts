import type { Sha256 } from "./frame.js";
import { nodeHasher } from "./merkle.js";

export type InclusionProof = {
  readonly size: number;
  readonly index: number;
  readonly path: readonly Uint8Array[];
};

export type ConsistencyProof = {
  readonly size1: number;
  readonly size2: number;
  readonly path: readonly Uint8Array[];
};

/**
 * RFC 9162 section 2.1.3.2. The caller must know that `size` is the signed one: the path alone does not
 * bind it. False for anything malformed.
 */
export function verifyInclusion(
  proof: InclusionProof,
  leafHash: Uint8Array,
  root: Uint8Array,
  sha256: Sha256,
): boolean {
  const reached = inclusionRoot(proof, leafHash, sha256);
  return reached !== null && equalBytes(reached, root);
}

/** The root that the path leads to; null for anything malformed. */
export function inclusionRoot(
  proof: InclusionProof,
  leafHash: Uint8Array,
  sha256: Sha256,
): Uint8Array | null {
  if (!isSize(proof.size) || !isSize(proof.index) || proof.index >= proof.size) return null;
  if (!areHashes([leafHash, ...proof.path])) return null;
  const node = nodeHasher(sha256);
  let r = leafHash;
  const climbed = climb(proof.index, proof.size - 1, proof.path, (p, onLeft) => {
    r = onLeft ? node(p, r) : node(r, p);
  });
  return climbed ? r : null;
}

/** RFC 9162 section 2.1.4.2. A proof from the empty tree proves nothing and is refused. */
export function verifyConsistency(
  proof: ConsistencyProof,
  root1: Uint8Array,
  root2: Uint8Array,
  sha256: Sha256,
): boolean {
  const { size1, size2, path } = proof;
  if (size1 === size2) {
    const isProof = isSize(size1) && size1 > 0 && path.length === 0;
    return isProof && equalBytes(root1, root2);
  }
  const roots = consistencyRoots(proof, root1, sha256);
  return roots !== null && equalBytes(roots.older, root1) && equalBytes(roots.newer, root2);
}

/**
 * Both roots that a consistency proof leads to. `perfect`: the older root, used only where its size is a power
 * of two, as the path leaves it out there. Null for anything malformed, and where that root is needed and null.
 */
export function consistencyRoots(
  { size1, size2, path }: ConsistencyProof,
  perfect: Uint8Array | null,
  sha256: Sha256,
): { readonly older: Uint8Array; readonly newer: Uint8Array } | null {
  if (!isSize(size1) || !isSize(size2) || size1 === 0 || size1 >= size2) return null;
  const [first, ...rest] = isPowerOfTwo(size1) ? [perfect ?? EMPTY, ...path] : path;
  if (first === undefined || path.length === 0 || !areHashes([first, ...rest])) return null;
  const node = nodeHasher(sha256);
  // The first node stands at the highest level where the old tree's last subtree is perfect.
  let levelSize = 1;
  while (size1 % (levelSize * 2) === 0) levelSize *= 2;
  let fr = first;
  let sr = first;
  const climbed = climb(
    size1 / levelSize - 1,
    Math.floor((size2 - 1) / levelSize),
    rest,
    (c, onLeft) => {
      if (onLeft) fr = node(c, fr);
      sr = onLeft ? node(c, sr) : node(sr, c);
    },
  );
  return climbed ? { older: fr, newer: sr } : null;
}

/**
 * Root of the first 2^n leaves, the most of them that are before the proof's own: the outermost left-hand node
 * on its path. Null: there is none. As good as the path is.
 */
export function perfectBefore({ size, index, path }: InclusionProof): Uint8Array | null {
  const holder: { left: Uint8Array | null } = { left: null };
  climb(index, size - 1, path, (sibling, onLeft) => {
    if (onLeft) holder.left = sibling;
  });
  return holder.left;
}

/** From node `index` of a level whose last node is `last` to the root; false when the path has another length. */
function climb(
  index: number,
  last: number,
  path: readonly Uint8Array[],
  join: (sibling: Uint8Array, onLeft: boolean) => void,
): boolean {
  let fn = index;
  let sn = last;
  for (const sibling of path) {
    if (sn === 0) return false;
    const onLeft = fn % 2 === 1 || fn === sn;
    join(sibling, onLeft);
    while (onLeft && fn % 2 === 0 && fn !== 0) {
      fn = half(fn);
      sn = half(sn);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

const HASH_BYTES = 32;
const EMPTY = new Uint8Array(0);

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Of a size that is not 0. */
export function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}
