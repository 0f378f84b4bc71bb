import { randomBytes } from "node:crypto";
import type { EvidenceDisk, EvidenceSpace } from "../ports.js";

const NAME = "reserve";
/** Written and synced at once, so that a reserve in the making never holds the disk for long. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Bytes that are on the disk only to be given free when it is full: then nobody else can have taken them. They are
 * random, as a file system may store nothing for zeros.
 */
export class ReserveFile {
  private readonly disk: EvidenceDisk & EvidenceSpace;
  private readonly bytes: number;
  private held = 0;
  private isGiven = false;

  constructor(disk: EvidenceDisk & EvidenceSpace, bytes: number) {
    this.disk = disk;
    this.bytes = bytes;
  }

  get heldBytes(): number {
    return this.held;
  }

  get isWhole(): boolean {
    return this.held >= this.bytes;
  }

  /** What an earlier run left; more than is wanted now is given back. */
  async open(): Promise<void> {
    const found = await this.measure();
    if (this.hasGone()) return;
    this.held = Math.min(found, this.bytes);
    if (found > this.bytes) await this.shrink(this.bytes);
  }

  /**
   * So many bytes of it, or all there are, for what a start has to write before anything else; they are made again when
   * there is room. False: there was nothing to give. Not to be called while `grow` or `open` is under way.
   */
  readonly lend = async (bytes: number): Promise<boolean> => {
    await this.open();
    if (this.held === 0) return false;
    const left = Math.max(0, this.held - bytes);
    this.held = left;
    if (left > 0) await this.shrink(left);
    else await this.disk.remove(NAME);
    return true;
  };

  /** One piece more; rejects when the disk refuses it. */
  async grow(): Promise<void> {
    const want = Math.min(PIECE_BYTES, this.bytes - this.held);
    if (want <= 0 || this.isGiven) return;
    const file = await this.disk.append(NAME);
    try {
      const piece = randomBytes(want);
      let at = 0;
      while (at < want) {
        const written = await file.write(at === 0 ? piece : piece.subarray(at));
        if (!(written > 0)) throw new Error("the disk took no bytes");
        at += written;
        this.held += written;
      }
      await file.sync();
    } catch (error) {
      // What a failed sync left is not surely there: begun anew.
      this.held = 0;
      await this.disk.remove(NAME).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    // Given free meanwhile: what was just made would be in nobody's hands.
    if (this.hasGone()) await this.disk.remove(NAME).catch(() => undefined);
  }

  /** Once, and also what an earlier run left and nobody has looked at yet; false: there was nothing to give. */
  readonly release = async (): Promise<boolean> => {
    if (this.isGiven) return false;
    this.isGiven = true;
    const had = this.held > 0 || (await this.measure()) > 0;
    this.held = 0;
    if (had) await this.disk.remove(NAME);
    return had;
  };

  private async measure(): Promise<number> {
    return (await this.disk.measure(NAME))?.bytes ?? 0;
  }

  private async shrink(bytes: number): Promise<void> {
    const file = await this.disk.append(NAME);
    try {
      await file.truncate(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    // Given free meanwhile: a file of that length would be there again, and hold nothing.
    if (this.hasGone()) await this.disk.remove(NAME).catch(() => undefined);
  }

  /** A method, as the compiler would not see that awaiting may change the field. */
  private hasGone(): boolean {
    return this.isGiven;
  }
}
