import { TRUE, UNKNOWN } from "../condition/truth.js";
import { clearAlarm, record, type Turn, viewOf } from "../step/turn.js";
import { evaluateCondition } from "./evaluate.js";
import { fireTrip, isLatched, tripLook } from "./fire.js";
import { advanceTimer, dueFiring, isGoneFor, startTimer } from "./timer.js";

/**
 * Evaluates trips, all of them or those that read one device, and fires what is due; a latched trip with
 * `auto after T` is reset here when its cause has been surely gone for T. In every mode.
 */
export function scanTrips(turn: Turn, device: number | null): void {
  for (let position = 0; position < turn.model.trips.length; position += 1) {
    const devices = turn.live.plan.tripDevices[position] ?? [];
    if (device === null || devices.includes(device)) scanTrip(turn, position, devices);
  }
}

function scanTrip(turn: Turn, position: number, devices: readonly number[]): void {
  const trip = turn.model.trips[position];
  const condition = turn.profile.trips[position];
  if (trip === undefined || condition === undefined || condition === null) return;
  const truth = evaluateCondition(turn.profile, viewOf(turn), condition, turn.live.plan.memory);
  const blindCounts = turn.folded.mode !== "starting" || isRead(turn, devices);
  const before = turn.live.trips[position] ?? startTimer(turn.nowUs);
  const timer = advanceTimer(before, truth, turn.nowUs, blindCounts);
  turn.live.trips[position] = timer;
  if (isLatched(turn, position)) {
    const { reset } = trip;
    if (reset.kind === "auto" && isGoneFor(timer, turn.nowUs, reset.afterUs)) {
      resetTrip(turn, position, null);
    }
    return;
  }
  if (truth !== TRUE && truth !== UNKNOWN) return;
  const firing = dueFiring(trip, timer, truth, turn.nowUs);
  if (firing !== null) fireTrip(turn, position, firing);
}

/** Unlatches. Leaves the mode as it is: only a person's act leads out of the safe state. */
export function resetTrip(turn: Turn, position: number, cause: number | null): void {
  recordReset(turn, position, "reset", cause);
  const id = turn.model.trips[position]?.id ?? "";
  clearAlarm(turn, `trip.${id}`);
}

export function recordReset(
  turn: Turn,
  position: number,
  event: "reset" | "reset-refused",
  cause: number | null,
): void {
  const latched = turn.folded.latched.find(({ trip }) => trip === position);
  if (latched === undefined) return;
  record(
    turn,
    {
      type: "trip",
      rule: latched.id,
      event,
      look: tripLook(turn, position),
      sinceUs: turn.nowUs - latched.firedUs,
      firstOut: turn.folded.latched[0]?.id ?? latched.id,
    },
    cause ?? latched.seq,
  );
}

/** Every device the condition reads was read completely once since the start. */
function isRead(turn: Turn, devices: readonly number[]): boolean {
  return devices.every((device) => turn.live.devices[device]?.everComplete === true);
}
