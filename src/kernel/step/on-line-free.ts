import { decide, type Decision } from "../decide/decide.js";
import { gatherFacts } from "../decide/gather-facts.js";
import { sampleLeases } from "../lease/beat.js";
import { because } from "../record/because.js";
import { differLook } from "./look-difference.js";
import type { Pending } from "./kernel-state.js";
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
  let sent = 0;
  for (const { phase, pending } of turn.live.flights.values()) {
    if (phase === "sent" && pending.south.device === device) sent += 1;
  }
  return sent >= Math.max(1, turn.model.devices[device]?.inFlight ?? 1);
}

/** True: it is on its way to the wire. */
function release(turn: Turn, pending: Pending): boolean {
  const none = { look: null, cause: null };
  if (pending.gone) {
    withdraw(turn, pending, [because("withdrawn")], none);
    return false;
  }
  if (turn.nowUs > pending.deadlineUs) {
    withdraw(turn, pending, [because("stale")], none);
    return false;
  }
  sampleLeases(turn);
  const look = gatherFacts(turn.profile, viewOf(turn), pending.ask, pending.seq);
  const decision = decide(turn.profile, pending.ask, look);
  if (!isSame(pending, decision)) {
    const objections = decision.verdict === pending.verdict ? [] : decision.reasons;
    const reasons = [...objections, because("withdrawn")];
    withdraw(turn, pending, reasons, { look: differLook(pending.look, look), cause: null });
    return false;
  }
  turn.live.flights.set(pending.seq, {
    pending,
    second: look,
    phase: "sent",
    proofFromUs: turn.nowUs,
    open: [],
    seen: new Map(),
    reading: false,
    reply: null,
  });
  for (const { output } of pending.writes) {
    const watch = turn.live.outputs[output];
    if (watch !== undefined) watch.writing += 1;
  }
  const { device } = pending.south;
  turn.effects.push({ kind: "send", device, seq: pending.seq, write: pending.south });
  return true;
}

/**
 * Only what was put on record may be sent: the same verdict with the very same words. A value that now
 * lies inside the deadband may still go out, it is what the record says.
 */
function isSame(pending: Pending, decision: Decision): boolean {
  if (decision.verdict !== pending.verdict) return false;
  if (decision.noChange) return true;
  return pending.writes.every(({ output, raw }) =>
    decision.writes.some((write) => write.output === output && write.given === raw),
  );
}
