import { readdir, readFile, stat } from "node:fs/promises";
import { hash } from "node:crypto";
import { join } from "node:path";
import { decodeEntry, type ReadEntry } from "../evidence/decode-entry.js";
import { FRAME_KIND, FrameReader, type Frame } from "../evidence/frame.js";
import { scanSegment } from "../evidence/scan.js";
import { readSegmentName, SEGMENT_BYTES_MAX } from "../evidence/segment.js";
import { Refusal } from "./output.js";

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

export async function readSegment(directory: string, name: string): Promise<Uint8Array> {
  const path = join(directory, name);
  const { size } = await stat(path);
  if (size > SEGMENT_BYTES_MAX) {
    throw new Refusal(`${path}: ${size} bytes; no segment is longer than ${SEGMENT_BYTES_MAX}`, 2);
  }
  return new Uint8Array(await readFile(path));
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

export type FoundEntry = ReadEntry & {
  readonly segment: string;
  readonly offset: number;
  readonly leafHash: Uint8Array;
};

/** Every entry that can be read in one segment, whatever else is wrong with it. */
export function readEntries(name: string, bytes: Uint8Array): readonly FoundEntry[] {
  const found: FoundEntry[] = [];
  scanSegment(bytes, new FrameReader(sha256), {
    frame: (frame: Frame, offset: number) => {
      if (frame.kind !== FRAME_KIND.leaf) return null;
      const read = decodeEntry(bytes, frame.bodyStart, frame.bodyEnd);
      if (read.ok)
        found.push({ ...read, segment: name, offset, leafHash: new Uint8Array(frame.digest) });
      return null;
    },
    gap: () => undefined,
  });
  return found;
}
