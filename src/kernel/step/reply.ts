import { toRaw } from "../image/scaling.js";
import { inCatalogueOrder } from "../record/because.js";
import type { Verdict } from "../record/entry.js";
import { REASONS, type Reason, type ReasonCode } from "../record/reason.js";
import type { Raw } from "../units.js";
import type { Why } from "./effect.js";
import type { Turn } from "./turn.js";

/** What a reply is about, whichever way the command went. */
export type Answer = {
  readonly ticket: number;
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** Success is answered; reasons there may still be (a clamp that the controller reads back). */
  readonly served: boolean;
  readonly asked: { readonly output: number; readonly raw: Raw } | null;
  /** Evidence number to name; null: the denial was only counted. */
  readonly seq: number | null;
};

/**
 * Exactly one for every ticket. Of several reasons the client sees the first of the catalogue. While
 * evidence cannot be written no number is named: that record would never be durable, and the answer
 * would wait for it for ever.
 */
export function reply(turn: Turn, answer: Answer): void {
  const lead = inCatalogueOrder(answer.reasons)[0] ?? null;
  const seq = turn.folded.evidenceWritable ? answer.seq : null;
  turn.effects.push({
    kind: "reply",
    ticket: answer.ticket,
    seq,
    exception: answer.served || lead === null ? null : exceptionOf(lead.code),
    verdict: answer.verdict,
    why: whyOf(turn, answer, lead, seq),
  });
}

/** Over Modbus a clamp is success only to a controller that says it reads back what was written. */
export function replyServed(
  turn: Turn,
  answer: Omit<Answer, "served"> & { readonly controller: number },
): void {
  // Field by field: what comes here is often a whole pending permit.
  const { ticket, controller, verdict, reasons, asked, seq } = answer;
  const readsBack = turn.model.controllers[controller]?.readsBack === true;
  const served = verdict !== "clamp" || readsBack;
  reply(turn, { ticket, verdict, reasons, served, asked, seq });
}

function whyOf(turn: Turn, answer: Answer, lead: Reason | null, seq: number | null): Why {
  const { asked } = answer;
  const output = lead?.output ?? asked?.output ?? null;
  return {
    verdict: answer.verdict,
    code: lead?.code ?? null,
    rule: ruleOf(turn, lead),
    output,
    asked: asked?.raw ?? null,
    nearest: nearestRaw(turn, lead),
    freeUs: lead?.freeUs ?? null,
    seq,
    atUs: turn.nowUs,
  };
}

function ruleOf(turn: Turn, lead: Reason | null): number | null {
  const rule = lead?.rule ?? null;
  return rule === null ? null : turn.profile.ruleNumber(rule);
}

function nearestRaw(turn: Turn, lead: Reason | null): Raw | null {
  const limit = lead?.limit ?? null;
  const tag = turn.model.outputs[lead?.output ?? -1];
  if (limit === null || tag === undefined) return null;
  const found = toRaw(tag.at, tag.scaling, limit);
  return found.ok ? found.raw : null;
}

const EXCEPTIONS: ReadonlyMap<ReasonCode, number> = new Map(
  REASONS.map(({ code, exception }) => [code, exception]),
);

/** 4, surely not done, stands for a code the catalogue does not know. */
function exceptionOf(code: ReasonCode): number {
  return EXCEPTIONS.get(code) ?? 4;
}
