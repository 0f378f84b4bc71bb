import { CborWriter } from "../codec/cbor/writer.js";
import type { Entry } from "../kernel/record/entry.js";
import { encodeCommit } from "./commit.js";
import { encodeEntry } from "./encode-entry.js";
import { BODY_BYTES_MAX, FRAME_KIND, type FrameWriter, type Sha256 } from "./frame.js";
import { MerkleTree } from "./merkle.js";
import type { Stamp } from "./stamp.js";

/** Where a log stands: what the next entry continues. */
export type LogPosition = {
  readonly size: number;
  readonly peaks: readonly Uint8Array[];
  /** Leaf hash of the newest entry; 32 zero bytes before the first. */
  readonly last: Uint8Array;
};

export const EMPTY_LOG: LogPosition = { size: 0, peaks: [], last: new Uint8Array(32) };

/**
 * Turns entries into frames and keeps chain and tree. An entry that cannot be written leaves everything as
 * it was and throws RangeError: either it goes in whole, or not at all.
 */
export class LogWriter {
  readonly tree: MerkleTree;
  private previous: Uint8Array;
  private readonly sha256: Sha256;
  /** One byte 00 before each body: leaf hashes are over 00 || body. */
  private readonly scratch: CborWriter = new CborWriter(4096, BODY_BYTES_MAX + 1);

  /** Continues the log of this tree, whose newest leaf is `last`; the tree is its own from now on. */
  constructor(
    sha256: Sha256,
    tree: MerkleTree = new MerkleTree(sha256),
    last: Uint8Array = EMPTY_LOG.last,
  ) {
    this.sha256 = sha256;
    this.tree = tree;
    this.previous = last;
  }

  get last(): Uint8Array {
    return this.previous;
  }

  append(entry: Entry, stamp: Stamp, frames: FrameWriter): void {
    if (entry.seq !== this.tree.size) {
      throw new RangeError(`evidence: seq ${entry.seq} where ${this.tree.size} is due`);
    }
    const scratch = this.scratch;
    scratch.reset();
    scratch.byte(FRAME_KIND.leaf);
    encodeEntry(scratch, entry, this.previous, stamp);
    const leafHash = this.sha256(scratch.view());
    frames.put(FRAME_KIND.leaf, scratch.view(1), leafHash);
    this.tree.push(leafHash);
    this.previous = leafHash;
  }

  /** Commit frame over all so far; its root. */
  commit(frames: FrameWriter): Uint8Array {
    const root = this.tree.root();
    putFrame(frames, FRAME_KIND.commit, encodeCommit(root), this.sha256);
    return root;
  }

  /** Signed commit frame over the root of an earlier commit. */
  signedCommit(frames: FrameWriter, body: Uint8Array): void {
    putFrame(frames, FRAME_KIND.commit, body, this.sha256);
  }

  checkpoint(frames: FrameWriter, body: Uint8Array): void {
    putFrame(frames, FRAME_KIND.checkpoint, body, this.sha256);
  }
}

function putFrame(
  frames: FrameWriter,
  kind: typeof FRAME_KIND.commit | typeof FRAME_KIND.checkpoint,
  body: Uint8Array,
  sha256: Sha256,
): void {
  const whole = new Uint8Array(body.length + 1);
  whole[0] = kind;
  whole.set(body, 1);
  frames.put(kind, body, sha256(whole));
}
