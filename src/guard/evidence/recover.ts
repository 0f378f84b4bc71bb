import { sigStructure } from "../../codec/cose/sign1.js";
import { readCheckpoint } from "../../evidence/checkpoint.js";
import { FRAME_KIND, FrameReader, type Frame } from "../../evidence/frame.js";
import { ENTRY_BYTES_MIN, LogReader } from "../../evidence/log-reader.js";
import { equalBytes } from "../../evidence/merkle-proof.js";
import type { Consistency, MerkleTree } from "../../evidence/merkle.js";
import { PartJoiner } from "../../evidence/parts.js";
import { scanSegment, type Found } from "../../evidence/scan.js";
import {
  readLink,
  readSegmentName,
  SEGMENT_BYTES_MAX,
  type SegmentLink,
} from "../../evidence/segment.js";
import type { AnchorBody, Entry, SnapshotBody } from "../../kernel/record/entry.js";
import type { Stamp } from "../../evidence/stamp.js";
import type { EvidenceDisk } from "../ports.js";
import { sha256 } from "./sha256.js";

/**
 * Takes what the log says about the state before this run. `snapshot` comes whenever one is complete; then,
 * one by one, every entry written after it. Before the first snapshot of a log whose beginning is gone
 * nothing is handed over.
 */
export type RecoveryVisitor = {
  readonly snapshot: (
    snapshot: Omit<SnapshotBody, "state"> & { readonly state: Uint8Array },
  ) => void;
  readonly entry: (entry: Entry) => void;
};

export type Recovery = {
  readonly found: Found;
  /** First seq that is not, or not surely, in the log any more; for a clean log the next one. */
  readonly fromSeq: number;
  /** Unreadable end of the newest segment, to be cut off; null: nothing. */
  readonly cut: { readonly from: number; readonly bytes: Uint8Array } | null;
  readonly tree: MerkleTree;
  /** Watched since the newest checkpoint; null where that cannot be had. */
  readonly watcher: Consistency | null;
  readonly last: Uint8Array;
  readonly lost: number;
  readonly checkpoint: { readonly hash: Uint8Array; readonly size: number } | null;
  /** The newest checkpoint with a TPM's counter, whole, though segments before it were not read. */
  readonly counted: Uint8Array | null;
  /** The newest anchor of a TPM, likewise. */
  readonly anchor: AnchorBody | null;
  /** SHA-256 of the newest time stamp, likewise. */
  readonly token: Uint8Array | null;
  /** When the newest anchors were written, in UTC seconds, as far as they were read. */
  readonly anchoredUtcS: readonly number[];
  /** Name of this log in checkpoints; null before its first entry. */
  readonly log: string | null;
  /** Digests of the profiles whose bytes are in the log, newest last. */
  readonly profiles: readonly Uint8Array[];
  /** Number of the newest run in the log; 0: none. */
  readonly boot: number;
  readonly segment: { readonly name: string; readonly length: number } | null;
};

/** Reads the log from the newest segment that can be started from. Changes nothing on the disk. */
export async function recoverLog(disk: EvidenceDisk, visitor: RecoveryVisitor): Promise<Recovery> {
  const names = (await disk.list()).filter((name) => readSegmentName(name) !== null).sort();
  const reading = new Reading(visitor);
  const start = await findStart(disk, names);
  let found: Found = start.skipped ? "damaged" : "clean";
  let cut: Recovery["cut"] = null;
  let length = 0;
  for (const name of names.slice(start.index)) {
    const bytes = await disk.read(name, SEGMENT_BYTES_MAX);
    const scan = reading.segment(bytes);
    const isNewest = name === names.at(-1);
    length = scan.goodEnd;
    // Segments before the newest were whole before the next one was begun: any fault in them is damage.
    if (scan.found === "damaged" || (scan.found !== "clean" && !isNewest)) found = "damaged";
    else if (scan.found !== "clean" && found === "clean") found = scan.found;
    if (found !== "damaged" && scan.found !== "clean") {
      cut = { from: scan.goodEnd, bytes: bytes.slice(scan.goodEnd) };
    }
  }
  const name = names.at(-1);
  return reading.finish(found, {
    cut,
    segment: name === undefined ? null : { name, length },
  });
}

/** Newest segment that opens with a link and a whole snapshot, or is the first of all. */
async function findStart(
  disk: EvidenceDisk,
  names: readonly string[],
): Promise<{ readonly index: number; readonly skipped: boolean }> {
  for (let index = names.length - 1; index >= 0; index -= 1) {
    const name = names[index] ?? "";
    if (readSegmentName(name) === 0) return { index, skipped: index < names.length - 1 };
    if (readOpening(await disk.read(name, SEGMENT_BYTES_MAX)) !== null) {
      return { index, skipped: index < names.length - 1 };
    }
  }
  return { index: 0, skipped: names.length > 0 };
}

/** How a segment begins: its link and when that was written. Null: not with a link and a whole snapshot. */
export function readOpening(
  bytes: Uint8Array,
): { readonly link: SegmentLink; readonly utcUs: number } | null {
  const frames = new FrameReader(sha256);
  const log = new LogReader(sha256);
  const joiner = new PartJoiner(sha256);
  let at = 0;
  let opening: ReturnType<typeof readOpening> = null;
  for (;;) {
    const read = frames.read(bytes, at, bytes.length);
    if (read.kind !== "frame" || read.frame.kind !== FRAME_KIND.leaf) return null;
    const { faults, link, read: entry } = log.leaf(bytes, read.frame, 0);
    if (faults.length > 0 || entry === null) return null;
    const { body } = entry.entry;
    if (opening === null) {
      if (link === null) return null;
      opening = { link, utcUs: entry.stamp.utcUs };
    } else {
      if (body.type !== "snapshot") return null;
      const joined = joiner.add(body.state);
      if (joined.kind !== "more") return joined.kind === "whole" ? opening : null;
    }
    at = read.frame.end;
  }
}

const ANCHORS_KEPT = 8;

/** What has been read so far. */
class Reading {
  private readonly visitor: RecoveryVisitor;
  private readonly frames: FrameReader = new FrameReader(sha256);
  private readonly log: LogReader = new LogReader(sha256, true);
  private readonly snapshots: PartJoiner = new PartJoiner(sha256);
  private readonly profileParts: PartJoiner = new PartJoiner(sha256);
  private founded = false;
  private firstLost: number | null = null;
  private name: string | null = null;
  private checkpoint: { readonly hash: Uint8Array; readonly size: number } | null = null;
  private checkpointRoot: Uint8Array | null = null;
  private counted: Uint8Array | null = null;
  private anchor: AnchorBody | null = null;
  private token: Uint8Array | null = null;
  private anchoredUtcS: readonly number[] = [];
  private boot = 0;
  /** Bytes no frame covers since the newest entry. */
  private gapBytes = 0;
  private profiles: readonly Uint8Array[] = [];

  constructor(visitor: RecoveryVisitor) {
    this.visitor = visitor;
  }

  segment(bytes: Uint8Array): ReturnType<typeof scanSegment> {
    return scanSegment(bytes, this.frames, {
      frame: (frame, _offset, gapBytes) => {
        const wrong = this.frame(bytes, frame, gapBytes);
        if (wrong !== null) this.firstLost ??= this.log.size;
        return wrong;
      },
      gap: (_offset, length) => {
        this.gapBytes += length;
        this.firstLost ??= this.log.size;
      },
    });
  }

  finish(found: Found, rest: Pick<Recovery, "cut" | "segment">): Recovery {
    const { checkpoint, log } = this;
    const again = checkpoint === null ? null : log.treeFrom(checkpoint.size);
    const isDamaged = found === "damaged" || this.isSetBack(again?.root ?? null);
    const fromSeq = this.firstLost ?? log.size;
    if (isDamaged) {
      // No number is given twice: what may have stood in the damage counts as lost.
      log.lose(Math.floor(this.gapBytes / ENTRY_BYTES_MIN));
      log.lose((checkpoint?.size ?? 0) - log.size);
    }
    const grown = isDamaged || again === null ? { tree: log.tree, watcher: null } : again;
    return {
      ...grown,
      segment: rest.segment,
      found: isDamaged ? "damaged" : found,
      cut: isDamaged ? null : rest.cut,
      fromSeq,
      last: log.last,
      lost: log.lost,
      checkpoint,
      counted: this.counted,
      anchor: this.anchor,
      token: this.token,
      anchoredUtcS: this.anchoredUtcS,
      log: this.name,
      profiles: this.profiles,
      boot: this.boot,
    };
  }

  /** Fewer leaves than were signed, or others: no crash of ours does that. */
  private isSetBack(rootThen: Uint8Array | null): boolean {
    if (this.checkpoint !== null && this.checkpoint.size > this.log.size) return true;
    const signed = this.checkpointRoot;
    return rootThen !== null && signed !== null && !equalBytes(rootThen, signed);
  }

  private frame(bytes: Uint8Array, frame: Frame, gapBytes: number): string | null {
    switch (frame.kind) {
      case FRAME_KIND.leaf:
        return this.leaf(bytes, frame, gapBytes);
      case FRAME_KIND.commit:
        return this.log.commit(bytes.subarray(frame.bodyStart, frame.bodyEnd)).fault?.why ?? null;
      case FRAME_KIND.checkpoint:
        return this.readCheckpoint(bytes.slice(frame.bodyStart, frame.bodyEnd));
    }
  }

  private leaf(bytes: Uint8Array, frame: Frame, gapBytes: number): string | null {
    const first = this.log.size === 0;
    const leaf = this.log.leaf(bytes, frame, gapBytes);
    if (first && leaf.link === null) {
      this.name = nameLog(frame.digest);
      this.founded = true;
    }
    this.gapBytes = 0;
    if (leaf.read !== null) this.entry(leaf.read.entry, leaf.read.stamp);
    return leaf.faults[0]?.why ?? null;
  }

  private entry(entry: Entry, { boot, utcUs }: Pick<Stamp, "boot" | "utcUs">): void {
    const { body } = entry;
    this.boot = Math.max(this.boot, boot);
    if (body.type === "anchor") this.outside(body, Math.floor(utcUs / 1e6));
    const link = readLink(body);
    if (link !== null) this.continue(link);
    if (body.type === "profile" && body.bytes !== null) {
      const joined = this.profileParts.add(body.bytes);
      if (joined.kind === "whole") this.profiles = addHash(this.profiles, body.digest);
    }
    const joined = body.type === "snapshot" ? this.snapshots.add(body.state) : null;
    if (body.type === "snapshot" && joined?.kind === "whole") {
      this.founded = true;
      this.visitor.snapshot({ ...body, state: joined.bytes });
    }
    if (this.founded) this.visitor.entry(entry);
  }

  private outside(body: AnchorBody, utcS: number): void {
    if (body.kind === "rfc3161") this.token = sha256(body.token);
    if (body.kind !== "nv-certify") return;
    this.anchor = body;
    this.anchoredUtcS = [...this.anchoredUtcS, utcS].slice(-ANCHORS_KEPT);
  }

  private continue(link: SegmentLink): void {
    this.name = link.log;
    this.profiles = link.profiles;
    this.checkpoint ??= link.checkpoint;
    this.counted ??= link.counted;
    this.anchor ??= link.anchor;
    this.token ??= link.token ?? null;
  }

  private readCheckpoint(body: Uint8Array): string | null {
    const read = readCheckpoint(body);
    if (!read.ok) return read.why;
    const { claim, root, sign1 } = read.checkpoint;
    this.checkpoint = { hash: sha256(sigStructure(sign1.protectedBytes, root)), size: claim.size };
    this.checkpointRoot = root;
    if (claim.counter !== null) this.counted = body;
    return null;
  }
}

/** A log is called after its first leaf. */
export function nameLog(firstLeaf: Uint8Array): string {
  return `log-${Array.from(firstLeaf.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export function addHash(hashes: readonly Uint8Array[], hash: Uint8Array): readonly Uint8Array[] {
  return [...hashes.filter((known) => !equalBytes(known, hash)), hash];
}
