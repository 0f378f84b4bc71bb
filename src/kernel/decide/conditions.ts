import type { Ask } from "../command/request.js";
import { FALSE, TRUE, type Truth, UNKNOWN } from "../condition/truth.js";
import { planFor } from "../profile/compile.js";
import type { CompiledProfile, Condition, RulePlan } from "../profile/compiled.js";
import type { Subject } from "../profile/model.js";
import { because } from "../record/because.js";
import type { Reason } from "../record/reason.js";
import { mayChange } from "./charges.js";
import type { Facts, WriteFacts } from "./facts.js";

/**
 * Permissives, approvals, always and exclusive. Permissives and approvals of a single write see the
 * plant as it stands; those of several written together, and always and exclusive in any case, see it as
 * it would be afterwards: what is written has its new value (see pinWrites), all else whatever it may have.
 */
export function judgeConditions(
  profile: CompiledProfile,
  ask: Ask,
  facts: Facts,
  reasons: Reason[],
): void {
  const joint = facts.writes.length > 1;
  if (joint) pinWrites(profile, facts);
  facts.writes.forEach((write, place) => {
    const { output, raw } = write.write;
    const plan = planFor(profile, ask.controller, output, raw);
    if (plan === undefined) {
      reasons.push(because("internal", { output }));
      return;
    }
    facts.memory.lo[profile.slots.cmd] = write.lo;
    facts.memory.hi[profile.slots.cmd] = write.hi;
    const judging: Judging = { facts, write, first: place === 0, reasons };
    judgePermissives(plan, judging);
    judgeApprovals(plan, judging);
    if (!joint) pinWrites(profile, facts);
    judgeAlways(plan, judging, place);
    judgeExclusive(profile, plan, judging);
  });
}

type Judging = {
  readonly facts: Facts;
  readonly write: WriteFacts;
  readonly first: boolean;
  readonly reasons: Reason[];
};

/**
 * A written output has its new value afterwards; or that of an older write to it that is not settled yet,
 * since one whose answer was lost may still arrive late. What was proven before is overwritten.
 */
function pinWrites(profile: CompiledProfile, facts: Facts): void {
  const { memory } = facts;
  for (const { write, compiled, lo, hi, proven, reachable } of facts.writes) {
    const slot = profile.slots.outputs + write.output;
    memory.lo[slot] = lo;
    memory.hi[slot] = hi;
    for (let place = proven === null ? 0 : 1; place < reachable.length; place += 1) {
      const late = compiled.quantity.valueOf(reachable[place] ?? NaN);
      memory.lo[slot] = Math.min(memory.lo[slot] ?? NaN, late);
      memory.hi[slot] = Math.max(memory.hi[slot] ?? NaN, late);
    }
  }
}

function judgePermissives(plan: RulePlan, judging: Judging): void {
  const { write, facts, reasons } = judging;
  for (const { rule, needs } of plan.permissives) {
    if (!isConcerned(rule.subject, needs, judging)) continue;
    const truth = needs.truth(facts.memory);
    if (truth === TRUE) continue;
    const about = { rule: rule.id, output: write.write.output };
    reasons.push(because("permissive", about));
    blameInput(needs, truth, judging, about);
  }
}

/**
 * A rule about one value of a bit in a `bits: whole` word is not asked about a bit that keeps that value
 * (definitions.md, co-written bits). A rule about any write is asked once a command, unless it reads the
 * value asked for.
 */
function isConcerned(subject: Subject, condition: Condition | null, judging: Judging): boolean {
  switch (subject.kind) {
    case "any":
      return judging.first || (condition?.readsCmd ?? false);
    case "output":
      return true;
    case "value":
      return judging.write.rules.bits !== "whole" || mayChange(judging.write);
  }
}

function judgeApprovals(plan: RulePlan, judging: Judging): void {
  for (const approval of plan.approvals) {
    if (!isConcerned(approval.rule.subject, approval.while, judging)) continue;
    const truth = approval.while?.truth(judging.facts.memory) ?? TRUE;
    if (truth === FALSE) continue;
    const about = { rule: approval.rule.id, output: judging.write.write.output };
    judging.reasons.push(because("approval", about));
  }
}

function judgeAlways(plan: RulePlan, judging: Judging, place: number): void {
  const { facts, reasons, write } = judging;
  for (const { rule, holds } of plan.always) {
    // A relation between several written outputs is judged with the first of them.
    const earlier = facts.writes.slice(0, place);
    if (earlier.some((other) => holds.outputs.includes(other.write.output))) continue;
    const truth = holds.truth(facts.memory);
    if (truth === TRUE) continue;
    const about = { rule: rule.id, output: write.write.output };
    reasons.push(because("always", about));
    blameInput(holds, truth, judging, about);
  }
}

/** Asked only for TRUE: turning one off can never turn two on. */
function judgeExclusive(profile: CompiledProfile, plan: RulePlan, judging: Judging): void {
  const { facts, write, reasons } = judging;
  for (const rule of plan.exclusive) {
    const alone = rule.outputs.every(
      (output) =>
        output === write.write.output || facts.memory.hi[profile.slots.outputs + output] === 0,
    );
    if (!alone) reasons.push(because("exclusive", { rule: rule.id, output: write.write.output }));
  }
}

/** Not knowing because a reading cannot be trusted is said as such. */
function blameInput(
  condition: Condition,
  truth: Truth,
  judging: Judging,
  about: { readonly rule: string; readonly output: number },
): void {
  if (truth !== UNKNOWN) return;
  const { lo } = judging.facts.memory;
  for (const input of condition.inputs) {
    if (Number.isNaN(lo[input] ?? NaN)) {
      judging.reasons.push(because("input-bad", about));
      return;
    }
  }
}
