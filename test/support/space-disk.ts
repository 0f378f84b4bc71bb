import type { DiskRoom, EvidenceDisk, EvidenceSpace } from "../../src/guard/ports.js";
import { diskError, type ForgetfulDisk } from "./evidence-disk.js";

const MB = 1_000_000;

/** A forgetful disk of a size: what others have on it is `othersBytes`. Its files' times stand in `changedUtcUs`. */
export class SpaceDisk {
  readonly disk: ForgetfulDisk;
  readonly bytes: number;
  othersBytes = 0;
  changedUtcUs = 0;
  /** Awaited before the disk says how full it is. */
  gate: () => Promise<void> = async () => {
    await Promise.resolve();
  };
  asked = 0;

  constructor(disk: ForgetfulDisk, bytes = 100 * MB) {
    this.disk = disk;
    this.bytes = bytes;
  }

  /** Writes fail with ENOSPC where there is no room for all of it, as on a real disk. */
  bound(): void {
    this.disk.fault = (call) =>
      call === "write" && this.freeBytes() <= 0 ? diskError("ENOSPC") : null;
  }

  freeBytes(): number {
    const own = [...this.disk.files().values()].reduce((sum, { length }) => sum + length, 0);
    return this.bytes - this.othersBytes - own;
  }

  port(): EvidenceDisk & EvidenceSpace {
    return {
      ...this.disk.port(),
      room: async (): Promise<DiskRoom> => {
        this.asked += 1;
        await this.gate();
        const freeBytes = Math.max(0, this.freeBytes());
        return { usedBytes: this.bytes - freeBytes, freeBytes };
      },
      measure: async (name) => {
        const file = this.disk.files().get(name);
        await Promise.resolve();
        return file === undefined ? null : { bytes: file.length, changedUtcUs: this.changedUtcUs };
      },
      readStart: async (name, bytesMax) => {
        const file = this.disk.files().get(name);
        await Promise.resolve();
        if (file === undefined) throw diskError("ENOENT");
        return file.slice(0, bytesMax);
      },
    };
  }
}
