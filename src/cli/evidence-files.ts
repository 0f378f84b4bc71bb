import { readdir, readFile, stat } from "node:fs/promises";
import { hash } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { decodeEntry, peekType, type ReadEntry } from "../evidence/decode-entry.js";
import { readCommit } from "../evidence/commit.js";
import { FRAME_KIND, FrameReader, type Frame } from "../evidence/frame.js";
import { scanSegment } from "../evidence/scan.js";
import { readSegmentName, SEGMENT_BYTES_MAX } from "../evidence/segment.js";
import type { Entry, EntryType } from "../kernel/record/entry.js";
import { Refusal } from "./output.js";
import { readSettled } from "./settled-read.js";

/** One write of a group has ended by then. */
const SETTLE_MS = 10;

/** Segment files of an evidence directory, oldest first. A Refusal when there is none: nothing proves nothing. */
export async function listSegments(directory: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch {
    throw new Refusal(`${directory}: there is no such directory that can be read`, 2);
  }
  const segments = names.filter((name) => readSegmentName(name) !== null).sort();
  if (segments.length === 0) throw new Refusal(`${directory}: no segment of a log is here`, 2);
  return segments;
}

/** Also while a gateway writes to it. A Refusal when it is gone, or longer than a segment is. */
export async function readSegment(directory: string, name: string): Promise<Uint8Array> {
  const path = join(directory, name);
  return await readSettled(
    new FrameReader(sha256),
    async () => await readOnce(path),
    async () => {
      await setTimeout(SETTLE_MS);
    },
  );
}

async function readOnce(path: string): Promise<Uint8Array> {
  const size = await sizeOf(path);
  if (size > SEGMENT_BYTES_MAX) {
    throw new Refusal(`${path}: ${size} bytes; no segment is longer than ${SEGMENT_BYTES_MAX}`, 2);
  }
  const content = await readFile(path);
  return new Uint8Array(content.buffer, content.byteOffset, content.length);
}

/** Bytes of these segments together, for those who follow how far a reading has come. */
export async function countBytes(directory: string, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) bytes += await sizeOf(join(directory, name));
  return bytes;
}

/** A segment may go while the log is read: retention deletes whole ones. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    throw new Refusal(`${path}: it was there, and cannot be read any more; try again`, 2);
  }
}

/**
 * By way of a string: a Buffer of its own for each hash takes longer than the hash, and leaves the collector more to
 * clear than all the rest of a verification.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const text = hash("sha256", bytes, "binary");
  const digest = new Uint8Array(32);
  for (let i = 0; i < digest.length; i += 1) digest[i] = text.charCodeAt(i);
  return digest;
}

export type FoundEntry = ReadEntry & {
  readonly segment: string;
  readonly offset: number;
  readonly leafHash: Uint8Array;
};

export type EntryVisitor = {
  /** Entries of other types are passed over, undecoded. */
  readonly only?: EntryType;
  readonly entry: (found: FoundEntry) => void;
  /** Everything before it was written as one group. */
  readonly commit?: () => void;
  /** Bytes that are no entry and no other frame. */
  readonly gap?: (bytes: number) => void;
};

/** Visits, in order, every entry that can be read in one segment, whatever else is wrong with it. */
export function visitEntries(name: string, bytes: Uint8Array, visitor: EntryVisitor): void {
  scanSegment(bytes, new FrameReader(sha256), {
    frame: (frame: Frame, offset: number) => {
      if (frame.kind === FRAME_KIND.commit && endsGroup(bytes, frame)) visitor.commit?.();
      if (frame.kind !== FRAME_KIND.leaf) return null;
      const { bodyStart, bodyEnd } = frame;
      const { only } = visitor;
      if (only !== undefined && peekType(bytes, bodyStart, bodyEnd) !== only) return null;
      const read = decodeEntry(bytes, bodyStart, bodyEnd);
      if (!read.ok) visitor.gap?.(frame.end - offset);
      else {
        const leafHash = new Uint8Array(frame.digest);
        visitor.entry({ ...read, segment: name, offset, leafHash });
      }
      return null;
    },
    gap: (_offset, length) => visitor.gap?.(length),
  });
}

/** A signed commit stands in the middle of a group, over the root of one before. */
function endsGroup(bytes: Uint8Array, { bodyStart, bodyEnd }: Frame): boolean {
  return readCommit(bytes.subarray(bodyStart, bodyEnd))?.kind === "root";
}

/** The entry whose frame begins at this byte, where one was read before. A Refusal when there is none any more. */
export function readEntryAt(path: string, bytes: Uint8Array, offset: number): Entry {
  const read = new FrameReader(sha256).read(bytes, offset, bytes.length);
  if (read.kind === "frame") {
    const decoded = decodeEntry(bytes, read.frame.bodyStart, read.frame.bodyEnd);
    if (decoded.ok) return decoded.entry;
  }
  throw new Refusal(`${path}: it changed while it was read; try again`, 2);
}

/** Every entry that can be read in one segment, at once in memory. */
export function readEntries(name: string, bytes: Uint8Array): readonly FoundEntry[] {
  const found: FoundEntry[] = [];
  visitEntries(name, bytes, { entry: (entry) => found.push(entry) });
  return found;
}
