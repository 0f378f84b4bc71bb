import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeEntry } from "../../evidence/decode-entry.js";
import { findMark, FRAME_KIND, FrameReader } from "../../evidence/frame.js";
import { hex } from "../../evidence/hex.js";
import { retentionNotice } from "../../evidence/retention.js";
import { readSegmentName, SEGMENT_BYTES_MAX } from "../../evidence/segment.js";
import type { EntryBody, ProfileBody } from "../../kernel/record/entry.js";
import type { Us } from "../../kernel/units.js";
import type { Clock, DiskRoom, EvidenceDisk, EvidenceHead, EvidenceSpace } from "../ports.js";
import { readOpening } from "./recover.js";
import { sha256 } from "./sha256.js";
import { wantsRoom, type SpacePolicy } from "./space.js";

export type RetentionNeeds = {
  readonly disk: EvidenceDisk & EvidenceSpace;
  readonly policy: SpacePolicy;
  readonly clock: Pick<Clock, "nowUs" | "utcUs">;
  readonly log: RecordingLog;
  readonly report: (text: string) => void;
};

/** The log as far as retention needs it. */
export type RecordingLog = {
  readonly head: () => Pick<EvidenceHead, "nextSeq">;
  /** Size of the newest checkpoint on the disk. */
  readonly signedSize: () => number;
  readonly checkpoint: () => void;
  /** Appends entries at once. */
  readonly record: (bodies: readonly EntryBody[]) => void;
};

/** What a segment opens with must fit: link and snapshot. */
const OPENING_BYTES_MAX = 8 * 1024 * 1024;
/** A clock that was set wrong must not take years of log away before somebody sees it. */
const BETWEEN_AGED_US: Us = 60_000_000;
/** Frames looked at in one turn of the loop, some half a millisecond. */
const FRAMES_A_TURN = 64;

/** The oldest segment, and what the one after it says of it. */
type Oldest = {
  readonly name: string;
  readonly next: string;
  readonly opening: NonNullable<ReturnType<typeof readOpening>>;
};

/** Recorded as going, and not gone before that record is signed. */
type Going = { readonly name: string; readonly bytes: number; readonly seq: number };

/**
 * Takes the oldest segment away when it is too old, or when room is wanted: one at a time, never the newest, never
 * before the next one's opening was read and a checkpoint on the disk covers it, and never before the record of it is
 * on the disk and under a checkpoint too. Profiles that it alone may hold are recorded again first, so that what
 * remains can still be replayed.
 */
export class SegmentRetention {
  /** Why the oldest segment stays although it should go; null: nothing is in the way. */
  waits: string | null = null;
  private readonly needs: RetentionNeeds;
  private names: readonly string[] = [];
  private oldest: Oldest | null = null;
  private going: Going | null = null;
  private agedUs: Us | null = null;
  private count = 0;
  /** Where profiles were recorded again in this run, by digest. */
  private readonly carried = new Map<string, number>();

  constructor(needs: RetentionNeeds) {
    this.needs = needs;
  }

  /** Something has begun that should go on soon. */
  get isBusy(): boolean {
    return this.going !== null;
  }

  /** Segments taken away in this run. */
  get dropped(): number {
    return this.count;
  }

  /** One step; bytes that were given free. Never rejects: what cannot be deleted stays, and `waits` says why. */
  async turn(room: DiskRoom): Promise<number> {
    try {
      return await this.step(room);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.waits = `it cannot be read or deleted (${why})`;
      // Somebody else may have been at the files: looked at anew. What is on record as going is tried again.
      this.names = [];
      this.oldest = null;
      return 0;
    }
  }

  private async step(room: DiskRoom): Promise<number> {
    if (this.going !== null) return await this.remove(this.going);
    const why = await this.findReason(room);
    const { oldest } = this;
    if (why === null || oldest === null) return 0;
    const { log, disk } = this.needs;
    if (log.signedSize() < oldest.opening.link.size) {
      this.waits = "no checkpoint on the disk covers it yet";
      return 0;
    }
    const measured = await disk.measure(oldest.name);
    const profiles = await this.findProfiles(oldest.name);
    const bodies = [...profiles, this.tell(oldest, measured?.bytes ?? 0, why)];
    const from = log.head().nextSeq;
    log.record(bodies);
    // A log that takes nothing any more has not recorded it.
    if (log.head().nextSeq !== from + bodies.length) return 0;
    profiles.forEach(({ digest }, place) => this.carried.set(hex(digest), from + place));
    this.going = { name: oldest.name, bytes: measured?.bytes ?? 0, seq: from + bodies.length - 1 };
    if (why === "age") this.agedUs = this.needs.clock.nowUs();
    log.checkpoint();
    return 0;
  }

  private async findReason(room: DiskRoom): Promise<"age" | "full" | null> {
    const { policy, clock } = this.needs;
    const full = wantsRoom(policy, room);
    if (!full && policy.keepUs === null) return null;
    this.waits = null;
    await this.findOldest();
    if (this.oldest === null) return null;
    if (full) return "full";
    const nowUs = clock.nowUs();
    if (this.agedUs !== null && nowUs - this.agedUs < BETWEEN_AGED_US) return null;
    const ageUs = clock.utcUs() - this.oldest.opening.utcUs;
    return policy.keepUs !== null && ageUs > policy.keepUs ? "age" : null;
  }

  private async findOldest(): Promise<void> {
    const { disk } = this.needs;
    if (this.names.length < 2) {
      this.names = (await disk.list()).filter((name) => readSegmentName(name) !== null).sort();
    }
    const [name, next] = this.names;
    if (name === undefined || next === undefined || this.oldest?.name === name) return;
    const opening = readOpening(await disk.readStart(next, OPENING_BYTES_MAX));
    if (opening !== null && opening.link.size === readSegmentName(next)) {
      this.oldest = { name, next, opening };
      return;
    }
    this.oldest = null;
    this.waits = `${next} does not begin with a link and a whole snapshot`;
  }

  private tell({ name, opening }: Oldest, bytes: number, why: "age" | "full"): EntryBody {
    return retentionNotice({
      segment: name,
      bytes,
      firstSeq: readSegmentName(name) ?? 0,
      lastSeq: opening.link.size - 1,
      root: opening.link.root,
      checkpointSize: this.needs.log.signedSize(),
      why,
    });
  }

  private async remove({ name, bytes, seq }: Going): Promise<number> {
    const { disk, log, report } = this.needs;
    if (log.signedSize() <= seq) return 0;
    if ((await disk.measure(name)) !== null) await disk.remove(name);
    await disk.syncNames();
    this.going = null;
    this.oldest = null;
    this.waits = null;
    this.names = this.names.filter((other) => other !== name);
    this.count += 1;
    report(`evidence: ${name} was deleted, as entry ${seq} records`);
    return bytes;
  }

  /** Profiles in this segment whose bytes were not recorded again since. */
  private async findProfiles(name: string): Promise<readonly ProfileBody[]> {
    const { disk } = this.needs;
    const next = this.oldest?.opening.link.size ?? 0;
    const bytes = await disk.read(name, SEGMENT_BYTES_MAX);
    const frames = new FrameReader(sha256);
    const found: ProfileBody[] = [];
    let at = 0;
    for (let count = 1; at >= 0 && at < bytes.length; count += 1) {
      if (count % FRAMES_A_TURN === 0) await nextTurn();
      const read = frames.read(bytes, at, bytes.length);
      if (read.kind !== "frame") {
        at = findMark(bytes, at + 1, bytes.length);
        continue;
      }
      const { kind, bodyStart, bodyEnd, end } = read.frame;
      at = end;
      const decoded = kind === FRAME_KIND.leaf ? decodeEntry(bytes, bodyStart, bodyEnd) : null;
      if (decoded?.ok !== true) continue;
      const { body } = decoded.entry;
      if (body.type !== "profile" || body.bytes === null) continue;
      if ((this.carried.get(hex(body.digest)) ?? -1) >= next) continue;
      found.push({ ...body, event: "loaded", why: "recorded again: retention" });
    }
    return found;
  }
}
