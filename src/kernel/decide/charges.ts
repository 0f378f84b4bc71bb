import { IN_FLIGHT_PER_OUTPUT } from "../bounds.js";
import { because } from "../record/because.js";
import type { Reason } from "../record/reason.js";
import type { Raw, Us } from "../units.js";
import type { Window } from "../profile/model.js";
import type { Count, WriteFacts } from "./facts.js";

/** How often and how soon: every, budget, starts, dwell, and the bound on unsettled writes. */
export function judgeCharges(facts: WriteFacts, reasons: Reason[]): void {
  const { rules } = facts;
  const { output } = facts.write;
  // `reachable` holds the proven value too, where it is known.
  const unsettled = facts.reachable.length - (facts.proven === null ? 0 : 1);
  if (unsettled >= IN_FLIGHT_PER_OUTPUT) reasons.push(because("busy", { output }));
  // No permit yet: nothing to keep a distance from. Not told: refused.
  if (rules.everyUs !== null && facts.permits !== 0 && !(facts.lastUs >= rules.everyUs)) {
    reasons.push(because("every", { output, freeUs: rules.everyUs - facts.lastUs }));
  }
  const budget = usedUp(rules.budget, facts.window);
  if (budget !== null) reasons.push(because("budget", { output, freeUs: budget.freeUs }));
  if (rules.starts !== null && isStart(facts)) {
    const starts = usedUp(rules.starts, facts.starts);
    if (starts !== null) reasons.push(because("starts", { output, freeUs: starts.freeUs }));
  }
  judgeDwell(facts, reasons);
}

/** Null while there is room for one more; else the time until the oldest charge leaves the window. */
export function usedUp(window: Window | null, count: Count): { readonly freeUs: Us } | null {
  if (window === null || count.count < window.count) return null;
  return { freeUs: window.windowUs - count.oldestUs };
}

/** True unless the output surely has the value asked for already. */
export function mayChange(facts: WriteFacts): boolean {
  if (facts.proven === null) return true;
  for (const raw of facts.reachable) if (raw !== facts.write.raw) return true;
  return false;
}

/** A start goes from off to on; on is TRUE, or a number that is not zero. */
function isStart(facts: WriteFacts): boolean {
  if (!isOn(facts, facts.write.raw)) return false;
  return facts.proven === null || facts.reachable.some((raw) => !isOn(facts, raw));
}

function isOn(facts: WriteFacts, raw: Raw): boolean {
  return facts.compiled.quantity.valueOf(raw) !== 0;
}

/**
 * Every value it may leave must have stood long enough. A value on its way counts as just reached: it may
 * arrive at any moment.
 */
function judgeDwell(facts: WriteFacts, reasons: Reason[]): void {
  const { minOnUs, minOffUs, minHoldUs } = facts.rules;
  if (minOnUs === null && minOffUs === null && minHoldUs === null) return;
  const { output } = facts.write;
  if (facts.proven === null) {
    reasons.push(because("dwell", { output }));
    return;
  }
  const settled = facts.reachable.every((raw) => raw === facts.proven);
  const heldUs = settled && facts.held === facts.proven ? facts.heldUs : 0;
  let needUs = 0;
  for (const raw of facts.reachable) needUs = Math.max(needUs, dwellOf(facts, raw));
  if (!(heldUs >= needUs)) reasons.push(because("dwell", { output, freeUs: needUs - heldUs }));
}

/** How long `from` must stand before it may be left for the value asked. */
function dwellOf(facts: WriteFacts, from: Raw): Us {
  const { minOnUs, minOffUs, minHoldUs } = facts.rules;
  const to = facts.write.raw;
  if (from === to) return 0;
  const wasOn = isOn(facts, from);
  const willBeOn = isOn(facts, to);
  const hold = minHoldUs ?? 0;
  if (wasOn && !willBeOn) return Math.max(hold, minOnUs ?? 0);
  return !wasOn && willBeOn ? Math.max(hold, minOffUs ?? 0) : hold;
}
