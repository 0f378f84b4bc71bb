import { readCheckpoint, type Checkpoint } from "../evidence/checkpoint.js";
import { decodeEntry, type ReadEntry } from "../evidence/decode-entry.js";
import { FRAME_KIND, FrameReader, type Frame } from "../evidence/frame.js";
import { hex } from "../evidence/hex.js";
import { InclusionWatch } from "../evidence/inclusion-watch.js";
import { LogReader } from "../evidence/log-reader.js";
import type { BundleItem } from "../evidence/bundle.js";
import { PartJoiner } from "../evidence/parts.js";
import { scanSegment } from "../evidence/scan.js";
import { readLink, readSegmentName } from "../evidence/segment.js";
import { listSegments, readEntries, readSegment, sha256 } from "./evidence-files.js";
import { Refusal } from "./output.js";
import { OutsideWatch } from "./outside-choice.js";

export type StoryEntry = ReadEntry & { readonly bytes: Uint8Array };

/** What belongs to one entry of a log, and what is needed to prove it. */
export type Story = {
  readonly directory: string;
  readonly segments: readonly string[];
  /** In the order of their numbers: what caused it, the decision, its outcomes. */
  readonly entries: readonly StoryEntry[];
  /** Numbers of those that are of the one command, its decision and outcomes, and not only what led to them. */
  readonly own: ReadonlySet<number>;
  /** The first checkpoint over all of them, else the newest; null: nothing is signed yet. */
  readonly checkpoint: Checkpoint | null;
  /** Public keys (SPKI) that the log names, by the hex of their SHA-256. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
  /** Kind of the checkpoint key, by run. */
  readonly keyKinds: ReadonlyMap<number, string>;
  /** Exact bytes of the profile that the decision names; null: not asked for, or the log does not hold it. */
  readonly profile: Uint8Array | null;
  /** Outside evidence over checkpoints that cover all of them. */
  readonly outside: OutsideWatch;
};

/** Entries that led to one another are followed so far back. */
const CAUSES_MAX = 16;

/** Reads the log once for one entry. A Refusal when the log does not hold it. */
export async function gatherStory(
  directory: string,
  seq: number,
  wants: { readonly profile: boolean },
): Promise<Story> {
  const segments = await listSegments(directory);
  const target = await locate(directory, segments, seq);
  if (target === null) throw new Refusal(await sayMissing(directory, segments, seq), 1);
  const reading = new StoryReading(target, wants.profile);
  for (const name of segments) reading.segment(await readSegment(directory, name));
  const entries = new Map(reading.related.map((found) => [found.entry.seq, found]));
  for (const found of reading.related) {
    let { cause } = found.entry;
    for (let i = 0; i < CAUSES_MAX && cause !== null && !entries.has(cause); i += 1) {
      const before = await locate(directory, segments, cause);
      if (before === null) break;
      entries.set(cause, before);
      ({ cause } = before.entry);
    }
  }
  return {
    directory,
    segments,
    entries: [...entries.values()].sort((a, b) => a.entry.seq - b.entry.seq),
    own: new Set(reading.related.map(({ entry }) => entry.seq)),
    checkpoint: reading.checkpoint(),
    keys: reading.keys,
    keyKinds: reading.keyKinds,
    profile: reading.profile(),
    outside: reading.outside,
  };
}

/** Paths of entries in the log as it was when the checkpoint was made. A Refusal when the log no longer gives them. */
export async function findPaths(
  story: Story,
  entries: readonly StoryEntry[],
  size: number,
): Promise<readonly BundleItem[]> {
  const log = new LogReader(sha256);
  const watches = entries.map((found) => ({
    found,
    watch: new InclusionWatch(found.entry.seq, sha256),
  }));
  for (const { watch } of watches) log.attach(watch);
  const reader = new FrameReader(sha256);
  const holder: { items: readonly BundleItem[] | null } = { items: null };
  for (const name of story.segments) {
    if (holder.items !== null) break;
    const bytes = await readSegment(story.directory, name);
    scanSegment(bytes, reader, {
      frame: (frame, _offset, gapBytes) => {
        if (frame.kind !== FRAME_KIND.leaf || log.size >= size) return null;
        log.leaf(bytes, frame, gapBytes);
        if (log.size !== size) return null;
        holder.items = watches.flatMap(({ found, watch }) => {
          const path = watch.path(log.tree);
          const { seq } = found.entry;
          return path === null ? [] : [{ entry: found.bytes, proof: { size, index: seq, path } }];
        });
        return null;
      },
      gap: () => undefined,
    });
  }
  if (holder.items?.length === entries.length) return holder.items;
  const check = `holdpoint evidence verify ${story.directory} says where`;
  throw new Refusal(
    `${story.directory}: the log is damaged or cut, no path can be made; ${check}`,
    1,
  );
}

/** One pass over the log: everything about one command, and what signs it. */
class StoryReading {
  readonly related: StoryEntry[] = [];
  readonly keys = new Map<string, Uint8Array>();
  readonly keyKinds = new Map<number, string>();
  readonly outside = new OutsideWatch();
  private readonly target: StoryEntry;
  private readonly wantsProfile: boolean;
  private readonly command: string | null;
  private readonly frames = new FrameReader(sha256);
  private readonly parts = new PartJoiner(sha256);
  /** By digest; retention records one again at the end of the log, behind the decisions that name it. */
  private readonly profiles = new Map<string, Uint8Array>();
  /** Digest of the one that the decision names. */
  private named: string | null = null;
  private newest: Checkpoint | null = null;
  private first: Checkpoint | null = null;
  private lastSeq = 0;

  constructor(target: StoryEntry, wantsProfile: boolean) {
    this.target = target;
    this.wantsProfile = wantsProfile;
    const { body } = target.entry;
    this.command = body.type === "decision" || body.type === "outcome" ? hex(body.id) : null;
  }

  /** Entries of the command may come long after it: the first checkpoint over them all is known at the end. */
  checkpoint(): Checkpoint | null {
    return this.first ?? this.newest;
  }

  /** Known at the end, too. */
  profile(): Uint8Array | null {
    return this.named === null ? null : (this.profiles.get(this.named) ?? null);
  }

  segment(bytes: Uint8Array): void {
    scanSegment(bytes, this.frames, {
      frame: (frame) => {
        if (frame.kind === FRAME_KIND.checkpoint) this.signed(bytes, frame);
        else if (frame.kind === FRAME_KIND.leaf) this.leaf(bytes, frame);
        return null;
      },
      gap: () => undefined,
    });
  }

  private signed(bytes: Uint8Array, frame: Frame): void {
    const read = readCheckpoint(bytes.slice(frame.bodyStart, frame.bodyEnd));
    if (!read.ok) return;
    this.newest = read.checkpoint;
    if (this.related.length > 0 && read.checkpoint.claim.size > this.lastSeq) {
      this.first ??= read.checkpoint;
    }
  }

  private leaf(bytes: Uint8Array, frame: Frame): void {
    const read = decodeEntry(bytes, frame.bodyStart, frame.bodyEnd);
    if (!read.ok) return;
    const { seq, body } = read.entry;
    const link = readLink(body);
    if (link !== null) this.keys.set(hex(sha256(link.key)), link.key);
    if (body.type === "key") this.keys.set(hex(sha256(body.spki)), body.spki);
    else if (body.type === "boot") this.keyKinds.set(body.boot, body.key);
    else if (body.type === "profile" && body.bytes !== null && this.wantsProfile) {
      const joined = this.parts.add(body.bytes);
      if (joined.kind === "whole") this.profiles.set(hex(sha256(joined.bytes)), joined.bytes);
    }
    if (body.type === "anchor") this.outside.anchor(body);
    if (!this.belongs(seq, body)) return;
    this.outside.over(seq);
    this.related.push({ ...read, bytes: bytes.slice(frame.bodyStart, frame.bodyEnd) });
    this.lastSeq = seq;
    this.first = null;
    if (body.type === "decision") this.named = hex(body.profile);
  }

  private belongs(seq: number, body: StoryEntry["entry"]["body"]): boolean {
    if (seq === this.target.entry.seq) return true;
    if (body.type !== "decision" && body.type !== "outcome") return false;
    return hex(body.id) === this.command;
  }
}

async function locate(
  directory: string,
  segments: readonly string[],
  seq: number,
): Promise<StoryEntry | null> {
  const name = segments.findLast((segment) => (readSegmentName(segment) ?? Infinity) <= seq);
  if (name === undefined) return null;
  const bytes = await readSegment(directory, name);
  const holder: { found: StoryEntry | null } = { found: null };
  scanSegment(bytes, new FrameReader(sha256), {
    frame: (frame) => {
      if (frame.kind !== FRAME_KIND.leaf || holder.found !== null) return null;
      const read = decodeEntry(bytes, frame.bodyStart, frame.bodyEnd);
      if (!read.ok || read.entry.seq !== seq) return null;
      holder.found = { ...read, bytes: bytes.slice(frame.bodyStart, frame.bodyEnd) };
      return null;
    },
    gap: () => undefined,
  });
  return holder.found;
}

async function sayMissing(
  directory: string,
  segments: readonly string[],
  seq: number,
): Promise<string> {
  const first = readSegmentName(segments[0] ?? "") ?? 0;
  if (seq < first)
    return `${directory}: entry ${seq} is in an older segment that is not here (they begin at ${first})`;
  const newest = await newestSeq(directory, segments);
  return newest === null
    ? `${directory}: the log has no entry that can be read`
    : `${directory}: there is no entry ${seq}; the newest is ${newest}`;
}

async function newestSeq(directory: string, segments: readonly string[]): Promise<number | null> {
  for (const name of segments.toReversed()) {
    const last = readEntries(name, await readSegment(directory, name)).at(-1);
    if (last !== undefined) return last.entry.seq;
  }
  return null;
}
