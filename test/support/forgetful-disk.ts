import type { EvidenceDisk, EvidenceFile } from "../../src/guard/ports.js";

/**
 * A disk that keeps after a power cut only what a `sync` that returned has covered, and where every call
 * waits until the test lets it go on. So a test can stop the world between any two calls.
 */
export class ForgetfulDisk {
  /** Calls that wait, oldest first. */
  readonly waiting: { readonly what: string; readonly run: () => void }[] = [];
  readonly #files = new Map<string, FileState>();
  #names = new Map<string, FileState>();

  /** @param kept what an earlier power cut left */
  constructor(kept: ReadonlyMap<string, Uint8Array> = new Map()) {
    for (const [name, bytes] of kept) {
      const file = { bytes: [...bytes], synced: bytes.length };
      this.#files.set(name, file);
      this.#names.set(name, file);
    }
  }

  /** Lets the oldest waiting call happen; false: none waits. */
  goOn(): boolean {
    const call = this.waiting.shift();
    call?.run();
    return call !== undefined;
  }

  /**
   * What is there after the power is cut now. `more` of the bytes written and not synced made it all the
   * same (0 to 1): a disk may keep what it did not promise to keep, but only from the front.
   */
  afterPowerCut(more: number): Map<string, Uint8Array> {
    const kept = new Map<string, Uint8Array>();
    for (const [name, file] of this.#names) {
      const length = file.synced + Math.floor((file.bytes.length - file.synced) * more);
      kept.set(name, Uint8Array.from(file.bytes.slice(0, length)));
    }
    return kept;
  }

  disk(): EvidenceDisk {
    return {
      list: async () => await this.#call("list", () => [...this.#files.keys()]),
      read: async (name) => await this.#call("read", () => Uint8Array.from(this.#file(name).bytes)),
      append: async (name) =>
        await this.#call("open", () => {
          const file = this.#files.get(name) ?? { bytes: [], synced: 0 };
          this.#files.set(name, file);
          return this.#open(file);
        }),
      rename: async (from, to) => {
        await this.#call("rename", () => {
          const file = this.#file(from);
          this.#files.delete(from);
          this.#files.set(to, file);
        });
      },
      remove: async (name) => {
        await this.#call("remove", () => {
          this.#files.delete(name);
        });
      },
      syncNames: async () => {
        await this.#call("sync names", () => {
          this.#names = new Map(this.#files);
        });
      },
      release: async () => {
        await this.#call("release", () => undefined);
      },
    };
  }

  #open(file: FileState): EvidenceFile {
    return {
      write: async (bytes) => {
        // The caller's buffer is only its own until the call returns: take the bytes when it is made.
        const copy = bytes.slice();
        return await this.#call("write", () => {
          file.bytes.push(...copy);
          return copy.length;
        });
      },
      sync: async () => {
        await this.#call("sync", () => {
          file.synced = file.bytes.length;
        });
      },
      truncate: async (length) => {
        await this.#call("truncate", () => {
          file.bytes.length = length;
          file.synced = Math.min(file.synced, length);
        });
      },
      close: async () => {
        await this.#call("close", () => undefined);
      },
    };
  }

  #file(name: string): FileState {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no file ${name}`);
    return file;
  }

  async #call<T>(what: string, act: () => T): Promise<T> {
    return await new Promise<T>((resolve) => {
      this.waiting.push({
        what,
        run: () => {
          resolve(act());
        },
      });
    });
  }
}

type FileState = { readonly bytes: number[]; synced: number };
