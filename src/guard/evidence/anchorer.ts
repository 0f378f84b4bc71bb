import { readCounterAttest } from "../../codec/tpm2/counter-attest.js";
import type { AnchorBody } from "../../kernel/record/entry.js";
import type { Us } from "../../kernel/units.js";
import type { AnchorKey, Clock } from "../ports.js";
import { sha256 } from "./sha256.js";
import type { DurableCheckpoint, SignedStore } from "./signed-store.js";

export type AnchorerOptions = {
  readonly clock: Clock;
  readonly key: AnchorKey;
  readonly store: Pick<SignedStore, "checkpoint" | "head" | "onCheckpoint">;
  /** At most so often, but for the beginning and the end of a run. */
  readonly everyUs: Us;
  /** Value of the counter that is used up, as the comparison with the log found. */
  readonly newest: number;
  /** When the newest anchors in the log were written. */
  readonly anchoredUtcS: readonly number[];
  /** Appends the entry. */
  readonly record: (body: AnchorBody) => void;
  /** Plain words for the operator. */
  readonly report: (text: string) => void;
};

/** However often the gateway is started and stopped, no more anchors an hour than this: each wears the TPM's flash. */
export const ANCHORS_AN_HOUR = 8;
const HOUR_S = 3_600;
const FIRST_RETRY_US: Us = 10_000_000;
/**
 * For the checkpoint that an anchor is to be over. For the last anchor of a run, and before it for one that is under way:
 * with all else that an end may wait for it stays below what the supervisor gives it.
 */
const CHECKPOINT_WITHIN_US: Us = 60_000_000;
const LAST_WITHIN_US: Us = 2_000_000;

/**
 * Anchors (evidence.md, Shape 4): the flash counter raised, a checkpoint over all that was recorded, then the TPM's word
 * on both, as an entry. One at a time, beside everything else: no command waits for it. One that fails is said once and
 * tried again, later each time and at last once an interval; the value that was raised for it is used then.
 */
export class Anchorer {
  readonly #options: AnchorerOptions;
  #newest: number;
  #recentUtcS: readonly number[];
  /** Newest checkpoint on the disk. */
  #last: DurableCheckpoint | null = null;
  #waiting: ((checkpoint: DurableCheckpoint) => void) | null = null;
  #working: Promise<void> | null = null;
  #cancelTimer: (() => void) | null = null;
  #failures = 0;
  /** What the log holds up to here is anchored, the anchor's own entry included. */
  #anchoredTo = 0;
  #closed = false;

  constructor(options: AnchorerOptions) {
    this.#options = options;
    this.#newest = options.newest;
    this.#recentUtcS = options.anchoredUtcS.slice(-ANCHORS_AN_HOUR);
    options.store.onCheckpoint((checkpoint) => {
      this.#last = checkpoint;
      this.#waiting?.(checkpoint);
    });
  }

  /** Value of the counter in the newest anchor: about so often was the flash written. */
  get newest(): number {
    return this.#newest;
  }

  /** At the beginning of a run, or after a change of the profile. */
  start(): void {
    if (this.#isSpent()) {
      this.#options.report(
        `evidence: ${ANCHORS_AN_HOUR} anchors were made within the hour; the next one waits, to spare the TPM's flash`,
      );
      this.#arm(this.#options.everyUs);
    } else this.#try();
  }

  /** A last one, if the TPM answers in time; none after it. Takes 4 s at most. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    await this.#within(this.#idle(), LAST_WITHIN_US);
    if (this.#working !== null || this.#isSpent() || !this.#hasGrown()) return;
    this.#try();
    await this.#within(this.#idle(), LAST_WITHIN_US);
  }

  async #idle(): Promise<void> {
    await this.#working;
  }

  #try(): void {
    this.#working ??= this.#make()
      .then(
        () => {
          if (this.#failures > 0) this.#options.report("evidence: anchors are made again");
          this.#failures = 0;
          this.#arm(this.#options.everyUs);
        },
        (error: unknown) => {
          this.#fail(error instanceof Error ? error.message : String(error));
        },
      )
      .finally(() => {
        this.#working = null;
      });
  }

  async #make(): Promise<void> {
    const { key, store, clock, record } = this.#options;
    const value = await key.raise(this.#newest);
    const { body, size } = await this.#cover();
    const qualifying = sha256(body);
    const { attest, signature } = await key.certify(qualifying);
    const read = readCounterAttest(attest);
    if (read?.value !== value || !Buffer.from(qualifying).equals(read.qualifying)) {
      throw new Error("the TPM certified something else");
    }
    record({ type: "anchor", kind: "nv-certify", token: attest, size, signature });
    this.#newest = value;
    this.#anchoredTo = store.head().nextSeq;
    const nowS = Math.floor(clock.utcUs() / 1_000_000);
    this.#recentUtcS = [...this.#recentUtcS, nowS].slice(-ANCHORS_AN_HOUR);
  }

  /** A durable checkpoint over everything that is recorded now. */
  async #cover(): Promise<DurableCheckpoint> {
    const { store, clock } = this.#options;
    const size = store.head().nextSeq;
    if (this.#last !== null && this.#last.size >= size) return this.#last;
    return await new Promise((resolve, reject) => {
      const cancel = clock.at(clock.nowUs() + CHECKPOINT_WITHIN_US, () => {
        this.#waiting = null;
        reject(new Error("no checkpoint was signed in time"));
      });
      this.#waiting = (checkpoint) => {
        if (checkpoint.size < size) return;
        this.#waiting = null;
        cancel();
        resolve(checkpoint);
      };
      store.checkpoint("anchor");
    });
  }

  #fail(why: string): void {
    const { report, everyUs } = this.#options;
    if (this.#failures === 0) report(`evidence: no anchor was made (${why}); it is tried again`);
    this.#failures += 1;
    this.#arm(Math.min(everyUs, FIRST_RETRY_US * 2 ** Math.min(this.#failures - 1, 20)));
  }

  #arm(inUs: Us): void {
    if (this.#closed) return;
    const { clock, everyUs } = this.#options;
    this.#cancelTimer?.();
    this.#cancelTimer = clock.at(clock.nowUs() + inUs, () => {
      this.#cancelTimer = null;
      if (this.#failures > 0 || this.#hasGrown()) this.#try();
      else this.#arm(everyUs);
    });
  }

  #hasGrown(): boolean {
    return this.#options.store.head().nextSeq > this.#anchoredTo;
  }

  /** By the times in the log. A time that is yet to come counts as now: a clock that was set back spares the flash. */
  #isSpent(): boolean {
    const sinceS = Math.floor(this.#options.clock.utcUs() / 1_000_000) - HOUR_S;
    const within = this.#recentUtcS.filter((atS) => atS > sinceS);
    return within.length >= ANCHORS_AN_HOUR;
  }

  async #within(work: Promise<void>, withinUs: Us): Promise<void> {
    const { clock } = this.#options;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.at(clock.nowUs() + withinUs, resolve);
    });
    await Promise.race([work, late]);
    cancel();
  }
}
