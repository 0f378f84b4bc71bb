import type { Us } from "../units.js";

/**
 * What the gateway's own unit keeps for one controller's lease register. Only a change of value is a
 * beat: a frozen program, or one that only reads, renews nothing. The register starts at 0.
 */
export type LeaseTimer = { readonly value: number; readonly beatUs: Us | null };

export const UNBEATEN: LeaseTimer = { value: 0, beatUs: null };

/** Null: the value is the one already there, so nothing beat. */
export function beatTimer(timer: LeaseTimer, value: number, nowUs: Us): LeaseTimer | null {
  return value === timer.value ? null : { value, beatUs: nowUs };
}

/** Time left of a lease last renewed at `beatUs`; 0 or less: lapsed. */
export function leaseLeftUs(beatUs: Us, lapsesAfterUs: Us, nowUs: Us): Us {
  return beatUs + lapsesAfterUs - nowUs;
}

/**
 * Whether the log must hear of a newer beat before a decision reads the lease. Decisions read only what
 * the log says; the logged beat is the older one, hence the safer. It is brought up to date when less
 * than half of the lease is left by it: so a few entries a lease time, whatever the traffic.
 */
export function needsSample(loggedUs: Us, newestUs: Us, lapsesAfterUs: Us, nowUs: Us): boolean {
  return newestUs > loggedUs && leaseLeftUs(loggedUs, lapsesAfterUs, nowUs) * 2 < lapsesAfterUs;
}
