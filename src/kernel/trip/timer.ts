import { FALSE, TRUE, UNKNOWN, type Truth } from "../condition/truth.js";
import type { Trip } from "../profile/model.js";
import type { Us } from "../units.js";

/** Times of the last evaluations of one trip's condition that interrupt a delay. */
export type TripTimer = {
  /** Last time it was not surely true. */
  readonly notTrueUs: Us;
  /** Last time it was surely false, or could not yet be expected to be known. */
  readonly falseUs: Us;
  /** Last time it was not surely false: what an automatic reset waits for. */
  readonly notFalseUs: Us;
};

export type TripFiring = { readonly event: "fired-true" | "fired-unknown"; readonly sinceUs: Us };

/** Nothing has been seen yet: every delay starts now. */
export function startTimer(nowUs: Us): TripTimer {
  return { notTrueUs: nowUs, falseUs: nowUs, notFalseUs: nowUs };
}

/**
 * `blindCounts`: whether not knowing counts already (in `starting`, only from the complete first poll of every
 * device the condition reads).
 */
export function advanceTimer(
  timer: TripTimer,
  truth: Truth,
  nowUs: Us,
  blindCounts: boolean,
): TripTimer {
  const falseNow = truth === FALSE || (truth === UNKNOWN && !blindCounts);
  return {
    notTrueUs: truth === TRUE ? timer.notTrueUs : nowUs,
    falseUs: falseNow ? nowUs : timer.falseUs,
    notFalseUs: truth === FALSE ? timer.notFalseUs : nowUs,
  };
}

/**
 * Whether the condition has now stood long enough, given the timer already advanced to now.
 *
 * TRUE counts while it is TRUE without a break. Blindness counts all time that was not surely false, so
 * a condition that flickers between TRUE and UNKNOWN cannot reset its own delay; but it completes only
 * while the condition *is* unknown, else a `for` longer than `blind_for` could never be waited out.
 */
export function dueFiring(
  trip: Trip,
  timer: TripTimer,
  truth: Truth,
  nowUs: Us,
): TripFiring | null {
  const trueUs = nowUs - timer.notTrueUs;
  if (truth === TRUE && trueUs >= trip.forUs) return { event: "fired-true", sinceUs: trueUs };
  const blindUs = nowUs - timer.falseUs;
  if (truth === UNKNOWN && blindUs > 0 && blindUs >= trip.blindForUs) {
    return { event: "fired-unknown", sinceUs: blindUs };
  }
  return null;
}

/** For `auto after T`: the cause has been surely gone for T. */
export function isGoneFor(timer: TripTimer, nowUs: Us, waitUs: Us): boolean {
  return nowUs - timer.notFalseUs >= waitUs;
}
