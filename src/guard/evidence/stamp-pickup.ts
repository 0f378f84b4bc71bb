import { TIME_STAMP_BYTES_MAX, readTimeStamp } from "../../codec/rfc3161/time-stamp.js";
import type { AnchorBody } from "../../kernel/record/entry.js";
import type { Us } from "../../kernel/units.js";
import type { Clock, EvidenceDisk, EvidenceStore } from "../ports.js";

export type StampPickupOptions = {
  readonly clock: Clock;
  readonly disk: Pick<EvidenceDisk, "list" | "read" | "remove" | "rename">;
  readonly store: Pick<EvidenceStore, "head">;
  /** Appends the entry. */
  readonly record: (body: AnchorBody) => void;
  readonly report: (text: string) => void;
};

/** One a minute and no more: whoever can put files here cannot fill the log with them quickly. */
export const PICKUP_EVERY_US: Us = 60_000_000;
const NAME = /^stamp-(\d{16})\.tsr$/;

/** File that a time stamp over the checkpoint of so many entries waits in, in the evidence folder. */
export function nameStamp(size: number): string {
  return `stamp-${size.toString().padStart(16, "0")}.tsr`;
}

/**
 * Takes time stamps that `holdpoint evidence stamp --keep` left in the evidence folder into the log. Whether they are good
 * is for whoever verifies: here they must have the form of one. A file is removed when its entry is durable; after a crash
 * between the two it is recorded twice, which harms nothing.
 */
export class StampPickup {
  readonly #options: StampPickupOptions;
  #cancel: (() => void) | null = null;
  #recorded: { readonly name: string; readonly seq: number } | null = null;
  #failing = false;
  #stopped = false;

  constructor(options: StampPickupOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    this.#cancel = clock.at(clock.nowUs() + PICKUP_EVERY_US, () => {
      this.#look().then(
        () => {
          this.#failing = false;
          if (!this.#stopped) this.start();
        },
        (error: unknown) => {
          this.#complain(error instanceof Error ? error.message : String(error));
          if (!this.#stopped) this.start();
        },
      );
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  async #look(): Promise<void> {
    const { disk, store, record } = this.#options;
    const recorded = this.#recorded;
    if (recorded !== null) {
      if (store.head().durableSeq < recorded.seq) return;
      await disk.remove(recorded.name);
      this.#recorded = null;
    }
    const name = [...(await disk.list())].sort().find((each) => NAME.test(each));
    if (name === undefined || this.#stopped) return;
    const token = await disk.read(name, TIME_STAMP_BYTES_MAX).catch(() => new Uint8Array(0));
    const size = Number(NAME.exec(name)?.[1]);
    if (readTimeStamp(token) === null || size > store.head().size) {
      await disk.rename(name, `${name}.refused`);
      this.#options.report(`evidence: ${name} is no time stamp over a checkpoint; put aside`);
      return;
    }
    this.#recorded = { name, seq: store.head().nextSeq };
    record({ type: "anchor", kind: "rfc3161", token, size, signature: null });
  }

  #complain(why: string): void {
    if (!this.#failing) this.#options.report(`evidence: time stamps cannot be taken in (${why})`);
    this.#failing = true;
  }
}
