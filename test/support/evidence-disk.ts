import type { EvidenceDisk, EvidenceFile } from "../../src/guard/ports.js";

type Inode = { content: Uint8Array; synced: Uint8Array };
export type DiskCall = "write" | "sync" | "truncate" | "close" | "rename" | "remove" | "sync-names";

export function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: planted`), { code });
}

/**
 * A disk that keeps nothing but what was synced once it crashes. Every call is written down; a test can make
 * any call fail, be short, or wait.
 */
export class ForgetfulDisk {
  readonly journal: string[] = [];
  /** Thrown instead of the call, or after it was carried out. */
  fault: (call: DiskCall, name: string, count: number) => Error | null = () => null;
  faultAfter: (call: DiskCall, name: string, count: number) => Error | null = () => null;
  /** Most bytes one write takes. */
  writeMax = Number.MAX_SAFE_INTEGER;
  /** Awaited before a sync is carried out. */
  gate: () => Promise<void> = async () => {
    await Promise.resolve();
  };
  released = false;
  private names = new Map<string, Inode>();
  private syncedNames = new Map<string, Inode>();
  private readonly counts = new Map<string, number>();

  /** The files as a process sees them. */
  files(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.names].map(([name, inode]) => [name, inode.content]));
  }

  set(name: string, content: Uint8Array): void {
    const inode = { content, synced: content };
    this.names.set(name, inode);
    this.syncedNames.set(name, inode);
  }

  /** The power fails: unsynced names are gone, of unsynced content the first `kept(bytes)` bytes stay. */
  crash(kept: (unsynced: number) => number = () => 0): ForgetfulDisk {
    const after = new ForgetfulDisk();
    for (const [name, { content, synced }] of this.syncedNames) {
      const grown = content.length - synced.length;
      const stays = grown > 0 ? synced.length + kept(grown) : synced.length;
      after.set(name, grown > 0 ? content.slice(0, stays) : synced.slice());
    }
    return after;
  }

  port(): EvidenceDisk {
    return {
      list: async () => await Promise.resolve([...this.names.keys()]),
      read: async (name, bytesMax) => {
        const inode = this.names.get(name);
        if (inode === undefined) throw diskError("ENOENT");
        if (inode.content.length > bytesMax) throw diskError("EFBIG");
        return await Promise.resolve(inode.content.slice());
      },
      append: async (name) => {
        let inode = this.names.get(name);
        if (inode === undefined) {
          inode = { content: new Uint8Array(0), synced: new Uint8Array(0) };
          this.names.set(name, inode);
        }
        return await Promise.resolve(this.file(name, inode));
      },
      rename: async (from, to) => {
        await this.call("rename", `${from} ${to}`, () => {
          const inode = this.names.get(from);
          if (inode === undefined) throw diskError("ENOENT");
          this.names.delete(from);
          this.names.set(to, inode);
        });
      },
      remove: async (name) => {
        await this.call("remove", name, () => this.names.delete(name));
      },
      syncNames: async () => {
        await this.call("sync-names", "", () => {
          this.syncedNames = new Map(this.names);
        });
      },
      release: async () => {
        this.released = true;
        await Promise.resolve();
      },
    };
  }

  private file(name: string, inode: Inode): EvidenceFile {
    return {
      write: async (bytes) => {
        const taken = Math.min(bytes.length, this.writeMax);
        await this.call("write", name, () => {
          const joined = new Uint8Array(inode.content.length + taken);
          joined.set(inode.content);
          joined.set(bytes.subarray(0, taken), inode.content.length);
          inode.content = joined;
        });
        return taken;
      },
      sync: async () => {
        // What the call covers is what was written when it began.
        const { content } = inode;
        await this.gate();
        await this.call("sync", name, () => {
          inode.synced = content;
        });
      },
      truncate: async (length) => {
        await this.call("truncate", name, () => {
          inode.content = inode.content.slice(0, length);
        });
      },
      close: async () => {
        await this.call("close", name, () => undefined);
      },
    };
  }

  private async call(call: DiskCall, name: string, run: () => void): Promise<void> {
    await Promise.resolve();
    const count = (this.counts.get(call) ?? 0) + 1;
    this.counts.set(call, count);
    const before = this.fault(call, name, count);
    if (before !== null) {
      this.journal.push(`${call} ${name} failed`);
      throw before;
    }
    run();
    this.journal.push(`${call} ${name}`.trim());
    const after = this.faultAfter(call, name, count);
    if (after !== null) throw after;
  }
}
