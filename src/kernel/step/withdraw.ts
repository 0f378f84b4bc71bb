import { because } from "../record/because.js";
import type { Look } from "../record/look.js";
import type { Reason, ReasonCode } from "../record/reason.js";
import type { Permit } from "./kernel-state.js";
import { reply, replyServed } from "./reply.js";
import { record, type Turn } from "./turn.js";

/**
 * A permit that is not sent after all: outcome `withdrawn` with its reasons, what it charged is given
 * back by the fold, and the controller hears that it was surely not done.
 */
export function withdraw(
  turn: Turn,
  permit: Permit,
  reasons: readonly Reason[],
  second: { readonly look: Look | null; readonly cause: number | null },
): void {
  record(
    turn,
    {
      type: "outcome",
      id: permit.id,
      outcome: "withdrawn",
      reply: null,
      sincePermitUs: turn.nowUs - permit.permitUs,
      readBack: null,
      reasons,
      look: second.look,
    },
    second.cause ?? permit.seq,
  );
  answerRefused(turn, permit, reasons.length === 0 ? [because("withdrawn")] : reasons);
}

/** What waits for this device is withdrawn, and what the guard already holds for it must not go out. */
export function emptyLine(turn: Turn, device: number, code: ReasonCode, cause: number): void {
  turn.effects.push({ kind: "clear-line", device });
  const queue = turn.live.queues[device];
  if (queue === undefined) return;
  for (const { permit } of queue.splice(0)) {
    withdraw(turn, permit, [because(code), because("withdrawn")], { look: null, cause });
  }
}

/** Everything that is not on the wire yet, durable or not. */
export function withdrawAll(turn: Turn, code: ReasonCode, cause: number | null): void {
  const waiting = [...turn.live.queues.flatMap((queue) => queue.splice(0)), ...turn.live.recording];
  turn.live.recording = [];
  for (const { permit } of waiting) {
    withdraw(turn, permit, [because(code)], { look: null, cause });
  }
}

/** The one reply of a permitted command; a second one is none. */
export function answerServed(turn: Turn, permit: Permit): void {
  if (permit.replied) return;
  permit.replied = true;
  replyServed(turn, permit);
}

/** Sent, but not surely done: a permit still, with the reason why nobody can say more. */
export function answerUnsure(turn: Turn, permit: Permit, reasons: readonly Reason[]): void {
  if (permit.replied) return;
  permit.replied = true;
  const { ticket, verdict, asked, seq } = permit;
  reply(turn, { ticket, verdict, reasons, served: false, asked, seq });
}

/**
 * Surely not done. Names the permit, whose record is on the disk as a rule: a reply does not wait for the outcome's
 * (definitions.md, reply time).
 */
export function answerRefused(turn: Turn, permit: Permit, reasons: readonly Reason[]): void {
  if (permit.replied) return;
  permit.replied = true;
  const { ticket, asked, seq } = permit;
  reply(turn, { ticket, verdict: "deny", reasons, served: false, asked, seq });
}
