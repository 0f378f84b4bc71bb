import { decodeEntry, type ReadEntry } from "./decode-entry.js";
import type { Frame, Sha256 } from "./frame.js";
import { EMPTY_LOG, type LogPosition } from "./log-writer.js";
import { type Consistency, MerkleTree, type NodeWatcher } from "./merkle.js";
import { equalBytes } from "./merkle-proof.js";
import { readCommit, type SignedCommit } from "./commit.js";
import { readLink, type SegmentLink } from "./segment.js";

/** What a check of the log can find wrong with one frame. */
export type LogFault = {
  readonly check: "entries" | "order" | "chain" | "commits" | "links";
  readonly why: string;
};

export type LeafRead = {
  /** Null: the bytes are no entry. */
  readonly read: ReadEntry | null;
  readonly link: SegmentLink | null;
  readonly faults: readonly LogFault[];
};

/** `signed` null: it is, or should be, a root. `fault` null: it can stand where it stands. */
export type CommitRead = {
  readonly signed: SignedCommit | null;
  readonly fault: LogFault | null;
};

/** `started`: an entry was read, so that a link is no beginning any more. */
export type ReadPosition = LogPosition & { readonly started: boolean };

/**
 * Follows a log leaf by leaf: keeps the expected seq, the predecessor's hash and the tree. After a fault it
 * goes on from what the log itself claims, so that one damaged place is one fault and not thousands.
 */
export class LogReader {
  private readonly sha256: Sha256;
  private state: MerkleTree;
  private previous: Uint8Array = new Uint8Array(32);
  private started = false;
  private lostCount = 0;
  private readonly kept: Uint8Array[] | null;
  private from: LogPosition = EMPTY_LOG;
  private watchers: readonly NodeWatcher[] = [];

  /** `keepLeaves`: remember every leaf hash read, 32 bytes each, for `treeFrom`. */
  constructor(sha256: Sha256, keepLeaves = false) {
    this.sha256 = sha256;
    this.state = new MerkleTree(sha256);
    this.kept = keepLeaves ? [] : null;
  }

  /** Reads on from where another reader stood. */
  startAt(position: ReadPosition): void {
    this.resume(position);
    this.started = position.started;
  }

  position(): ReadPosition {
    const { size, previous: last, started } = this;
    return { size, peaks: this.state.peaks(), last, started };
  }

  /** Seq the next entry must have; also the number of leaves so far. */
  get size(): number {
    return this.state.size;
  }

  get tree(): MerkleTree {
    return this.state;
  }

  /** Leaf hash of the newest entry. */
  get last(): Uint8Array {
    return this.previous;
  }

  /** Entries that are missing between ones that are there. */
  get lost(): number {
    return this.lostCount;
  }

  /** Told of every perfect subtree of the tree, also of one that a segment link brings. */
  attach(watcher: NodeWatcher): void {
    this.watchers = [...this.watchers, watcher];
    this.state.attach(watcher);
  }

  /**
   * The tree grown once more from where reading began, watched since it had `size` leaves, and its root at
   * that size. Null: reading began later, or there are not so many leaves, or they were not kept.
   */
  treeFrom(size: number): {
    readonly tree: MerkleTree;
    readonly watcher: Consistency;
    readonly root: Uint8Array;
  } | null {
    if (this.kept === null || size < this.from.size || size > this.size) return null;
    const tree = new MerkleTree(this.sha256, this.from.size, this.from.peaks);
    const before = size - this.from.size;
    for (const leaf of this.kept.slice(0, before)) tree.push(leaf);
    const root = tree.root();
    const watcher = tree.watch();
    for (const leaf of this.kept.slice(before)) tree.push(leaf);
    return { tree, watcher, root };
  }

  /** `gapBytes`: bytes just before this frame that no frame covers; bounds how many entries can be missing. */
  leaf(bytes: Uint8Array, frame: Frame, gapBytes: number): LeafRead {
    const decoded = decodeEntry(bytes, frame.bodyStart, frame.bodyEnd);
    if (!decoded.ok) {
      const { code, offset } = decoded.fault;
      this.advance(frame.digest);
      return { read: null, link: null, faults: [fault("entries", `${code} at byte ${offset}`)] };
    }
    const faults: LogFault[] = [];
    const link = readLink(decoded.entry.body);
    if (!this.started && link !== null) this.resume(link);
    this.started = true;
    const { seq } = decoded.entry;
    if (seq !== this.size && link !== null) {
      faults.push(fault("order", `seq ${seq} stands where ${this.size} was due`));
      this.resume(link);
    }
    if (seq !== this.size) {
      const filled = this.fill(seq, gapBytes, decoded.prev);
      faults.push(fault("order", `seq ${seq} stands where ${filled.expected} was due`));
      if (!filled.done) return { read: null, link: null, faults };
    } else if (!equalBytes(decoded.prev, this.previous)) {
      faults.push(fault("chain", "it does not name the entry before it"));
    }
    if (link !== null) faults.push(...this.checkLink(link));
    this.advance(frame.digest);
    return { read: decoded, link, faults };
  }

  /**
   * Counts as many entries as lost, at most a few thousand: their numbers were, or may have been, used. Their
   * leaf hashes are not known.
   */
  lose(count: number): void {
    const missing = Math.min(count, LOST_MAX);
    for (let i = 0; i < missing; i += 1) this.advance(ZEROS);
    this.lostCount += Math.max(0, missing);
  }

  /** Of a signed commit nothing is compared but its size: its signature is for whoever knows the key. */
  commit(body: Uint8Array): CommitRead {
    const commit = readCommit(body);
    if (commit === null) {
      const why = "its body is neither a root nor a signed commit";
      return { signed: null, fault: fault("commits", why) };
    }
    if (commit.kind === "signed") {
      const why = `it is over ${commit.size} entries, where ${this.size} are before it`;
      return { signed: commit, fault: commit.size > this.size ? fault("commits", why) : null };
    }
    if (equalBytes(commit.root, this.state.root())) return ROOT_STANDS;
    const why = `its root is not that of the ${this.size} entries before it`;
    return { signed: null, fault: fault("commits", why) };
  }

  private advance(leafHash: Uint8Array): void {
    this.state.push(leafHash);
    this.kept?.push(leafHash);
    this.previous = leafHash;
  }

  private resume(position: LogPosition): void {
    this.state = new MerkleTree(this.sha256, position.size, position.peaks);
    for (const watcher of this.watchers) this.state.attach(watcher);
    this.previous = position.last;
    this.from = position;
  }

  /**
   * Stands in for lost entries: the last of them is known, as its successor names it; the others count as
   * zeros. A seq that goes back, or further ahead than the gap could hold, is not followed.
   */
  private fill(
    seq: number,
    gapBytes: number,
    prev: Uint8Array,
  ): { readonly expected: number; readonly done: boolean } {
    const expected = this.size;
    const missing = seq - expected;
    if (missing < 0 || missing > Math.max(LOST_MAX, gapBytes / ENTRY_BYTES_MIN))
      return { expected, done: false };
    this.lostCount += missing;
    for (let i = 1; i < missing; i += 1) this.advance(ZEROS);
    this.advance(prev);
    return { expected, done: true };
  }

  private checkLink(link: SegmentLink): readonly LogFault[] {
    if (link.size !== this.size) return [fault("links", "it links another size of the log")];
    const whole = new MerkleTree(this.sha256, link.size, link.peaks).root();
    const right =
      equalBytes(whole, link.root) &&
      equalBytes(link.root, this.state.root()) &&
      equalBytes(link.last, this.previous);
    return right ? [] : [fault("links", "it links another log than the one before it")];
  }
}

const ROOT_STANDS: CommitRead = { signed: null, fault: null };
const ZEROS = new Uint8Array(32);
/** No entry with its frame is shorter. */
export const ENTRY_BYTES_MIN = 100;
/** So many missing entries are stood in for even where no gap shows: whole frames may have been taken out. */
const LOST_MAX = 4096;

function fault(check: LogFault["check"], why: string): LogFault {
  return { check, why };
}
