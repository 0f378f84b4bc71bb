import type { OutcomeKind } from "../record/entry.js";
import type { Look } from "../record/look.js";
import type { Reason } from "../record/reason.js";
import { differLook } from "./look-difference.js";
import type { Flight } from "./kernel-state.js";
import { record, type Turn } from "./turn.js";

/** The outcome of a sent command; its second look always goes with it. */
export function recordOutcome(
  turn: Turn,
  flight: Flight,
  outcome: OutcomeKind,
  more: { readonly reasons?: readonly Reason[]; readonly reply?: Uint8Array | null },
): number {
  const { permit, seen } = flight;
  const readBack = [...seen].map(([output, raw]) => ({ output, raw }));
  return record(
    turn,
    {
      type: "outcome",
      id: permit.id,
      outcome,
      reply: more.reply ?? flight.reply,
      sincePermitUs: turn.nowUs - permit.permitUs,
      readBack: readBack.length === 0 ? null : readBack,
      reasons: more.reasons ?? null,
      look: keepDifference(flight),
    },
    permit.seq,
  );
}

/** What differed at the second look: worked out once, and kept in place of both looks. */
export function keepDifference(flight: Flight): Look {
  const { looks } = flight;
  if (looks.kind === "difference") return looks.difference;
  const difference = differLook(looks.first, looks.second);
  flight.looks = { kind: "difference", difference };
  return difference;
}

/** From the answer on, reads that leave later can show what others do. */
export function endWriting(turn: Turn, output: number): void {
  const watch = turn.live.outputs[output];
  if (watch === undefined) return;
  watch.writing = Math.max(0, watch.writing - 1);
  watch.quietFromUs = turn.nowUs;
}
