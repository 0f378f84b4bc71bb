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
    const found = (await this.disk.measure(NAME))?.bytes ?? 0;
    this.held = Math.min(found, this.bytes);
    if (found <= this.bytes) return;
    const file = await this.disk.append(NAME);
    try {
      await file.truncate(this.bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

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

  /** Once; false: there was nothing to give. */
  readonly release = async (): Promise<boolean> => {
    if (this.isGiven) return false;
    this.isGiven = true;
    const had = this.held > 0;
    this.held = 0;
    if (had) await this.disk.remove(NAME);
    return had;
  };

  /** A method, as the compiler would not see that awaiting may change the field. */
  private hasGone(): boolean {
    return this.isGiven;
  }
}
