import { countedSince, takeFloods } from "../step/flood.js";
import { record, type Turn } from "../step/turn.js";
import { dropLease } from "./revoke.js";
import { takeAwayFrom } from "./take-away.js";

/**
 * Suspends a controller that was denied too often, for as long as the window it is counted in, and does
 * what the end of its lease means. What was only counted is put on record first, so that the log shows
 * why. A controller that goes on asking is suspended anew when the time is over.
 */
export function suspendForDenials(turn: Turn, index: number, cause: number | null): void {
  const limit = turn.model.controllers[index]?.lease?.suspendAfter ?? null;
  const state = turn.folded.controllers[index];
  if (limit === null || state === undefined) return;
  if (state.suspendedUntilUs !== null && state.suspendedUntilUs > turn.nowUs) return;
  const sinceUs = turn.nowUs - limit.windowUs;
  let denials = countedSince(turn.live.floods, index);
  for (const { atUs, count } of state.denials) if (atUs > sinceUs) denials += count;
  if (denials < limit.count) return;
  recordFloods(turn, index);
  dropLease(turn, index);
  takeAwayFrom(turn, index, { event: "suspended", us: limit.windowUs, cause });
}

/** Puts on record what was counted, of one controller or of all (null). */
export function recordFloods(turn: Turn, controller: number | null): void {
  const nameOf = (index: number): string => turn.model.controllers[index]?.name ?? `#${index}`;
  for (const body of takeFloods(turn.live.floods, controller, nameOf)) record(turn, body);
}
