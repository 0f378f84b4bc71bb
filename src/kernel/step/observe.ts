import { suspendQuietly } from "../lease/take-away.js";
import { changeMode } from "../mode/change.js";
import { readBackNotice } from "../state/notices.js";
import { fireTrip } from "../trip/fire.js";
import type { Raw } from "../units.js";
import { isForeignAdopted } from "./plant-mode.js";
import { isDriven, proveByRead, type Observation } from "./proof.js";
import { isProvenBy } from "./resolution.js";
import { record, type Turn } from "./turn.js";

/**
 * One output as a read showed it, from the poll or from a read-back: proves our own writes, settles what
 * can no longer arrive, and tells somebody else's writes. Values never read before are the start's
 * business, not this one's.
 */
export function observe(turn: Turn, seen: Observation): void {
  proveByRead(turn, seen);
  const state = turn.folded.outputs[seen.output];
  const watch = turn.live.outputs[seen.output];
  if (state === undefined || watch === undefined || state.proven === null) return;
  // Only a read that left after our last write's answer tells about others; a pulse ends by itself.
  if (watch.writing > 0 || seen.sentUs <= watch.quietFromUs) return;
  if (seen.sentUs < watch.pulseUntilUs || isDriven(turn, seen.output)) return;
  if (!isReachable(turn, seen)) {
    if (isPulsed(turn, seen.output)) settle(turn, seen);
    else takeForeign(turn, seen);
    return;
  }
  if (state.planned.length > 0) settle(turn, seen);
}

/** A pulse or toggle goes back by itself: any value after it is nobody's write. */
function isPulsed(turn: Turn, output: number): boolean {
  return turn.model.outputs[output]?.drive.kind !== "level" && wasEverWritten(turn, output);
}

function wasEverWritten(turn: Turn, output: number): boolean {
  return (turn.live.outputs[output]?.pulseUntilUs ?? 0) > turn.live.startUs;
}

function isReachable(turn: Turn, { output, raw }: Observation): boolean {
  const state = turn.folded.outputs[output];
  if (state === undefined || state.proven === null) return false;
  const values: readonly Raw[] = [state.proven.raw, ...state.planned.map((planned) => planned.raw)];
  return values.some((known) => isProvenBy(turn, output, known, raw));
}

/** Takes the value as proven when something released and given up can surely no longer change it. */
function settle(turn: Turn, seen: Observation): void {
  const settles = settledUpTo(turn, seen);
  const proven = turn.folded.outputs[seen.output]?.proven?.raw;
  if (settles === null && proven === seen.raw) return;
  // Where something is still on its way, a value that is only reachable proves nothing yet.
  if (settles === null && isReachable(turn, seen)) return;
  record(turn, readBackNotice(seen.output, seen.raw, seen.sentUs, settles));
}

/** Newest planned write of which, and of all before it, nothing can arrive any more; null: none. */
function settledUpTo(turn: Turn, seen: Observation): number | null {
  const device = turn.model.outputs[seen.output]?.at.device ?? 0;
  if (seen.sentUs < (turn.live.devices[device]?.lateUntilUs ?? Infinity)) return null;
  let settles: number | null = null;
  for (const { seq } of turn.folded.outputs[seen.output]?.planned ?? []) {
    if (isUnderWay(turn, device, seq)) break;
    settles = seq;
  }
  return settles;
}

/** Not sent yet, or sent and not given up. */
function isUnderWay(turn: Turn, device: number, seq: number): boolean {
  return (
    turn.live.flights.has(seq) ||
    turn.live.recording.some(({ permit }) => permit.seq === seq) ||
    (turn.live.queues[device]?.some(({ permit }) => permit.seq === seq) ?? false)
  );
}

/** An output changed and it was not us: per output, and per plant mode, taken over or a trip. */
function takeForeign(turn: Turn, seen: Observation): void {
  const { output, raw, sentUs } = seen;
  const adopted = isForeignAdopted(turn, output);
  const notice = readBackNotice(output, raw, sentUs, settledUpTo(turn, seen));
  const cause = record(turn, notice);
  if (adopted) {
    turn.model.controllers.forEach((controller, index) => {
      if (controller.outputs.has(output)) suspendQuietly(turn, index, cause);
    });
    return;
  }
  const trip = turn.live.plan.foreign[output] ?? null;
  if (trip === null) changeMode(turn, "drive-safe", "somebody else wrote an output", cause);
  else fireTrip(turn, trip, { event: "fired-true", sinceUs: 0 }, cause);
  holdAgain(turn, output, raw);
}

/** In the safe state the changed output is driven back at once. */
function holdAgain(turn: Turn, output: number, raw: Raw): void {
  for (const drive of turn.live.drives) {
    if (drive.output !== output || drive.phase !== "confirmed" || drive.raw === raw) continue;
    drive.phase = "waiting";
    drive.tentative = false;
    drive.attempt = 0;
    turn.live.safeConfirmed = false;
  }
}
