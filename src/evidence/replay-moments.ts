import type { FoldedState } from "../kernel/state/state.js";

/** A state, and the time of the entry that ended it. */
export type Moment = { readonly monoUs: number; readonly state: FoldedState };

/** A look may be of any state this many entries back. */
export const MOMENTS_LEAST = 64;
/** And never of one further back than this. */
const MOMENTS_FAR = 4096;
const MOMENTS_MAX = 2 * MOMENTS_FAR;

/**
 * States remembered for looks, which were taken some entries before they were recorded: back to the oldest permit that is
 * under way, and a few more for looks that are of no permit. How far back a look may be depends on the log alone and
 * not on when older states were forgotten, so that a replay finds the same wherever it began.
 */
export class Moments {
  private list: Moment[];
  private readonly oldestSeq: () => number;
  private countMax = 2 * MOMENTS_LEAST;

  /** `oldestSeq`: of the permits under way; Infinity: there is none. */
  constructor(oldestSeq: () => number, list: readonly Moment[] = []) {
    this.oldestSeq = oldestSeq;
    this.list = [...list];
  }

  /** Oldest first. */
  all(): readonly Moment[] {
    return this.list;
  }

  push(moment: Moment): void {
    this.list.push(moment);
    if (this.list.length > this.countMax) this.forget();
  }

  /**
   * What a look differs in from every state the log stood in at its time: several entries may carry one
   * time, and the look was taken between two of them. Null: one of them fits. `newest`: the state now.
   */
  differ(
    atUs: number,
    newest: FoldedState,
    compare: (state: FoldedState) => string | null,
  ): string | null {
    let differs: string | null = null;
    // The newest state, then the state before each entry, which stood until that entry.
    let state = newest;
    for (let back = 0; ; back += 1) {
      if (state.lastUs <= atUs) {
        const why = compare(state);
        if (why === null) return null;
        differs ??= why;
      }
      const before = this.list[this.list.length - 1 - back];
      if (before === undefined || before.monoUs < atUs || back >= MOMENTS_FAR) break;
      if (back >= MOMENTS_LEAST && before.state.nextSeq < this.oldestSeq()) break;
      ({ state } = before);
    }
    return differs ?? `the log tells of no moment at ${atUs} us`;
  }

  /** What no look can be of any more; few states alive make for a quick collector. */
  private forget(): void {
    const { length } = this.list;
    const oldestSeq = this.oldestSeq();
    const needed = this.list.findIndex(({ state }) => state.nextSeq >= oldestSeq);
    const young = length - MOMENTS_LEAST;
    const from = Math.max(0, length - MOMENTS_FAR, Math.min(young, needed < 0 ? young : needed));
    this.list = this.list.slice(from);
    this.countMax = Math.min(MOMENTS_MAX, 2 * this.list.length);
  }
}
