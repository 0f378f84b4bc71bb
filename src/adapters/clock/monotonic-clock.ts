import type { Clock } from "../../guard/ports.js";

const TIMER_MOST_MS = 2_000_000_000;

/**
 * Kernel time from the machine's monotonic clock: the same number at the moment of making, from then on
 * `scale` times as fast. At scale 1 two runs on one boot of the machine therefore share their time.
 * It goes on while the process stands still, and never back.
 */
export function makeMonotonicClock(
  scale = 1,
): Clock & { readonly hostUs: () => number; readonly scale: number } {
  const offsetUs = hostOffsetUs();
  const hostUs = (): number => Math.floor(performance.now() * 1e3 + offsetUs);
  const startHostUs = hostUs();
  const nowUs = (): number => startHostUs + Math.floor((hostUs() - startHostUs) * scale);
  return {
    nowUs,
    hostUs,
    scale,
    utcUs: () => Date.now() * 1_000,
    // Whether somebody disciplines the system clock is not known here.
    quality: () => 1,
    at: (atUs, run) => runAt(nowUs, scale, atUs, run),
  };
}

/** `performance.now()` counts from the start of the process; hrtime is the machine's clock itself. */
function hostOffsetUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3;
}

/** Timers of the loop may fire a fraction of a millisecond early: then it waits for the rest. */
function runAt(nowUs: () => number, scale: number, atUs: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const waitMs = Math.max(0, (atUs - nowUs()) / 1e3 / scale);
    timer = setTimeout(
      () => {
        if (nowUs() >= atUs) run();
        else arm();
      },
      Math.min(Math.ceil(waitMs), TIMER_MOST_MS),
    );
  };
  arm();
  return () => {
    clearTimeout(timer);
  };
}
