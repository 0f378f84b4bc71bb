import { leaseLeftUs, needsSample, beatTimer, UNBEATEN } from "./timer.js";
import { dropLease } from "./revoke.js";
import { takeAwayFrom } from "./take-away.js";
import { record, type Turn } from "../step/turn.js";

/**
 * A write to the controller's lease register. A value equal to the last one renews nothing; a new one
 * renews the lease, or gains one where commands could be served or are only being withheld: elsewhere,
 * and while suspended, it is taken note of and gives nothing.
 */
export function takeBeat(turn: Turn, controller: number, value: number): void {
  const timer = beatTimer(turn.live.leases[controller] ?? UNBEATEN, value, turn.nowUs);
  if (timer !== null) renew(turn, controller, timer.value);
}

/** A command of a controller whose lease is beaten by its commands. */
export function beatByCommand(turn: Turn, controller: number): void {
  const lease = turn.model.controllers[controller]?.lease ?? null;
  if (lease?.beat.kind === "command") renew(turn, controller, 0);
}

/**
 * Before any decision: every lease that the log knows too old is brought up to date, since a decision
 * reads who holds an output, whoever asks.
 */
export function sampleLeases(turn: Turn): void {
  for (let index = 0; index < turn.model.controllers.length; index += 1) {
    const controller = turn.model.controllers[index];
    const logged = turn.folded.controllers[index]?.lease ?? null;
    const newestUs = turn.live.leases[index]?.beatUs ?? null;
    if (controller === undefined || controller.lease === null) continue;
    if (logged === null || newestUs === null) continue;
    const { lapsesAfterUs } = controller.lease;
    if (!needsSample(logged.beatUs, newestUs, lapsesAfterUs, turn.nowUs)) continue;
    const us = leaseLeftUs(newestUs, lapsesAfterUs, turn.nowUs);
    // A lease that has run out is for the next scan to end; no entry may lengthen it.
    if (us <= 0) continue;
    record(turn, { type: "lease", controller: controller.name, event: "sampled", us, then: null });
  }
}

/** Ends the leases whose last beat is too long ago, each with what the profile says comes then. */
export function scanLeases(turn: Turn): void {
  turn.model.controllers.forEach((controller, index) => {
    const beatUs = turn.live.leases[index]?.beatUs ?? null;
    if (controller.lease === null || turn.folded.controllers[index]?.lease == null) return;
    // Nothing beat since the start of this run: what the log says is all there is.
    const lastUs = beatUs ?? turn.folded.controllers[index].lease.beatUs;
    if (leaseLeftUs(lastUs, controller.lease.lapsesAfterUs, turn.nowUs) > 0) return;
    dropLease(turn, index);
    takeAwayFrom(turn, index, { event: "lapsed", us: turn.nowUs - lastUs, cause: null });
  });
}

function renew(turn: Turn, controller: number, value: number): void {
  const known = turn.model.controllers[controller];
  if (known === undefined || known.lease === null) return;
  turn.live.leases[controller] = { value, beatUs: null };
  const { mode } = turn.folded;
  const state = turn.folded.controllers[controller];
  if (state === undefined || (mode !== "enforcing" && mode !== "holding")) return;
  if (state.suspendedUntilUs !== null && state.suspendedUntilUs > turn.nowUs) return;
  turn.live.leases[controller] = { value, beatUs: turn.nowUs };
  if (state.lease !== null) return;
  record(turn, {
    type: "lease",
    controller: known.name,
    event: "gained",
    us: known.lease.lapsesAfterUs,
    then: null,
  });
}
