import type { Clock, Us } from "../../src/guard/ports.js";

/** The machine's own clock behind the port. */
export function createHostClock(): Clock {
  const nowUs = (): Us => Math.floor(performance.now() * 1000);
  return {
    nowUs,
    utcUs: () => Date.now() * 1000,
    quality: () => 1,
    at: (atUs, run) => {
      const timer = setTimeout(run, Math.max(0, Math.ceil((atUs - nowUs()) / 1000)));
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

/** Stands still until told: what is due runs in the order of its time, inside `advance`. */
export type ManualClock = Clock & {
  readonly advance: (byUs: Us) => void;
  /** Timers that are set. */
  readonly waiting: () => number;
  /** Time until the next of them; infinite when there is none. */
  readonly dueInUs: () => Us;
};

export function createManualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ readonly atUs: Us; readonly run: () => void }>();
  const nextDue = (until: Us): { readonly atUs: Us; readonly run: () => void } | undefined =>
    [...timers].filter(({ atUs }) => atUs <= until).sort((a, b) => a.atUs - b.atUs)[0];
  return {
    nowUs: () => now,
    utcUs: () => now,
    quality: () => 0,
    at: (atUs, run) => {
      const timer = { atUs, run };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance: (byUs) => {
      const until = now + byUs;
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
        timers.delete(due);
        now = Math.max(now, due.atUs);
        due.run();
      }
      now = until;
    },
    waiting: () => timers.size,
    dueInUs: () => Math.min(...[...timers].map(({ atUs }) => atUs)) - now,
  };
}
