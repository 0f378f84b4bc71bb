import { UNBEATEN } from "./timer.js";
import { record, type Turn } from "../step/turn.js";

/** Takes every live lease away at once, on record. What the register last held stays known. */
export function revokeAll(turn: Turn, why: string, cause: number): readonly number[] {
  const revoked: number[] = [];
  turn.model.controllers.forEach((controller, index) => {
    if (turn.folded.controllers[index]?.lease == null) return;
    const beatUs = dropLease(turn, index);
    record(
      turn,
      {
        type: "lease",
        controller: controller.name,
        event: "revoked",
        us: beatUs === null ? 0 : turn.nowUs - beatUs,
        then: why,
      },
      cause,
    );
    revoked.push(index);
  });
  return revoked;
}

/** The live side of a lease ends; time of the last beat. Only a new value beats again. */
export function dropLease(turn: Turn, controller: number): number | null {
  const timer = turn.live.leases[controller] ?? UNBEATEN;
  turn.live.leases[controller] = { value: timer.value, beatUs: null };
  return timer.beatUs;
}
