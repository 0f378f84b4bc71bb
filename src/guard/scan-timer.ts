import type { Us } from "../kernel/units.js";
import type { Clock } from "./ports.js";

/** Timers of the loop count whole milliseconds and round up twice: one that is set for a moment fires up to 2 ms after it. */
export const TIMER_GRAIN_US: Us = 1_000;

/**
 * Calls `scan` every `periodUs` on an absolute schedule: a late scan does not move the ones after it.
 * Scans missed altogether are not made up for, they show as lateness. A scan may come up to `earlyUs` early, with a lateness of 0.
 * @returns stops it
 */
export function startScans(
  clock: Clock,
  periodUs: Us,
  scan: (latenessUs: Us) => void,
  earlyUs: Us = 0,
): () => void {
  let dueUs = clock.nowUs() + periodUs;
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.at(dueUs - earlyUs, () => {
      const latenessUs = Math.max(0, clock.nowUs() - dueUs);
      dueUs += periodUs * (1 + Math.floor(latenessUs / periodUs));
      arm();
      scan(latenessUs);
    });
  };
  arm();
  return () => {
    cancel();
  };
}
