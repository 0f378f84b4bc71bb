import type { FoldedState } from "../kernel/state/state.js";
import type { Us } from "../kernel/units.js";

/** A state, and the time of the entry that ended it. */
export type Moment = { readonly monoUs: Us; readonly state: FoldedState };

/** When a permit may have had its second look: from its own entry until its command was too old to be sent. */
export type Window = { readonly seq: number; readonly untilUs: Us };

/** A look of no permit may be of any state this many entries back. */
export const MOMENTS_LEAST = 64;
/** States kept for the looks of permits that wait: more than a gateway records while a command may wait. */
const MOMENTS_FAR = 65_536;
const MOMENTS_MAX = 2 * MOMENTS_FAR;

/**
 * States remembered for looks, which were taken some entries before they were recorded: the newest few, and those of
 * the time in which a permit under way may have been looked at again. How many entries come between that look and the
 * outcome that tells it does not matter: a device may be silent, or its proof far, while others are written to. What is
 * found depends on the log alone and not on when older states were forgotten, so that a replay finds the same wherever
 * it began.
 */
export class Moments {
  private list: Moment[];
  private readonly windows: () => Iterable<Window>;
  private countMax = 2 * MOMENTS_LEAST;

  /** `windows`: of the permits under way, oldest first. */
  constructor(windows: () => Iterable<Window>, list: readonly Moment[] = []) {
    this.windows = windows;
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
   * time, and the look was taken between two of them. Null: one of them fits. `newest`: the state now. `permit`: the
   * sequence number of the permit that it is the second look of; null: of none.
   */
  differ(
    look: { readonly atUs: Us; readonly permit: number | null },
    newest: FoldedState,
    compare: (state: FoldedState) => string | null,
  ): string | null {
    const { atUs, permit } = look;
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
      if (before === undefined || before.monoUs < atUs) break;
      const isTooFar = permit === null ? back >= MOMENTS_LEAST : before.state.nextSeq <= permit;
      if (isTooFar) break;
      ({ state } = before);
    }
    return differs ?? `the log tells of no moment at ${atUs} us`;
  }

  /** What no look can be of any more; few states alive make for a quick collector. */
  private forget(): void {
    const young = this.list.length - MOMENTS_LEAST;
    const windows = this.windows()[Symbol.iterator]();
    let next = windows.next();
    // As windows come by their beginnings, a state is in one of them while it is before the furthest end so far.
    let untilUs = -Infinity;
    const kept = this.list.filter(({ state }, i) => {
      while (next.done !== true && next.value.seq < state.nextSeq) {
        untilUs = Math.max(untilUs, next.value.untilUs);
        next = windows.next();
      }
      return i >= young || state.lastUs <= untilUs;
    });
    this.list = kept.length > MOMENTS_FAR ? kept.slice(kept.length - MOMENTS_FAR) : kept;
    this.countMax = Math.min(MOMENTS_MAX, 2 * this.list.length);
  }
}
