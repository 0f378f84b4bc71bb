import type { Write } from "../command/request.js";
import { decide, type Decision } from "../decide/decide.js";
import { gatherFacts } from "../decide/gather-facts.js";
import { sampleLeases } from "../lease/beat.js";
import { because } from "../record/because.js";
import { beginFlight } from "./flight.js";
import { differLook } from "./look-difference.js";
import type { Pending, Permit } from "./kernel-state.js";
import { wantLine } from "./on-durable.js";
import { viewOf, type Turn } from "./turn.js";
import { withdraw } from "./withdraw.js";

/**
 * The line is free: the oldest durable permit has its second look and goes out, or is withdrawn and the next
 * one has its turn. At most one is sent, and never past its deadline.
 */
export function onLineFree(turn: Turn, device: number): void {
  const queue = turn.live.queues[device];
  if (queue === undefined || isLineFull(turn, device)) return;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (release(turn, next)) break;
  }
  wantLine(turn, device);
}

function isLineFull(turn: Turn, device: number): boolean {
  const sent = turn.live.devices[device]?.sent ?? Infinity;
  return sent >= Math.max(1, turn.model.devices[device]?.inFlight ?? 1);
}

/** True: it is on its way to the wire. */
function release(turn: Turn, { permit, look: first }: Pending): boolean {
  const none = { look: null, cause: null };
  if (permit.gone) {
    withdraw(turn, permit, [because("withdrawn")], none);
    return false;
  }
  if (turn.nowUs > permit.deadlineUs) {
    withdraw(turn, permit, [because("stale")], none);
    return false;
  }
  // Neither from the value it was permitted from, nor over one that may still be on its way.
  if (isReverting(turn, permit.writes)) {
    withdraw(turn, permit, [because("withdrawn")], none);
    return false;
  }
  sampleLeases(turn);
  const look = gatherFacts(turn.profile, viewOf(turn), permit.ask, permit.seq);
  const decision = decide(turn.profile, permit.ask, look);
  if (!isSame(permit, decision)) {
    const objections = decision.verdict === permit.verdict ? [] : decision.reasons;
    const reasons = [...objections, because("withdrawn")];
    withdraw(turn, permit, reasons, { look: differLook(first, look), cause: null });
    return false;
  }
  beginFlight(turn, {
    permit,
    looks: { kind: "both", first, second: look },
    phase: "sent",
    contested: false,
    proofFromUs: turn.nowUs,
    open: [],
    superseded: null,
    seen: new Map(),
    reading: false,
    reply: null,
  });
  const { device } = permit.south;
  turn.effects.push({ kind: "send", device, seq: permit.seq, write: permit.south });
  return true;
}

/** A revert of our own drives one of these outputs and is not proven yet. */
function isReverting(turn: Turn, writes: readonly Write[]): boolean {
  return turn.live.drives.some(
    ({ why, output }) => why === "revert" && writes.some((write) => write.output === output),
  );
}

/**
 * Only what was put on record may be sent: the same verdict with the very same words. A value that now
 * lies inside the deadband may still go out, it is what the record says.
 */
function isSame(permit: Permit, decision: Decision): boolean {
  if (decision.verdict !== permit.verdict) return false;
  if (decision.noChange) return true;
  return permit.writes.every(({ output, raw }) =>
    decision.writes.some((write) => write.output === output && write.given === raw),
  );
}
