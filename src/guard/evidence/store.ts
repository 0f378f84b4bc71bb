import { isLinkNotice, readLink, type SegmentLink } from "../../evidence/segment.js";
import type { Entry } from "../../kernel/record/entry.js";
import type { EvidenceHead, EvidenceStore } from "../ports.js";
import type { Candidate, Checkpointer, SignedCheckpoint } from "./checkpointer.js";
import { CommitSigning } from "./commit-signing.js";
import { emptyGroup, type Group } from "./group.js";
import { LogMemory } from "./log-memory.js";
import { SegmentFiles } from "./segment-files.js";
import type { DurableCheckpoint, SignedStore } from "./signed-store.js";
import type { StoreOptions } from "./store-options.js";

/** What may wait for the disk at most; beyond it evidence has failed. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/**
 * How long an entry that nobody waits for may look for company. At one command at a time its outcome would
 * else hold the disk just when the next command's decision comes; after a crash the outcome is found again
 * by reading back, as any that was under way.
 */
const PATIENCE_US = 2_000;
/** How long `close` waits for the last signature. */
const LAST_SIGNATURE_US = 5_000_000;

type Sealed = {
  readonly group: Group;
  readonly head: EvidenceHead;
  readonly candidate: Candidate | null;
  readonly signed: SignedCheckpoint | null;
};

/**
 * Group commit with natural batching: whatever comes while one group is written and synced is the next
 * group. A group is written whole, its commit frame at its end, then synced, then reported durable; no call
 * to the disk ever runs on the loop. After the first error of the disk nothing is ever reported durable again.
 * Where the error is that it is full, what comes goes on being written, into the reserve, until that is full too;
 * any other error ends the writing as well.
 */
export class LogStore implements SignedStore {
  private readonly options: StoreOptions;
  private readonly checkpoints: Checkpointer;
  private readonly commits: CommitSigning;
  private group: Group = emptyGroup();
  private spare: Group[] = [];
  private readonly sealed: Sealed[] = [];
  private waitingBytes = 0;
  private readonly files: SegmentFiles;
  private running: Promise<void> | null = null;
  private scheduled = false;
  private cancelPatience: (() => void) | null = null;
  private durable: EvidenceHead;
  /** Nothing is reported durable any more. */
  private failure: string | null = null;
  /** Nothing is written any more. */
  private ended = false;
  private covered: number;
  private closing = false;
  private readonly memory: LogMemory;
  /** A group that opens a new segment is on its way. */
  private opening = false;
  /** Something came up while the last round was ending. */
  private again = false;
  private readonly durableListeners: ((seq: number) => void)[] = [];
  private readonly checkpointListeners: ((checkpoint: DurableCheckpoint) => void)[] = [];
  private readonly failedListeners: ((why: string) => void)[] = [];

  constructor(options: StoreOptions) {
    const { tree } = options.writer;
    this.options = options;
    this.files = new SegmentFiles(options);
    this.commits = new CommitSigning(options.report);
    this.covered = options.covered;
    this.memory = new LogMemory(options);
    this.durable = {
      nextSeq: tree.size,
      durableSeq: tree.size - 1,
      root: tree.root(),
      size: tree.size,
    };
    const schedule = (): void => {
      this.schedule();
    };
    const log = (): string => this.memory.log;
    const token = (): Uint8Array | null => this.memory.token;
    this.checkpoints = options.checkpointer({ log, token, ready: schedule, due: schedule });
  }

  /** Once nothing can be written any more, or while closing, entries are not taken. */
  append(entry: Entry): void {
    if (this.ended || this.closing) return;
    const { writer, clock, bootId, boot } = this.options;
    try {
      if (isLinkNotice(entry.body)) this.openSegment(entry);
      else if (!this.files.isOpen && this.group.opens === null && this.sealed.length === 0) {
        throw new RangeError(`evidence: seq ${entry.seq} came before the link of its segment`);
      }
      const before = this.group.frames.length;
      const stamp = { utcUs: clock.utcUs(), bootId, boot, quality: clock.quality() };
      writer.append(entry, stamp, this.group.frames);
      this.waitingBytes += this.group.frames.length - before;
    } catch (error) {
      this.end(wordsOf(error));
      return;
    }
    if (this.group.lastSeq < 0) this.group.sinceUs = clock.nowUs();
    this.group.lastSeq = entry.seq;
    this.memory.add(entry, writer.last);
    const { body, seq } = entry;
    if (body.type === "key" && body.event === "rotated") this.checkpoints.named(body.spki, seq);
    if (this.waitingBytes > WAITING_BYTES_MAX) {
      this.end(`more than ${WAITING_BYTES_MAX} bytes wait for the disk`);
      return;
    }
    this.checkpoints.grew();
    if (this.options.commitEveryUs === 0 && isAwaited(entry)) this.schedule();
    else this.scheduleSoon();
  }

  /** Nothing is to be recorded in this run, and why. */
  giveUp(why: string): void {
    this.end(why);
  }

  checkpoint(): void {
    this.checkpoints.want();
  }

  head(): EvidenceHead {
    return { ...this.durable, nextSeq: this.options.writer.tree.size };
  }

  /** Size of the newest checkpoint that is on the disk. */
  get signedSize(): number {
    return this.covered;
  }

  get key(): Uint8Array {
    return this.checkpoints.key;
  }

  get nextKey(): Uint8Array | null {
    return this.checkpoints.nextKey;
  }

  /** Bytes and groups that reached the disk in this run. */
  get written(): SegmentFiles["tally"] {
    return this.files.tally;
  }

  onDurable(run: (seq: number) => void): void {
    this.durableListeners.push(run);
  }

  onCheckpoint(run: (checkpoint: DurableCheckpoint) => void): void {
    this.checkpointListeners.push(run);
  }

  onFailed(run: (why: string) => void): void {
    this.failedListeners.push(run);
    const { failure } = this;
    if (failure !== null) {
      queueMicrotask(() => {
        run(failure);
      });
    }
  }

  onSigning(run: Parameters<EvidenceStore["onSigning"]>[0]): void {
    this.checkpoints.onSigning(run);
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    await this.drain();
    if (!this.ended) {
      this.checkpoints.want();
      await this.drain();
      await this.lastSignature();
      await this.drain();
    }
    this.checkpoints.stop();
    this.commits.end();
    await this.files.close();
    await this.options.disk.release();
  }

  /** What the next segment would say about all before it. */
  link(lost = 0): SegmentLink {
    const { writer } = this.options;
    return {
      size: writer.tree.size,
      root: writer.tree.root(),
      peaks: writer.tree.peaks(),
      last: writer.last,
      log: this.memory.log,
      checkpoint: this.checkpoints.last,
      key: this.key,
      lost,
      profiles: this.memory.profiles,
      counted: this.checkpoints.newestCounted,
      anchor: this.memory.anchor,
      token: this.memory.token,
    };
  }

  private openSegment(entry: Entry): void {
    const link = readLink(entry.body);
    if (link?.size !== entry.seq) throw new RangeError("evidence: a segment link of another place");
    // A checkpoint that is signed and not written stands in the link already: it belongs before it.
    if (this.group.frames.length > 0 || this.checkpoints.busy) this.seal();
    this.group.opens = entry.seq;
    this.opening = true;
  }

  /** With whatever comes next, or after a short while. What is running takes it along by itself. */
  private scheduleSoon(): void {
    if (this.scheduled || this.running !== null || this.cancelPatience !== null) return;
    const { clock, commitEveryUs } = this.options;
    const dueUs =
      commitEveryUs === 0 ? clock.nowUs() + PATIENCE_US : this.group.sinceUs + commitEveryUs;
    this.cancelPatience = clock.at(Math.max(clock.nowUs(), dueUs), () => {
      this.cancelPatience = null;
      this.schedule();
    });
  }

  /** Once for all that happens in this turn of the loop. */
  private schedule(): void {
    if (this.ended || this.scheduled) return;
    if (this.running !== null) {
      this.again = true;
      return;
    }
    this.scheduled = true;
    this.cancelPatience?.();
    this.cancelPatience = null;
    setImmediate(() => {
      this.scheduled = false;
      this.running = this.run()
        .catch((error: unknown) => {
          // The disk's errors never come here: this is a bug of a listener, and not ours to swallow.
          this.end("internal fault");
          queueMicrotask(() => {
            throw error;
          });
        })
        .then(() => {
          this.running = null;
          if (this.again) {
            this.again = false;
            this.schedule();
          } else if (this.group.frames.length > 0) this.scheduleSoon();
        });
    });
  }

  /** Until nothing is under way; bounded by the disk alone. */
  private async drain(): Promise<void> {
    this.schedule();
    while (this.scheduled || this.running !== null) {
      if (this.running !== null) await this.running;
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private async run(): Promise<void> {
    let isFirst = true;
    while (!this.hasEnded()) {
      // Entries that wait for company are sealed when their time has come, not when the disk is ready.
      const isDue = isFirst || this.options.commitEveryUs === 0 || this.closing;
      // One that waits already goes first; else each new segment would leave the queue one longer under unbroken load.
      if (isDue && this.sealed.length === 0) {
        this.seal();
        isFirst = false;
      }
      const sealed = this.sealed.shift();
      if (sealed === undefined) return;
      await this.write(sealed.group);
      if (this.hasEnded()) return;
      this.settle(sealed);
    }
  }

  /** A method, as the compiler would not see that awaiting may change the field. */
  private hasEnded(): boolean {
    return this.ended;
  }

  /** Ends the group that collects, if there is anything in it or a checkpoint to be written or taken. */
  private seal(): void {
    const { writer } = this.options;
    const { frames } = this.group;
    const before = frames.length;
    const signed = this.checkpoints.collect();
    if (frames.length > 0 || signed !== null) {
      const commit = this.commits.take();
      if (commit !== null) writer.signedCommit(frames, commit);
    }
    if (signed !== null) {
      writer.checkpoint(frames, signed.body);
      this.commits.end();
    }
    if (frames.length === 0) {
      const candidate = this.sealed.length === 0 ? this.checkpoints.take(this.durable.root) : null;
      if (candidate !== null) this.checkpoints.sign(candidate);
      return;
    }
    const root = writer.commit(frames);
    const { size } = writer.tree;
    this.waitingBytes += frames.length - before;
    this.sealed.push({
      group: this.group,
      head: { nextSeq: size, durableSeq: size - 1, root, size },
      candidate: this.checkpoints.take(root),
      signed,
    });
    this.group = this.spare.pop() ?? emptyGroup();
  }

  private async write({ frames, opens }: Group): Promise<void> {
    try {
      const how = await this.files.write(frames.bytes(), opens, (error) => {
        this.fail(wordsOf(error));
      });
      if (how === "reserve") {
        this.options.report("evidence: the disk is full; from here on the reserve is written to");
      }
      if (opens !== null) this.opening = false;
    } catch (error) {
      this.end(wordsOf(error));
    }
  }

  private settle(sealed: Sealed): void {
    const { group, head, candidate, signed } = sealed;
    this.waitingBytes = Math.max(0, this.waitingBytes - group.frames.length);
    this.durable = head;
    this.covered = signed?.size ?? this.covered;
    group.frames.reset();
    group.opens = null;
    group.lastSeq = -1;
    if (this.spare.length < 2) this.spare.push(group);
    if (this.failure === null) for (const run of this.durableListeners) run(head.durableSeq);
    if (signed !== null) {
      const { body, size, commitKey } = signed;
      for (const run of this.checkpointListeners) run({ body, size });
      this.checkpoints.written(size);
      this.commits.begin(commitKey);
    }
    this.commits.durable(head.root, head.size);
    if (candidate !== null) this.checkpoints.sign(candidate);
    else if (!this.checkpoints.busy) this.checkpoints.settle();
    // The reserve is for entries: no other segment is begun in it.
    if (!this.files.isFull || this.opening || this.closing || this.failure !== null) return;
    this.checkpoints.want();
    this.options.rotate(this.link(), this.nextKey);
  }

  /** Nothing is durable from here on, so nothing may be permitted; what comes is recorded as long as there is a reserve. */
  private fail(why: string): void {
    if (this.failure !== null) return;
    this.failure = why;
    // Not at once: the caller may be in the middle of a step of the kernel.
    queueMicrotask(() => {
      for (const run of this.failedListeners) run(why);
    });
  }

  /** Nothing is written any more, and the file never synced again: a sync after a failed one may lie. */
  private end(why: string): void {
    this.fail(why);
    if (this.ended) return;
    this.ended = true;
    this.commits.end();
    this.checkpoints.stop();
    this.checkpoints.settle();
  }

  private async lastSignature(): Promise<void> {
    const { clock } = this.options;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.at(clock.nowUs() + LAST_SIGNATURE_US, resolve);
    });
    await Promise.race([this.checkpoints.settled(), late]);
    cancel();
  }
}

/** Of a write that went through, no answer and no send waits for the record. */
function isAwaited({ body }: Entry): boolean {
  return body.type !== "outcome" || (body.outcome !== "done" && body.outcome !== "acknowledged");
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
