import type { Clock } from "./ports.js";
import type { Us } from "../kernel/units.js";

/**
 * Kernel time beside the machine's own: `hostUs` is the monotonic clock that doors stamp with. `scale` is
 * how much faster kernel time runs than real time (1 but in demo and simulation).
 */
export type HostClock = Clock & { readonly hostUs: () => number; readonly scale: number };

/** Kernel time of a host stamp; a stamp from the future is now. */
export function fromHost(clock: HostClock, stampHostUs: number): Us {
  const ageHostUs = Math.max(0, clock.hostUs() - stampHostUs);
  return clock.nowUs() - Math.round(ageHostUs * clock.scale);
}

/** Host stamp of a kernel time; a time to come is now. */
export function toHost(clock: HostClock, atUs: Us): number {
  const ageUs = Math.max(0, clock.nowUs() - atUs);
  return Math.max(0, clock.hostUs() - Math.round(ageUs / clock.scale));
}
