import type { Look } from "../record/look.js";
import { changeMode } from "../mode/change.js";
import type { Trip } from "../profile/model.js";
import { startDrives } from "../step/drive.js";
import type { Drive } from "../step/kernel-state.js";
import { devicesOf } from "../step/safe-state.js";
import { lookAt, raiseAlarm, record, type Turn } from "../step/turn.js";
import { emptyLine } from "../step/withdraw.js";
import type { TripFiring } from "./timer.js";

/**
 * Latches a trip and acts on it in the same step: lines cleared, first writes out, and only then (by
 * the guard's order of effects before records) what is put on record. A latched trip fires no more.
 */
export function fireTrip(
  turn: Turn,
  position: number,
  firing: TripFiring,
  cause: number | null = null,
): void {
  const trip = turn.model.trips[position];
  if (trip === undefined || isLatched(turn, position)) return;
  const seq = record(
    turn,
    {
      type: "trip",
      rule: trip.id,
      event: firing.event,
      look: tripLook(turn, position),
      sinceUs: firing.sinceUs,
      firstOut: turn.folded.latched[0]?.id ?? trip.id,
    },
    cause,
  );
  if (trip.action.kind === "safe-state") changeMode(turn, "drive-safe", `trip ${trip.id}`, seq);
  else driveTrip(turn, trip, seq);
  raiseAlarm(turn, `trip.${trip.id}`, trip.why);
}

/** Everything the condition read; of a `foreign` or `proof` trip, what is known of its output. */
export function tripLook(turn: Turn, position: number): Look {
  const output = turn.live.plan.about[position] ?? null;
  const about = { inputs: [], outputs: output === null ? [] : [output] };
  return lookAt(turn, turn.profile.trips[position] ?? about);
}

export function isLatched(turn: Turn, position: number): boolean {
  return turn.folded.latched.some(({ trip }) => trip === position);
}

/** The writes of a trip; also taken up again at boot, for a trip found latched in the log. */
export function driveTrip(turn: Turn, trip: Trip, cause: number): void {
  if (trip.action.kind !== "drive") return;
  const drives = trip.action.writes.map(({ output, raw }, step): Drive => ({
    output,
    raw,
    why: "trip",
    step,
    cause,
    causeUs: turn.nowUs,
    unknownBits: trip.unknownBits,
    decision: null,
    attempt: 0,
    phase: "waiting",
    tentative: false,
    acknowledged: false,
    deadlineUs: null,
    late: false,
  }));
  for (const device of devicesOf(turn, drives)) emptyLine(turn, device, "tripped", cause);
  startDrives(turn, drives);
}
