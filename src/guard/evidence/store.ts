import { FrameWriter } from "../../evidence/frame.js";
import type { LogWriter } from "../../evidence/log-writer.js";
import { isLinkNotice, nameSegment, readLink, type SegmentLink } from "../../evidence/segment.js";
import type { Entry } from "../../kernel/record/entry.js";
import type { Clock, EvidenceDisk, EvidenceFile, EvidenceHead, EvidenceStore } from "../ports.js";
import type { Candidate, Checkpointer } from "./checkpointer.js";
import { addHash, nameLog } from "./recover.js";

export type StoreOptions = {
  readonly disk: EvidenceDisk;
  readonly clock: Clock;
  readonly bootId: Uint8Array;
  readonly boot: number;
  readonly writer: LogWriter;
  /** The segment to continue; null: the next entry must be a segment link. */
  readonly segment: { readonly file: EvidenceFile; readonly length: number } | null;
  readonly segmentBytesMax: number;
  readonly log: string | null;
  readonly profiles: readonly Uint8Array[];
  /** SPKI of the key that signs checkpoints. */
  readonly key: Uint8Array;
  readonly rotate: (link: SegmentLink) => void;
  readonly checkpointer: (store: {
    readonly log: () => string;
    readonly ready: () => void;
    readonly due: () => void;
  }) => Checkpointer;
};

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

/** Frames that go to disk in one write. */
type Group = {
  readonly frames: FrameWriter;
  /** First seq of the segment that begins with this group. */
  opens: number | null;
  lastSeq: number;
};

type Sealed = {
  readonly group: Group;
  readonly head: EvidenceHead;
  readonly candidate: Candidate | null;
  /** A checkpoint goes to disk with it. */
  readonly signed: boolean;
};

/**
 * Group commit with natural batching: whatever comes while one group is written and synced is the next
 * group. A group is written whole, its commit frame at its end, then synced, then reported durable; no call
 * to the disk ever runs on the loop. The first error of the disk ends it for good: nothing is written or
 * synced again, so nothing is ever reported durable that might not be.
 */
export class LogStore implements EvidenceStore {
  private readonly options: StoreOptions;
  private readonly checkpoints: Checkpointer;
  private group: Group = emptyGroup();
  private spare: Group[] = [];
  private readonly sealed: Sealed[] = [];
  private waitingBytes = 0;
  private file: EvidenceFile | null;
  /** Whole frames in the segment, as far as we know written. */
  private length: number;
  private rotateAt: number;
  private running: Promise<void> | null = null;
  private scheduled = false;
  private cancelPatience: (() => void) | null = null;
  private durable: EvidenceHead;
  private failure: string | null = null;
  private closing = false;
  private name: string | null;
  private profiles: readonly Uint8Array[];
  /** A group that opens a new segment is on its way. */
  private opening = false;
  /** Something came up while the last round was ending. */
  private again = false;
  private readonly durableListeners: ((seq: number) => void)[] = [];
  private readonly failedListeners: ((why: string) => void)[] = [];

  constructor(options: StoreOptions) {
    const { tree } = options.writer;
    this.options = options;
    this.file = options.segment?.file ?? null;
    this.length = options.segment?.length ?? 0;
    this.rotateAt = options.segmentBytesMax;
    this.name = options.log;
    this.profiles = options.profiles;
    this.durable = {
      nextSeq: tree.size,
      durableSeq: tree.size - 1,
      root: tree.root(),
      size: tree.size,
    };
    const schedule = (): void => {
      this.schedule();
    };
    const log = (): string => this.name ?? "";
    this.checkpoints = options.checkpointer({ log, ready: schedule, due: schedule });
  }

  /** After a failure, or once closing, entries are not taken any more. */
  append(entry: Entry): void {
    if (this.failure !== null || this.closing) return;
    const { writer, clock, bootId, boot } = this.options;
    try {
      if (isLinkNotice(entry.body)) this.openSegment(entry);
      else if (this.file === null && this.group.opens === null && this.sealed.length === 0) {
        throw new RangeError(`evidence: seq ${entry.seq} came before the link of its segment`);
      }
      const before = this.group.frames.length;
      const stamp = { utcUs: clock.utcUs(), bootId, boot, quality: clock.quality() };
      writer.append(entry, stamp, this.group.frames);
      this.waitingBytes += this.group.frames.length - before;
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
      return;
    }
    this.group.lastSeq = entry.seq;
    this.name ??= nameLog(writer.last);
    if (entry.body.type === "profile" && entry.body.bytes !== null) {
      this.profiles = addHash(this.profiles, entry.body.digest);
    }
    if (this.waitingBytes > WAITING_BYTES_MAX) {
      this.fail(`more than ${WAITING_BYTES_MAX} bytes wait for the disk`);
      return;
    }
    this.checkpoints.grew();
    if (isAwaited(entry)) this.schedule();
    else this.scheduleSoon();
  }

  checkpoint(): void {
    this.checkpoints.want();
  }

  head(): EvidenceHead {
    return { ...this.durable, nextSeq: this.options.writer.tree.size };
  }

  onDurable(run: (seq: number) => void): void {
    this.durableListeners.push(run);
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
    if (this.failure === null) {
      this.checkpoints.want();
      await this.drain();
      await this.lastSignature();
      await this.drain();
    }
    this.checkpoints.stop();
    await this.file?.close().catch(() => undefined);
    this.file = null;
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
      log: this.name ?? "",
      checkpoint: this.checkpoints.last,
      key: this.options.key,
      lost,
      profiles: this.profiles,
    };
  }

  private openSegment(entry: Entry): void {
    const link = readLink(entry.body);
    if (link?.size !== entry.seq) throw new RangeError("evidence: a segment link of another place");
    if (this.group.frames.length > 0) this.seal();
    this.group.opens = entry.seq;
    this.opening = true;
  }

  /** With whatever comes next, or after a short while. What is running takes it along by itself. */
  private scheduleSoon(): void {
    if (this.scheduled || this.running !== null || this.cancelPatience !== null) return;
    const { clock } = this.options;
    this.cancelPatience = clock.at(clock.nowUs() + PATIENCE_US, () => {
      this.cancelPatience = null;
      this.schedule();
    });
  }

  /** Once for all that happens in this turn of the loop. */
  private schedule(): void {
    if (this.failure !== null || this.scheduled) return;
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
          this.fail("internal fault");
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
    while (this.failure === null) {
      this.seal();
      const sealed = this.sealed.shift();
      if (sealed === undefined) return;
      await this.write(sealed.group);
      if (this.hasFailed()) return;
      this.settle(sealed);
    }
  }

  /** A method, as the compiler would not see that awaiting may change the field. */
  private hasFailed(): boolean {
    return this.failure !== null;
  }

  /** Ends the group that collects, if there is anything in it or a checkpoint to be written or taken. */
  private seal(): void {
    const { writer } = this.options;
    const { frames } = this.group;
    const signed = this.checkpoints.collect();
    if (signed !== null) writer.checkpoint(frames, signed);
    if (frames.length === 0) {
      const candidate = this.sealed.length === 0 ? this.checkpoints.take(this.durable.root) : null;
      if (candidate !== null) this.checkpoints.sign(candidate);
      return;
    }
    const before = frames.length;
    const root = writer.commit(frames);
    const { size } = writer.tree;
    this.waitingBytes += frames.length - before;
    this.sealed.push({
      group: this.group,
      head: { nextSeq: size, durableSeq: size - 1, root, size },
      candidate: this.checkpoints.take(root),
      signed: signed !== null,
    });
    this.group = this.spare.pop() ?? emptyGroup();
  }

  private async write(group: Group): Promise<void> {
    try {
      if (group.opens !== null) await this.writeSegment(group, group.opens);
      else if (this.file === null) throw new Error("there is no segment to write to");
      else {
        await writeAll(this.file, group.frames.bytes());
        await this.file.sync();
      }
      this.length += group.frames.length;
    } catch (error) {
      await this.giveUp(error, group.opens !== null);
    }
  }

  /** A new segment appears under its name only when it is whole and synced. */
  private async writeSegment(group: Group, firstSeq: number): Promise<void> {
    const { disk } = this.options;
    const name = nameSegment(firstSeq);
    const file = await disk.append(`${name}.tmp`);
    await writeAll(file, group.frames.bytes());
    await file.sync();
    await disk.rename(`${name}.tmp`, name);
    await disk.syncNames();
    const before = this.file;
    this.file = file;
    this.length = 0;
    // What opens a segment counts too: one that is mostly its own opening is not worth another.
    this.rotateAt = Math.max(this.options.segmentBytesMax, 2 * group.frames.length);
    this.opening = false;
    await before?.close();
  }

  private settle(sealed: Sealed): void {
    const { group, head, candidate, signed } = sealed;
    this.waitingBytes = Math.max(0, this.waitingBytes - group.frames.length);
    this.durable = head;
    group.frames.reset();
    group.opens = null;
    if (this.spare.length < 2) this.spare.push(group);
    for (const run of this.durableListeners) run(head.durableSeq);
    if (signed) this.checkpoints.written();
    if (candidate !== null) this.checkpoints.sign(candidate);
    else if (!this.checkpoints.busy) this.checkpoints.settle();
    if (this.length < this.rotateAt || this.opening || this.closing) return;
    this.checkpoints.want();
    this.options.rotate(this.link());
  }

  /**
   * The disk failed. What was not written whole is taken off again, so that the next start finds whole
   * frames; the file is never synced again, as a sync after a failed one may lie.
   */
  private async giveUp(error: unknown, isNewSegment: boolean): Promise<void> {
    const why = error instanceof Error ? error.message : String(error);
    this.fail(why);
    if (isNewSegment || this.file === null || codeOf(error) !== "ENOSPC") return;
    await this.file.truncate(this.length).catch(() => undefined);
  }

  private fail(why: string): void {
    if (this.failure !== null) return;
    this.failure = why;
    this.checkpoints.stop();
    this.checkpoints.settle();
    // Not at once: the caller may be in the middle of a step of the kernel.
    queueMicrotask(() => {
      for (const run of this.failedListeners) run(why);
    });
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

function emptyGroup(): Group {
  return { frames: new FrameWriter(), opens: null, lastSeq: -1 };
}

async function writeAll(file: EvidenceFile, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const written = await file.write(at === 0 ? bytes : bytes.subarray(at));
    if (!(written > 0)) throw new Error("the disk took no bytes");
    at += written;
  }
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
