import { findMark, type Frame, type FrameReader } from "./frame.js";

/**
 * How a segment ends. `torn`: the last write did not finish. `zero-tail`: the file system gave the file its
 * length but not its content. `damaged`: something readable stands behind something that is not, so the
 * bytes between were once whole and nothing may be cut.
 */
export type Found = "clean" | "torn" | "zero-tail" | "damaged";

export type SegmentScan = {
  readonly found: Found;
  /** End of the last frame of the unbroken run from the start. */
  readonly goodEnd: number;
  /** First byte that no frame covers, and why; null when clean. */
  readonly firstFault: { readonly offset: number; readonly why: string } | null;
};

export type ScanVisitor = {
  /** A whole frame. A reason means: its content cannot stand here, which is damage too. */
  readonly frame: (frame: Frame, offset: number, gapBytes: number) => string | null;
  /** Bytes no frame covers, up to the next whole frame or the end. */
  readonly gap: (offset: number, length: number, why: string) => void;
};

/**
 * Reads frames one after another; after a bad one it searches the next mark where a whole frame stands and
 * goes on. The search hashes at most a few times the segment's length, whatever the bytes are; when that
 * is used up the rest counts as damaged, never as torn.
 */
export function scanSegment(
  bytes: Uint8Array,
  reader: FrameReader,
  visitor: ScanVisitor,
): SegmentScan {
  let at = 0;
  let goodEnd = 0;
  let gapBytes = 0;
  let firstFault: SegmentScan["firstFault"] = null;
  let damaged = false;
  const costMax = reader.hashedBytes + bytes.length * SEARCH_FACTOR + SEARCH_BYTES_MIN;
  while (at < bytes.length) {
    const read = reader.read(bytes, at, bytes.length);
    if (read.kind === "frame") {
      const wrong = visitor.frame(read.frame, at, gapBytes);
      if (wrong !== null) {
        firstFault ??= { offset: at, why: wrong };
        damaged = true;
      }
      gapBytes = 0;
      at = read.frame.end;
      if (firstFault === null) goodEnd = at;
      continue;
    }
    const why = read.kind === "short" ? "the frame is not complete" : read.why;
    firstFault ??= { offset: at, why };
    const next = findFrame(bytes, at + 1, reader, costMax);
    const end = next < 0 ? bytes.length : next;
    visitor.gap(at, end - at, why);
    if (next >= 0 || reader.hashedBytes > costMax) damaged = true;
    gapBytes = end - at;
    at = end;
  }
  return { found: classify(bytes, goodEnd, firstFault !== null, damaged), goodEnd, firstFault };
}

const SEARCH_FACTOR = 8;
const SEARCH_BYTES_MIN = 1024 * 1024;

/** Offset of the next whole frame; -1: none, or the search has cost too much. */
function findFrame(bytes: Uint8Array, start: number, reader: FrameReader, costMax: number): number {
  let at = findMark(bytes, start, bytes.length);
  while (at >= 0 && reader.hashedBytes <= costMax) {
    if (reader.read(bytes, at, bytes.length).kind === "frame") return at;
    at = findMark(bytes, at + 1, bytes.length);
  }
  return -1;
}

function classify(bytes: Uint8Array, goodEnd: number, faulty: boolean, damaged: boolean): Found {
  if (damaged) return "damaged";
  if (!faulty) return "clean";
  for (let i = goodEnd; i < bytes.length; i += 1) if (bytes[i] !== 0) return "torn";
  return "zero-tail";
}
