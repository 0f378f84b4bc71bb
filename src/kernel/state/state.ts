import type { DeviceEvent } from "../record/entry.js";
import type { Mode } from "../record/look.js";
import type { Raw, Us } from "../units.js";

/**
 * Everything a verdict may read of the gateway's own making. It changes only by `foldEntry`, one log
 * entry at a time, while running and while replaying alike: so the log is the one source of truth, the
 * state after a restart is the fold of it, and the verifier can recompute every kernel fact.
 *
 * Values are immutable; a fold shares what it does not change. Arrays are by position in the profile.
 */
export type FoldedState = {
  readonly nextSeq: number;
  /** Kernel time of the newest entry folded. */
  readonly lastUs: Us;
  readonly boot: number;
  readonly mode: Mode;
  /** Newest mode but `starting`: what a restart in between must not undo. "starting": there was none yet. */
  readonly standing: Mode;
  readonly outputs: readonly OutputState[];
  readonly controllers: readonly ControllerState[];
  readonly devices: readonly DeviceState[];
  /** First-out first. */
  readonly latched: readonly Latched[];
  /** Permits without an outcome, oldest first. Bounded per device and per output. */
  readonly open: readonly OpenPermit[];
  /** Permits whose outcome left a value planned (unknown, acknowledged), until that is settled; oldest first. */
  readonly unsettled: readonly OpenPermit[];
  readonly evidenceWritable: boolean;
  readonly profileValid: boolean;
};

/**
 * A copy, for its maker to change before anybody else sees it. Field by field: this runs several times a command,
 * and an object made by spreading costs several times as much.
 */
export function draftState(state: FoldedState): Draft<FoldedState> {
  return {
    nextSeq: state.nextSeq,
    lastUs: state.lastUs,
    boot: state.boot,
    mode: state.mode,
    standing: state.standing,
    outputs: state.outputs,
    controllers: state.controllers,
    devices: state.devices,
    latched: state.latched,
    open: state.open,
    unsettled: state.unsettled,
    evidenceWritable: state.evidenceWritable,
    profileValid: state.profileValid,
  };
}

/** As {@link draftState}, of one output. */
export function draftOutput(known: OutputState): Draft<OutputState> {
  return {
    proven: known.proven,
    logged: known.logged,
    planned: known.planned,
    permits: known.permits,
    starts: known.starts,
    held: known.held,
  };
}

type Draft<Value> = { -readonly [Key in keyof Value]: Value[Key] };

export type OutputState = {
  /** Last read-back, and when the read that brought it left; null: never, or no longer trusted. */
  readonly proven: { readonly raw: Raw; readonly atUs: Us } | null;
  /** What the log said before this boot, until a read-back is adopted: never a fact of a verdict. */
  readonly logged: Raw | null;
  /** Released and not settled, oldest first. Together with `proven` the set of values the output may have. */
  readonly planned: readonly Planned[];
  /** Time of each permit still of interest, oldest first, with the permit it came from. */
  readonly permits: readonly Charge[];
  readonly starts: readonly Charge[];
  /** Proven values over time, oldest first; the first covers the opening of the drift window. */
  readonly held: readonly { readonly fromUs: Us; readonly raw: Raw }[];
};

export type Planned = { readonly seq: number; readonly raw: Raw; readonly atUs: Us };
/** Charged at the permit; taken back only when the write was surely not sent. */
export type Charge = { readonly seq: number; readonly atUs: Us };

export type ControllerState = {
  readonly lease: { readonly gainSeq: number; readonly beatUs: Us } | null;
  /** While suspended: until when; Infinity does not occur. */
  readonly suspendedUntilUs: Us | null;
  readonly permits: readonly Charge[];
  readonly clamps: readonly Charge[];
  /** Denials stored whole, and floods with their count at their last time. */
  readonly denials: readonly { readonly atUs: Us; readonly count: number }[];
};

export type DeviceState = {
  readonly condition: "unread" | DeviceCondition;
  /** Number of `open` permits that write to it. */
  readonly open: number;
};
export type DeviceCondition = Extract<
  DeviceEvent,
  "up" | "down" | "identity-changed" | "program-stopped"
>;

export type Latched = {
  readonly trip: number;
  readonly id: string;
  readonly seq: number;
  readonly firedUs: Us;
};

export type OpenPermit = {
  readonly seq: number;
  readonly id: Uint8Array;
  /** Null: a write of the gateway's own (a revert). */
  readonly controller: number | null;
  readonly writes: readonly { readonly output: number; readonly raw: Raw }[];
  readonly atUs: Us;
};
