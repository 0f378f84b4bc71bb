import { transit, type ModeEvent } from "./table.js";
import { revokeAll } from "../lease/revoke.js";
import { driveSafeState } from "../step/safe-state.js";
import { record, type Turn } from "../step/turn.js";

/**
 * Follows the mode table. Entering the safe state acts first: lines are cleared and the first safe
 * writes stand among the effects before anything else; the record of it comes after.
 */
export function changeMode(turn: Turn, event: ModeEvent, why: string, cause: number | null): void {
  const from = turn.folded.mode;
  const { to, drivesSafe } = transit(from, event);
  if (to === from) return;
  const seq = record(turn, { type: "mode", from, to, why, look: null }, cause);
  if (drivesSafe) {
    if (from !== "safe-state" && from !== "locked-out") driveSafeState(turn, seq);
    revokeAll(turn, "safe-state", seq);
  }
  turn.effects.push({ kind: "checkpoint", why: "mode" });
}

/** Permits are withheld from now on; a person's reset of `id` gives them back when the cause is gone. */
export function withhold(turn: Turn, id: string, why: string, cause: number | null): void {
  turn.live.holds.add(id);
  changeMode(turn, "hold", why, cause);
}
