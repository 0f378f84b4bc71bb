import type { Mode } from "../record/look.js";

/**
 * `ready`: profile, evidence, devices and read-back are all there. `hold`: something that takes permits
 * away but moves nothing. `drive-safe`: a cause of the safe state. `release`: a person gives the plant
 * back, every cause being gone. `lock`: our own fault, or a log that is not ours. `accept`: an engineer
 * takes such a log over, on record.
 */
export type ModeEvent = "ready" | "hold" | "drive-safe" | "release" | "lock" | "accept";
export type Transition = { readonly to: Mode; readonly drivesSafe: boolean };

/**
 * Every pair of mode and event is decided here; a missing one does not compile. Nothing leads to
 * `observe` yet. Only a person's act (`release`, `accept`) leads back towards permits, and never from
 * `starting`: that one is left by `ready` alone.
 */
export function transit(mode: Mode, event: ModeEvent): Transition {
  return TRANSITIONS[mode][event];
}

const to = (mode: Mode): Transition => ({ to: mode, drivesSafe: false });
const SAFE: Transition = { to: "safe-state", drivesSafe: true };
/** Locked out, the safe state stays driven: permits are what nobody gets. */
const LOCKED: Transition = { to: "locked-out", drivesSafe: true };

const TRANSITIONS: Readonly<Record<Mode, Readonly<Record<ModeEvent, Transition>>>> = {
  starting: {
    ready: to("enforcing"),
    hold: to("starting"),
    "drive-safe": SAFE,
    release: to("starting"),
    lock: LOCKED,
    accept: to("starting"),
  },
  observe: {
    ready: to("observe"),
    hold: to("holding"),
    "drive-safe": SAFE,
    release: to("observe"),
    lock: LOCKED,
    accept: to("observe"),
  },
  enforcing: {
    ready: to("enforcing"),
    hold: to("holding"),
    "drive-safe": SAFE,
    release: to("enforcing"),
    lock: LOCKED,
    accept: to("enforcing"),
  },
  holding: {
    ready: to("holding"),
    hold: to("holding"),
    "drive-safe": SAFE,
    release: to("enforcing"),
    lock: LOCKED,
    accept: to("holding"),
  },
  "safe-state": {
    ready: to("safe-state"),
    hold: to("safe-state"),
    "drive-safe": SAFE,
    release: to("enforcing"),
    lock: LOCKED,
    accept: to("safe-state"),
  },
  "locked-out": {
    ready: to("locked-out"),
    hold: to("locked-out"),
    "drive-safe": LOCKED,
    release: to("locked-out"),
    lock: LOCKED,
    // The log is taken over with trips latched: the way out leads through the safe state and its reset.
    accept: SAFE,
  },
};
