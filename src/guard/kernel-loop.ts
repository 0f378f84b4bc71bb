import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { Entry, EntryBody } from "../kernel/record/entry.js";
import { foldEntry } from "../kernel/state/fold.js";
import type { FoldedState } from "../kernel/state/state.js";
import type { Effect } from "../kernel/step/effect.js";
import type { Input } from "../kernel/step/input.js";
import type { KernelState } from "../kernel/step/kernel-state.js";
import { step } from "../kernel/step/step.js";
import type { Us } from "../kernel/units.js";

export type LoopNeeds = {
  readonly profile: CompiledProfile;
  readonly nowUs: () => Us;
  readonly append: (entry: Entry) => void;
  readonly act: (effect: Effect) => void;
  /** All inputs are through: lines may be pumped, answers flushed. */
  readonly settled: () => void;
  /** The kernel, or what was to be done for it, threw: the loop is halted. */
  readonly failed: (error: unknown) => void;
};

/** A state, and the time of what follows on it. */
export type Moment = { readonly state: FoldedState; readonly atUs: Us };

/**
 * Runs the kernel: one input at a time, in the order they were told. Of what a step calls for, safe writes
 * go out before anything is recorded; then its records go to the store in order; then the rest is done.
 * Only a permit's write must follow its record, and that the kernel holds back itself until the store says
 * "durable". A kernel that has thrown is in no state that anything may follow from: it is never run again.
 */
export class KernelLoop {
  readonly #needs: LoopNeeds;
  readonly #inputs: Input[] = [];
  #state: KernelState;
  #busy = false;
  #halted = false;

  constructor(state: KernelState, needs: LoopNeeds) {
    this.#state = state;
    this.#needs = needs;
  }

  get state(): KernelState {
    return this.#state;
  }

  /** A step runs: what is told now comes after it, and no line may be pumped. */
  get busy(): boolean {
    return this.#busy;
  }

  /** For good: whatever is told or to be recorded from here on is ignored. */
  halt(): void {
    this.#halted = true;
    this.#inputs.length = 0;
  }

  tell(input: Input): void {
    if (this.#halted) return;
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      // Each input is made by something outside or by one effect, so this ends.
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#take(next);
      }
    } catch (error) {
      this.#fail(error);
      return;
    } finally {
      this.#busy = false;
    }
    this.#needs.settled();
  }

  /**
   * Entries that are not the kernel's own, such as the opening of a segment: numbered and folded like its, all of them at
   * the time that `make` is told.
   */
  record(make: (now: Moment) => readonly EntryBody[]): void {
    if (this.#halted) return;
    const { profile, nowUs, append } = this.#needs;
    const monoUs = nowUs();
    try {
      for (const body of make({ state: this.#state.folded, atUs: monoUs })) {
        const entry = { seq: this.#state.folded.nextSeq, monoUs, cause: null, body };
        this.#state = { ...this.#state, folded: foldEntry(profile, this.#state.folded, entry) };
        append(entry);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.halt();
    this.#needs.failed(error);
  }

  #take(input: Input): void {
    const { profile, nowUs, append, act } = this.#needs;
    const { state, effects, records } = step(profile, this.#state, input, nowUs());
    this.#state = state;
    for (const effect of effects) if (isSafeWrite(effect)) act(effect);
    for (const entry of records) append(entry);
    for (const effect of effects) if (!isSafeWrite(effect)) act(effect);
  }
}

function isSafeWrite(effect: Effect): boolean {
  return effect.kind === "safe-write";
}
