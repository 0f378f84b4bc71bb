import type { ProfileModel } from "../kernel/profile/model.js";
import { MS, type Us } from "../kernel/units.js";

/**
 * Notices that the guard's own loop stood still (the process was stopped, swapped out, or busy) for
 * longer than any command may wait. Asked before anything that came meanwhile is looked at, so that the
 * kernel hears of the gap first.
 */
export class GapWatch {
  readonly #nowUs: () => Us;
  readonly #limitUs: Us;
  readonly #gap: (gapUs: Us) => void;
  #lastUs: Us;

  constructor(nowUs: () => Us, limitUs: Us, gap: (gapUs: Us) => void) {
    this.#nowUs = nowUs;
    this.#limitUs = limitUs;
    this.#gap = gap;
    this.#lastUs = nowUs();
  }

  observe(): void {
    const nowUs = this.#nowUs();
    const gapUs = nowUs - this.#lastUs;
    this.#lastUs = nowUs;
    if (gapUs > this.#limitUs) this.#gap(gapUs);
  }
}

/** After standing still for longer than a command may wait nothing that waits is fresh: the shortest time decides. */
export function shortestCommandAge(model: ProfileModel): Us {
  return model.controllers.reduce(
    (least, { commandMaxAgeUs }) => Math.min(least, commandMaxAgeUs),
    500 * MS,
  );
}
