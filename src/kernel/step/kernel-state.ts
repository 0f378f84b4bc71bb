import type { Ask, SouthWrite, Write } from "../command/request.js";
import type { Image } from "../image/image.js";
import type { LeaseTimer } from "../lease/timer.js";
import type { Verdict } from "../record/entry.js";
import type { Look } from "../record/look.js";
import type { Reason } from "../record/reason.js";
import type { FoldedState } from "../state/state.js";
import type { TripTimer } from "../trip/timer.js";
import type { Raw, Us } from "../units.js";
import type { Floods } from "./flood.js";
import type { FlowPlan } from "./flow-plan.js";

/**
 * All the kernel keeps between two inputs.
 *
 * `folded` and `image` are values. `live` is owned by `step`: it is changed in place, so a caller goes on
 * with the state it got back and never with the one it passed in. No verdict reads anything in `live`;
 * losing it (a crash) loses work in hand, and no authority is gained by that.
 */
export type KernelState = {
  readonly folded: FoldedState;
  readonly image: Image;
  readonly live: Live;
};

/**
 * Bounded by the profile and by what `decide` refuses as busy: every permit without an outcome is in the
 * log's fold, and there are at most so many of them per device and per output.
 */
export type Live = {
  readonly plan: FlowPlan;
  readonly startUs: Us;
  /** Permits recorded and waiting for the disk, oldest first. */
  recording: Pending[];
  /** Durable permits by device, oldest first, waiting for the line. */
  readonly queues: readonly Pending[][];
  /** Sent, and not yet proven or given up, oldest first; by evidence number. */
  readonly flights: Map<number, Flight>;
  readonly outputs: readonly OutputWatch[];
  readonly devices: readonly DeviceWatch[];
  readonly trips: TripTimer[];
  readonly confirms: (ConfirmWatch | null)[];
  readonly leases: LeaseTimer[];
  drives: Drive[];
  /** The safe state is driven, and every step of it was read back late enough to count. */
  safeConfirmed: boolean;
  readonly floods: Floods;
  floodDueUs: Us;
  /** Why permits are withheld until a person gives them back, by the name a reset uses. */
  readonly holds: Set<string>;
  readonly alarms: Set<string>;
  /** What permits wait for at the beginning of a run: a checkpoint of it, or at least the attempt to sign one. */
  awaits: "nothing" | "checkpoint" | "attempt";
  /** The log cannot be written, or may not grow. */
  diskDown: boolean;
  restart: Restart | null;
  lateScans: number;
  /** The clock has shown once that the profile's window is over; that is never taken back. */
  expired: boolean;
};

/** What a restart still has to settle; null once it has. */
export type Restart = {
  /** Time the gateway was away; null: nobody can say. */
  readonly gapUs: Us | null;
  /** Permits that the crash left open, with those an earlier one did. */
  readonly open: ReadonlySet<number>;
  told: boolean;
};

/** A permit on its way to the wire, with its first look. */
export type Pending = { readonly permit: Permit; readonly look: Look };

/** A permit as its answer and its outcome need it. */
export type Permit = {
  readonly ticket: number;
  readonly id: Uint8Array;
  readonly controller: number;
  readonly seq: number;
  readonly ask: Ask;
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  readonly writes: readonly Write[];
  readonly south: SouthWrite;
  readonly permitUs: Us;
  readonly deadlineUs: Us;
  /** The first value asked, as it came, for the why block. */
  readonly asked: Write | null;
  gone: boolean;
  replied: boolean;
};

export type Flight = {
  readonly permit: Permit;
  looks: Looks;
  /**
   * sent: on the wire. proving: acknowledged, proof is awaited. unknown: no answer that can be trusted;
   * nobody knows before a read that left after the late window.
   */
  phase: "sent" | "proving" | "unknown";
  /** Another write to one of its outputs was sent since, or was without an answer when this one was. */
  contested: boolean;
  /** A read counts only if it left at this time or later. */
  proofFromUs: Us;
  /** Outputs still to be proven, each until when. */
  open: readonly Proof[];
  /** First output whose proof cannot come any more, for a newer write is there; null: none. */
  superseded: number | null;
  /** What was read back so far, by output. */
  readonly seen: Map<number, Raw>;
  /** A read-back of ours is on its way. */
  reading: boolean;
  reply: Uint8Array | null;
};

/**
 * Both looks of a write on the wire; from the device's answer on only what its outcome records of them. Hundreds
 * may wait for their proofs, and whole looks are by far the most of what a permit holds.
 */
export type Looks =
  | { readonly kind: "both"; readonly first: Look; readonly second: Look }
  | { readonly kind: "difference"; readonly difference: Look };

export type Proof = Write & { readonly deadlineUs: Us };

/** What is needed to tell our own writes from somebody else's. */
export type OutputWatch = {
  /** Our requests on the wire that may change it. */
  writing: number;
  /** Of all flights those that write it, oldest first. */
  readonly flights: Flight[];
  /** Only a read that left after this can show somebody else's write. */
  quietFromUs: Us;
  /** A pulse of ours may still run. */
  pulseUntilUs: Us;
};

export type DeviceWatch = {
  linkUp: boolean;
  /** Flights that are on the wire and not answered. */
  sent: number;
  /** Blocks read since the link came up. */
  readonly blocks: Set<number>;
  /** Read completely once since the start of this run. */
  everComplete: boolean;
  /** When the last read left that was answered as it should be; at first, the start. */
  heardUs: Us;
  identity: "unread" | "right" | "wrong";
  /** When the last read left that showed its identity right; at first the start. */
  identityUs: Us;
  alive: { readonly raw: Raw; readonly changedUs: Us; readonly moved: boolean } | null;
  /** When the last read left that showed its counter; at first the start, and anew whenever its link comes up. */
  aliveUs: Us;
  stopped: boolean;
  /** Since when it is not up, having been; null: up, or never yet. */
  awaySinceUs: Us | null;
  lost: boolean;
  /** Writes without an answer can still arrive until here. */
  lateUntilUs: Us;
};

export type ConfirmWatch = {
  readonly deadlineUs: Us;
  readonly fromUs: Us;
  readonly cause: number | null;
};

/** One absolute write of our own, repeated until it is read back. */
export type Drive = {
  readonly output: number;
  readonly raw: Raw;
  readonly why: "trip" | "safe" | "revert";
  /** Its place in the order it belongs to. */
  readonly step: number;
  /** Entry that led to it. */
  readonly cause: number;
  readonly causeUs: Us;
  readonly unknownBits: Raw | null;
  /** For a revert: its own decision, which is owed an outcome. */
  readonly decision: { readonly id: Uint8Array; readonly seq: number; readonly atUs: Us } | null;
  attempt: number;
  phase: "waiting" | "writing" | "written" | "reading" | "confirmed";
  /** Read back, but too early to rule out that an older write still arrives. */
  tentative: boolean;
  acknowledged: boolean;
  /** Of a step of the safe state, once it may begin. */
  deadlineUs: Us | null;
  late: boolean;
};
