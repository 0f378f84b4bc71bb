import type { Write } from "../command/request.js";
import { TRUE } from "../condition/truth.js";
import { evaluateCondition } from "../trip/evaluate.js";
import { fireTrip } from "../trip/fire.js";
import { viewOf, type Turn } from "./turn.js";

/**
 * After a write was acknowledged, a command's or our own: the plant must answer it in time. A write of
 * another value to the same output ends the wait for the earlier one.
 */
export function watchConfirms(turn: Turn, writes: readonly Write[], cause: number | null): void {
  turn.model.confirms.forEach((confirm, index) => {
    const write = writes.find(({ output }) => output === confirm.after.output);
    if (write === undefined) return;
    if (write.raw !== confirm.after.raw) {
      turn.live.confirms[index] = null;
      return;
    }
    // Repeated writes of the same value do not win more time.
    turn.live.confirms[index] ??= {
      deadlineUs: turn.nowUs + confirm.withinUs,
      fromUs: turn.nowUs,
      cause,
    };
  });
}

/** The answer counts only when everything it reads was asked for after the write. */
export function scanConfirms(turn: Turn): void {
  turn.model.confirms.forEach((confirm, index) => {
    const watch = turn.live.confirms[index];
    const expect = turn.profile.confirms[index];
    if (watch === null || watch === undefined || expect === undefined) return;
    const fresh = expect.inputs.every(
      (input) => (turn.image.samples[input]?.sentUs ?? 0) > watch.fromUs,
    );
    const truth = evaluateCondition(turn.profile, viewOf(turn), expect, turn.live.plan.memory);
    if (truth === TRUE && fresh) {
      turn.live.confirms[index] = null;
      return;
    }
    if (turn.nowUs < watch.deadlineUs) return;
    turn.live.confirms[index] = null;
    const sinceUs = turn.nowUs - watch.fromUs;
    fireTrip(
      turn,
      confirm.trip,
      { event: truth === 0 ? "fired-true" : "fired-unknown", sinceUs },
      watch.cause,
    );
  });
}

/** Whether the plant does answer now what the confirm rules behind a trip expect. */
export function isConfirmed(turn: Turn, trip: number): boolean {
  return turn.model.confirms.every((confirm, index) => {
    const expect = turn.profile.confirms[index];
    if (confirm.trip !== trip || expect === undefined) return true;
    const proven = turn.folded.outputs[confirm.after.output]?.proven;
    if (proven !== null && proven !== undefined && proven.raw !== confirm.after.raw) return true;
    return evaluateCondition(turn.profile, viewOf(turn), expect, turn.live.plan.memory) === TRUE;
  });
}
