import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { EvidenceDisk, EvidenceFile } from "../../src/guard/ports.js";

/** How much of what was never synced a power cut leaves behind. */
export type PowerCut = { readonly keepBytes: number; readonly asZeros: boolean };

type OpenFile = { name: string; readonly fd: number; length: number; synced: number };

/**
 * A real directory whose syncs end when the test says so: simulated time decides how slow the disk is, not
 * the machine. `cutPower` leaves of the newest file what was synced and as much of the rest as asked.
 */
export class CorpusDisk {
  readonly directory: string;
  /** Syncs wait for `endSync`; off while a log is opened or closed. */
  gated = false;
  /** Every write from now on fails with this code. */
  fault: "EIO" | "ENOSPC" | null = null;
  #waiting: (() => void) | null = null;
  #open: OpenFile[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  isSyncing(): boolean {
    return this.#waiting !== null;
  }

  endSync(): void {
    const end = this.#waiting;
    this.#waiting = null;
    end?.();
  }

  /** Bytes that a power cut now could take away. */
  get unsynced(): number {
    return this.#open.reduce((sum, { length, synced }) => sum + length - synced, 0);
  }

  cutPower(cut: PowerCut): void {
    for (const { name, fd, length, synced } of this.#open) {
      closeSync(fd);
      if (name.endsWith(".tmp")) {
        rmSync(this.#path(name), { force: true });
        continue;
      }
      const kept = Math.min(length, synced + cut.keepBytes);
      truncateSync(this.#path(name), kept);
      if (cut.asZeros) truncateSync(this.#path(name), length);
    }
    this.#forget();
  }

  port(): EvidenceDisk {
    return {
      list: async () => await Promise.resolve(readdirSync(this.directory)),
      read: async (name, bytesMax) => {
        const bytes = readFileSync(this.#path(name));
        if (bytes.length > bytesMax) throw new Error("longer than allowed");
        return await Promise.resolve(bytes);
      },
      append: async (name) => await Promise.resolve(this.#append(name)),
      rename: async (from, to) => {
        renameSync(this.#path(from), this.#path(to));
        for (const file of this.#open) if (file.name === from) file.name = to;
        await Promise.resolve();
      },
      remove: async (name) => {
        rmSync(this.#path(name));
        await Promise.resolve();
      },
      syncNames: async () => {
        await Promise.resolve();
      },
      release: async () => {
        await Promise.resolve();
      },
    };
  }

  #append(name: string): EvidenceFile {
    const fd = openSync(this.#path(name), "a", 0o600);
    const { size } = statSync(this.#path(name));
    const file: OpenFile = { name, fd, length: size, synced: size };
    this.#open.push(file);
    const use = (): void => {
      if (this.fault !== null) throw Object.assign(new Error(this.fault), { code: this.fault });
      if (!this.#open.includes(file)) throw new Error("closed");
    };
    return {
      write: async (bytes) => {
        await Promise.resolve();
        use();
        const taken = writeSync(fd, bytes);
        file.length += taken;
        return taken;
      },
      sync: async () => {
        use();
        const covered = file.length;
        if (this.gated) await new Promise<void>((resolve) => (this.#waiting = resolve));
        file.synced = Math.max(file.synced, covered);
      },
      truncate: async (length) => {
        if (this.#open.includes(file)) ftruncateSync(fd, length);
        file.length = length;
        file.synced = Math.min(file.synced, length);
        await Promise.resolve();
      },
      close: async () => {
        if (this.#open.includes(file)) closeSync(fd);
        this.#open = this.#open.filter((one) => one !== file);
        await Promise.resolve();
      },
    };
  }

  /** Whoever still waits for a sync of before waits for ever: its process is dead. */
  #forget(): void {
    this.#open = [];
    this.#waiting = null;
    this.fault = null;
  }

  #path(name: string): string {
    return join(this.directory, name);
  }
}
