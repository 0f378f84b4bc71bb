import { nameSegment } from "../../evidence/segment.js";
import type { EvidenceDisk, EvidenceFile } from "../ports.js";

/** The segment that is written to. */
export type OpenSegment = {
  readonly name: string;
  readonly file: EvidenceFile;
  /** Whole frames in it. */
  readonly length: number;
};

/** Bytes kept back on the disk; gives them free, once. False: there are none, or none any more. */
export type Reserve = () => Promise<boolean>;

export type SegmentFilesOptions = {
  readonly disk: EvidenceDisk;
  /** Null: the next group opens a segment. */
  readonly segment: OpenSegment | null;
  readonly segmentBytesMax: number;
  readonly reserve: Reserve;
};

/** How a group got to the disk: `reserve`: only there, as the disk is full for everything else. */
export type Written = "written" | "reserve";

/**
 * The newest segment on the disk, one group after another, each written whole and synced. Where the disk is
 * full the reserve is given free and the group written again; a disk that fails otherwise is never written
 * to again.
 */
export class SegmentFiles {
  private readonly options: SegmentFilesOptions;
  private segment: OpenSegment | null;
  private rotateAt: number;
  private written = 0;
  private groups = 0;

  constructor(options: SegmentFilesOptions) {
    this.options = options;
    this.segment = options.segment;
    this.rotateAt = options.segmentBytesMax;
  }

  /** False: the next group must open a segment. */
  get isOpen(): boolean {
    return this.segment !== null;
  }

  get isFull(): boolean {
    return (this.segment?.length ?? 0) >= this.rotateAt;
  }

  /** Bytes and groups that reached the disk in this run. */
  get tally(): { readonly bytes: number; readonly groups: number } {
    return { bytes: this.written, groups: this.groups };
  }

  /**
   * Returns when the group is on stable storage. `opens`: first seq of the segment that begins with it. `full` is told as
   * soon as the disk takes no more, before the reserve is tried. Rejects when nothing can be written any more.
   */
  async write(
    bytes: Uint8Array,
    opens: number | null,
    full: (error: unknown) => void,
  ): Promise<Written> {
    try {
      await this.put(bytes, opens);
      return "written";
    } catch (error) {
      if (!isFullDisk(error)) throw error;
      full(error);
      if (!(await this.makeRoom(opens))) throw error;
      await this.put(bytes, opens);
      return "reserve";
    }
  }

  async close(): Promise<void> {
    const { segment } = this;
    this.segment = null;
    await segment?.file.close().catch(() => undefined);
  }

  private async put(bytes: Uint8Array, opens: number | null): Promise<void> {
    if (opens !== null) await this.begin(bytes, opens);
    else if (this.segment === null) throw new Error("there is no segment to write to");
    else {
      const { segment } = this;
      await writeAll(segment.file, bytes);
      await segment.file.sync();
      this.segment = { ...segment, length: segment.length + bytes.length };
    }
    this.written += bytes.length;
    this.groups += 1;
  }

  /** A new segment appears under its name only when it is whole and synced. */
  private async begin(bytes: Uint8Array, firstSeq: number): Promise<void> {
    const { disk, segmentBytesMax } = this.options;
    const name = nameSegment(firstSeq);
    const file = await disk.append(`${name}.tmp`);
    await writeAll(file, bytes);
    await file.sync();
    await disk.rename(`${name}.tmp`, name);
    await disk.syncNames();
    const before = this.segment;
    this.segment = { name, file, length: bytes.length };
    // What opens a segment counts too: one that is mostly its own opening is not worth another.
    this.rotateAt = Math.max(segmentBytesMax, 2 * bytes.length);
    await before?.file.close();
  }

  /**
   * What was not written whole is taken off again, so that the next start finds whole frames. Then the reserve is given
   * free, and the segment opened anew: a file that failed once is not synced again.
   */
  private async makeRoom(opens: number | null): Promise<boolean> {
    const { disk, reserve } = this.options;
    const { segment } = this;
    try {
      if (opens !== null) await disk.remove(`${nameSegment(opens)}.tmp`);
      else await segment?.file.truncate(segment.length);
      if (!(await reserve())) return false;
      if (opens !== null || segment === null) return true;
      const file = await disk.append(segment.name);
      this.segment = { ...segment, file };
      await segment.file.close();
      return true;
    } catch {
      return false;
    }
  }
}

/** Whether it is the system's word that the disk, or this user's share of it, takes no more. */
export function hasNoRoom(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return code === "ENOSPC" || code === "EDQUOT";
}

async function writeAll(file: EvidenceFile, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const written = await file.write(at === 0 ? bytes : bytes.subarray(at)).catch(markFull);
    if (!(written > 0)) throw new Error("the disk took no bytes");
    at += written;
  }
}

/** A write that found no room left nothing behind that a later sync could lose; a sync that found none may have. */
class FullDisk extends Error {}

function markFull(error: unknown): never {
  if (error instanceof Error && hasNoRoom(error)) {
    throw new FullDisk(error.message, { cause: error });
  }
  throw error;
}

function isFullDisk(error: unknown): boolean {
  return error instanceof FullDisk;
}
