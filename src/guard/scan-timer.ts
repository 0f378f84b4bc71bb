import type { Us } from "../kernel/units.js";
import type { Clock } from "./ports.js";

/**
 * Calls `scan` every `periodUs` on an absolute schedule: a late scan does not move the ones after it.
 * Scans missed altogether are not made up for, they show as lateness.
 * @returns stops it
 */
export function startScans(clock: Clock, periodUs: Us, scan: (latenessUs: Us) => void): () => void {
  let dueUs = clock.nowUs() + periodUs;
  let cancel = (): void => undefined;
  const arm = (): void => {
    cancel = clock.at(dueUs, () => {
      const latenessUs = clock.nowUs() - dueUs;
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
