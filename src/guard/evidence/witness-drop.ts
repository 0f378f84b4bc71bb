import type { Us } from "../../kernel/units.js";
import type { Clock, WitnessFolder } from "../ports.js";
import { sha256 } from "./sha256.js";
import type { DurableCheckpoint, SignedStore } from "./signed-store.js";

export type WitnessDropOptions = {
  readonly clock: Clock;
  readonly store: Pick<SignedStore, "onCheckpoint">;
  readonly folder: WitnessFolder;
  /** At most so often, but for the beginning and the end of a run. */
  readonly everyUs: Us;
  /** Plain words for the operator. */
  readonly report: (text: string) => void;
};

/** After one that could not be written. */
const RETRY_US: Us = 60_000_000;
/** For the last one of a run, and for one that is under way then. */
const LAST_WITHIN_US: Us = 1_000_000;
const NAME_HASH_BYTES = 4;

/**
 * Leaves checkpoints as files for a witness to carry away (evidence.md, Shape 5): the first of a run, then one an interval
 * while there is something new, and the newest when the run ends. Only those that are durable. Nothing waits for a file: one
 * that cannot be written is said once and tried again with a later checkpoint.
 */
export class WitnessDrop {
  readonly #options: WitnessDropOptions;
  #newest: DurableCheckpoint | null = null;
  #droppedSize = 0;
  #dueUs: Us;
  #working: Promise<void> | null = null;
  #isFailing = false;
  #isClosed = false;

  constructor(options: WitnessDropOptions) {
    this.#options = options;
    this.#dueUs = options.clock.nowUs();
    options.store.onCheckpoint((checkpoint) => {
      this.#newest = checkpoint;
      if (!this.#isClosed && options.clock.nowUs() >= this.#dueUs) this.#drop();
    });
  }

  /** The newest once more, if it has not been dropped, and none after it. Takes 2 s at most. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#within();
    this.#drop();
    await this.#within();
  }

  #drop(): void {
    const newest = this.#newest;
    if (this.#working !== null || newest === null || newest.size <= this.#droppedSize) return;
    const { clock, folder, everyUs, report } = this.#options;
    this.#working = folder
      .put(nameDrop(newest), newest.body)
      .then(
        () => {
          this.#droppedSize = newest.size;
          this.#dueUs = clock.nowUs() + everyUs;
          if (this.#isFailing) report("evidence: checkpoints are left for the witness again");
          this.#isFailing = false;
        },
        (error: unknown) => {
          const why = error instanceof Error ? error.message : String(error);
          this.#dueUs = clock.nowUs() + Math.min(everyUs, RETRY_US);
          if (!this.#isFailing) {
            report(`evidence: no checkpoint was left for the witness (${why}); it is tried again`);
          }
          this.#isFailing = true;
        },
      )
      .finally(() => {
        this.#working = null;
      });
  }

  async #within(): Promise<void> {
    if (this.#working === null) return;
    const { clock } = this.#options;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.at(clock.nowUs() + LAST_WITHIN_US, resolve);
    });
    await Promise.race([this.#working, late]);
    cancel();
  }
}

/** By what it is over, so that two of one size (a log that was rolled back) are two files, and both are carried away. */
function nameDrop({ body, size }: DurableCheckpoint): string {
  const hash = Buffer.from(sha256(body).subarray(0, NAME_HASH_BYTES)).toString("hex");
  return `checkpoint-${size.toString().padStart(16, "0")}-${hash}.cose`;
}
