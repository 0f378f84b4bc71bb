import { BUNDLE_BYTES_MAX, type BundleItem } from "../evidence/bundle.js";
import { readCheckpoint, type Checkpoint } from "../evidence/checkpoint.js";
import { decodeEntry, type ReadEntry } from "../evidence/decode-entry.js";
import { FRAME_KIND, FrameReader, type Frame } from "../evidence/frame.js";
import { hex } from "../evidence/hex.js";
import { RangeWatch } from "../evidence/inclusion-watch.js";
import { LogReader } from "../evidence/log-reader.js";
import type { Consistency } from "../evidence/merkle.js";
import { equalBytes, type ConsistencyProof } from "../evidence/merkle-proof.js";
import { PartJoiner } from "../evidence/parts.js";
import { scanSegment } from "../evidence/scan.js";
import { readLink } from "../evidence/segment.js";
import { readSegment, sha256 } from "./evidence-files.js";
import { OutsideWatch } from "./outside-choice.js";
import { Refusal, type TextSink } from "./output.js";
import type { Ask } from "./period-ask.js";

/** Where the log is, and who is told how far reading it is. */
export type Source = {
  readonly directory: string;
  readonly segments: readonly string[];
  readonly err: TextSink;
};

export type PeriodAsk = Exclude<Ask, { readonly kind: "entry" }>;

/** What one pass over a log finds for a period, whatever else is wrong with the log. */
export class PeriodSurvey {
  /** Ends of the period by number; null: no entry of the log is in it. */
  first: number | null = null;
  last: number | null = null;
  /** Ends of the log, by number and by time. */
  oldest: ReadEntry | null = null;
  newest: ReadEntry | null = null;
  /** The first checkpoint over all of the period, and over more than `beyond` entries; null: not signed yet. */
  covering: Checkpoint | null = null;
  /** The last over nothing of the period; null: there is none. */
  earlier: Checkpoint | null = null;
  newestSigned: Checkpoint | null = null;
  /** Entries between the ends that bear a time outside of them, and whether one behind them bears a later time. */
  strays = 0;
  isClosed = false;
  readonly keys: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  readonly keyKinds: Map<number, string> = new Map<number, string>();
  readonly profiles: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  /** Over checkpoints that may be `covering`. */
  readonly outside: OutsideWatch = new OutsideWatch();
  private readonly ask: PeriodAsk;
  private readonly beyond: number;
  private readonly parts = new PartJoiner(sha256);
  private straysSince = 0;

  constructor(ask: PeriodAsk, beyond: number) {
    this.ask = ask;
    this.beyond = beyond;
    this.outside.over(beyond);
  }

  async read(source: Source): Promise<void> {
    await eachFrame(source, "looking through", (bytes, frame) => {
      if (frame.kind === FRAME_KIND.checkpoint) this.signed(bytes, frame);
      else if (frame.kind === FRAME_KIND.leaf) this.leaf(bytes, frame);
      return true;
    });
  }

  private signed(bytes: Uint8Array, frame: Frame): void {
    const read = readCheckpoint(bytes.slice(frame.bodyStart, frame.bodyEnd));
    if (!read.ok) return;
    const { size } = read.checkpoint.claim;
    this.newestSigned = read.checkpoint;
    if (size <= (this.first ?? Infinity)) this.earlier = read.checkpoint;
    if (this.last !== null && size > this.last && size > this.beyond) {
      this.covering ??= read.checkpoint;
    }
  }

  private leaf(bytes: Uint8Array, frame: Frame): void {
    const read = decodeEntry(bytes, frame.bodyStart, frame.bodyEnd);
    if (!read.ok) return;
    const { seq, body } = read.entry;
    this.oldest ??= read;
    this.newest = read;
    this.learn(body);
    if (body.type === "anchor") this.outside.anchor(body);
    if (this.isAsked(read)) {
      this.outside.over(seq);
      this.first ??= seq;
      this.last = seq;
      this.covering = null;
      this.isClosed = false;
      this.strays = this.straysSince;
    } else if (this.first !== null && this.ask.kind === "times") {
      this.straysSince += 1;
      if (read.stamp.utcUs > this.ask.toUs) this.isClosed = true;
    }
  }

  private isAsked({ entry, stamp }: ReadEntry): boolean {
    const { ask } = this;
    return ask.kind === "numbers"
      ? entry.seq >= ask.from && entry.seq <= ask.to
      : stamp.utcUs >= ask.fromUs && stamp.utcUs <= ask.toUs;
  }

  private learn(body: ReadEntry["entry"]["body"]): void {
    const link = readLink(body);
    if (link !== null) this.keys.set(hex(sha256(link.key)), link.key);
    if (body.type === "key") this.keys.set(hex(sha256(body.spki)), body.spki);
    else if (body.type === "boot") this.keyKinds.set(body.boot, body.key);
    else if (body.type === "profile" && body.bytes !== null) {
      const joined = this.parts.add(body.bytes);
      if (joined.kind === "whole") this.profiles.set(hex(sha256(joined.bytes)), joined.bytes);
    }
  }
}

export type Gathered = {
  readonly items: readonly BundleItem[];
  readonly entries: readonly ReadEntry[];
  /** From `earlier` to `checkpoint`; null: the log here begins after it. */
  readonly consistency: ConsistencyProof | null;
};

/** Entries of a period with their paths. A Refusal when the log no longer gives them, or never was as `earlier` says. */
export async function gatherPeriod(
  source: Source,
  of: {
    readonly first: number;
    readonly last: number;
    readonly checkpoint: Checkpoint;
    readonly earlier: Checkpoint | null;
  },
): Promise<Gathered> {
  const { first, last, checkpoint, earlier } = of;
  const { size } = checkpoint.claim;
  const log = new LogReader(sha256);
  const watch = new RangeWatch({ first, last }, sha256);
  log.attach(watch);
  const found: (ReadEntry & { readonly bytes: Uint8Array })[] = [];
  const held: { bytes: number; growth: Consistency | null } = { bytes: 0, growth: null };
  await eachFrame(source, "gathering", (bytes, frame, gapBytes) => {
    if (frame.kind !== FRAME_KIND.leaf) return true;
    const { read } = log.leaf(bytes, frame, gapBytes);
    if (read !== null && read.entry.seq >= first && read.entry.seq <= last) {
      const own = bytes.slice(frame.bodyStart, frame.bodyEnd);
      held.bytes += own.length;
      if (held.bytes > BUNDLE_BYTES_MAX) refuseLong(source.directory, read.entry.seq - 1);
      found.push({ ...read, bytes: own });
    }
    if (earlier !== null && log.size === earlier.claim.size) {
      if (!equalBytes(log.tree.root(), earlier.root)) refuseOther(source.directory, earlier);
      held.growth = log.tree.watch();
    }
    return log.size < size;
  });
  const paths = log.size === size ? watch.paths(log.tree) : null;
  if (paths?.length !== found.length) refuseDamaged(source.directory);
  return {
    items: found.map(({ bytes, entry }, i) => ({
      entry: bytes,
      proof: { size, index: entry.seq, path: paths[i] ?? [] },
    })),
    entries: found,
    consistency: prove(log, held.growth),
  };
}

function prove(log: LogReader, growth: Consistency | null): ConsistencyProof | null {
  if (growth === null) return null;
  return { size1: growth.size, size2: log.size, path: log.tree.prove(growth) };
}

function refuseLong(directory: string, last: number): never {
  const advice = `end the period at --to-seq ${last}, and export the rest from --from-seq ${last + 1}`;
  throw new Refusal(
    `${directory}: these entries have more than ${BUNDLE_BYTES_MAX} bytes, too many for a bundle: ${advice}`,
    1,
  );
}

function refuseOther(directory: string, earlier: Checkpoint): never {
  const which = `the first ${earlier.claim.size} entries are not those of the earlier checkpoint`;
  const check = `holdpoint evidence verify ${directory} says whether the log is whole`;
  throw new Refusal(`${directory}: ${which}: this is another log, or it was changed; ${check}`, 1);
}

function refuseDamaged(directory: string): never {
  const check = `holdpoint evidence verify ${directory} says where`;
  throw new Refusal(`${directory}: the log is damaged or cut, no path can be made; ${check}`, 1);
}

/** Every whole frame in order, until `visit` has enough. */
async function eachFrame(
  { directory, segments, err }: Source,
  doing: string,
  visit: (bytes: Uint8Array, frame: Frame, gapBytes: number) => boolean,
): Promise<void> {
  const reader = new FrameReader(sha256);
  const state = { wantsMore: true };
  for (const [index, name] of segments.entries()) {
    if (!state.wantsMore) return;
    if (segments.length > 1) err.write(`${doing} ${index + 1}/${segments.length} ${name}\n`);
    const bytes = await readSegment(directory, name);
    scanSegment(bytes, reader, {
      frame: (frame, _offset, gapBytes) => {
        if (state.wantsMore) state.wantsMore = visit(bytes, frame, gapBytes);
        return null;
      },
      gap: () => undefined,
    });
  }
}
