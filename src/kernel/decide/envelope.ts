import type { CompiledOutput } from "../profile/compiled.js";
import { because } from "../record/because.js";
import type { Reason } from "../record/reason.js";
import { SECOND, type Raw, type Us } from "../units.js";
import type { WriteFacts } from "./facts.js";

/**
 * Limits on the value of one output: type, range, step, ramp, drift. `moving` false: within the deadband,
 * nothing will be sent, and only what the value may be is judged.
 * `limit` of each reason is the value nearest to the one asked that all of them together would pass now.
 */
export function judgeEnvelope(facts: WriteFacts, moving: boolean): readonly Reason[] {
  const { write, compiled } = facts;
  const output = write.output;
  if (!Number.isFinite(compiled.quantity.valueOf(write.raw))) return [because("type", { output })];
  const range = isInRange(compiled, write.raw);
  const step = !moving || keepsStep(facts, write.raw);
  const waitUs = moving ? rampWait(facts, write.raw) : 0;
  const drift = !moving || keepsDrift(facts, write.raw);
  if (range && step && waitUs === 0 && drift) return NOTHING;
  const about = { output, limit: nearestPermitted(facts) };
  const reasons: Reason[] = [];
  if (!range) reasons.push(because("range", about));
  if (!step) reasons.push(because("step", about));
  // Waiting helps only where the step itself is small enough.
  if (waitUs !== 0) reasons.push(because("ramp", { ...about, freeUs: step ? waitUs : null }));
  if (!drift) reasons.push(because("drift", about));
  return reasons;
}

/** True when sending would change nothing worth sending: every value it may have is within the deadband. */
export function isWithinDeadband(facts: WriteFacts): boolean {
  const { deadband } = facts.rules;
  if (deadband === null || facts.proven === null) return false;
  const { quantity } = facts.compiled;
  return facts.reachable.every(
    (raw) => Math.abs(quantity.difference(facts.write.raw, raw)) <= deadband,
  );
}

/** The limit of its range nearest to a value outside it; null: inside, no range, or not a value. */
export function nearestLimit(compiled: CompiledOutput, raw: Raw): Raw | null {
  const { range, quantity } = compiled;
  const place = quantity.ordinalOf(raw);
  if (range === null || range.first > range.last) return null;
  if (place < range.first) return quantity.rawAt(range.first);
  return place > range.last ? quantity.rawAt(range.last) : null;
}

/** Whether all limits of {@link judgeEnvelope} pass this value. */
export function passesEnvelope(facts: WriteFacts, raw: Raw): boolean {
  return (
    Number.isFinite(facts.compiled.quantity.valueOf(raw)) &&
    isInRange(facts.compiled, raw) &&
    keepsStep(facts, raw) &&
    rampWait(facts, raw) === 0 &&
    keepsDrift(facts, raw)
  );
}

const NOTHING: readonly Reason[] = [];

function isInRange(compiled: CompiledOutput, raw: Raw): boolean {
  const { range, quantity } = compiled;
  if (range === null) return true;
  const place = quantity.ordinalOf(raw);
  return place >= range.first && place <= range.last;
}

/** A value outside its range may jump to the nearest limit, however far that is. */
function isJumpHome(compiled: CompiledOutput, from: Raw, to: Raw): boolean {
  return nearestLimit(compiled, from) === to;
}

function keepsStep(facts: WriteFacts, raw: Raw): boolean {
  const { step } = facts.rules;
  if (step === null) return true;
  if (facts.proven === null) return false;
  const { compiled } = facts;
  return facts.reachable.every(
    (from) =>
      Math.abs(compiled.quantity.difference(raw, from)) <= step || isJumpHome(compiled, from, raw),
  );
}

/** Time until the ramp alone would pass this value: 0 now, Infinity never. */
function rampWait(facts: WriteFacts, raw: Raw): Us {
  const rate = facts.rules.rampPerS;
  if (rate === null) return 0;
  if (facts.proven === null || Number.isNaN(facts.lastUs)) return Infinity;
  let waitUs = 0;
  for (const from of facts.reachable) {
    if (isJumpHome(facts.compiled, from, raw)) continue;
    const change = Math.abs(facts.compiled.quantity.difference(raw, from));
    if (change <= (rate * facts.lastUs) / SECOND) continue;
    const needUs = Math.ceil((change * SECOND) / rate);
    // One more where rounding would still find the change too fast at that time.
    const freeUs = change <= (rate * needUs) / SECOND ? needUs : needUs + 1;
    waitUs = Math.max(waitUs, freeUs - facts.lastUs);
  }
  return waitUs;
}

/**
 * Net change from the value held when the window opened, and from every value still on its way. A base
 * outside the range counts from the limit it may jump to, else nothing could ever start from there.
 */
function keepsDrift(facts: WriteFacts, raw: Raw): boolean {
  const { drift } = facts.rules;
  if (drift === null) return true;
  const { driftBase, compiled } = facts;
  if (driftBase === null || facts.proven === null) return false;
  if (facts.reachable.every((from) => isJumpHome(compiled, from, raw))) return true;
  const isNear = (base: Raw): boolean => {
    const from = nearestLimit(compiled, base) ?? base;
    return Math.abs(compiled.quantity.difference(raw, from)) <= drift.net;
  };
  return isNear(driftBase) && facts.reachable.every((from, place) => place === 0 || isNear(from));
}

/** Engineering value nearest to the one asked that passes; null: there is none, or it cannot be known. */
export function nearestPermitted(facts: WriteFacts): number | null {
  const { compiled, write, rules } = facts;
  const { quantity } = compiled;
  if (rules.kind !== "number" || facts.proven === null) return null;
  let first = compiled.range?.first ?? quantity.least;
  let last = compiled.range?.last ?? quantity.most;
  const narrow = (around: Raw, change: number): void => {
    const [low, high] = placesWithin(compiled, around, change);
    first = Math.max(first, low);
    last = Math.min(last, high);
  };
  const change = allowedChange(facts);
  for (const from of facts.reachable) narrow(from, change);
  if (rules.drift !== null && facts.driftBase !== null) {
    narrow(nearestLimit(compiled, facts.driftBase) ?? facts.driftBase, rules.drift.net);
  }
  const asked = quantity.ordinalOf(write.raw);
  const inside = quantity.rawAt(Math.min(last, Math.max(first, asked)));
  const home = nearestLimit(compiled, facts.reachable[0] ?? write.raw);
  for (const candidate of home === null ? [inside] : [inside, home]) {
    if (passesEnvelope(facts, candidate)) return quantity.valueOf(candidate);
  }
  return null;
}

function allowedChange(facts: WriteFacts): number {
  const { step, rampPerS } = facts.rules;
  const byRamp = rampPerS === null ? Infinity : (rampPerS * facts.lastUs) / SECOND;
  return Math.min(step ?? Infinity, byRamp);
}

/** Outermost places whose value differs from `around` by at most `change`. */
function placesWithin(
  compiled: CompiledOutput,
  around: Raw,
  change: number,
): readonly [number, number] {
  const { quantity } = compiled;
  if (!(change < Infinity)) return [quantity.least, quantity.most];
  const value = quantity.valueOf(around);
  const center = quantity.ordinalOf(around);
  const reach = quantity.rising ? change : -change;
  const holds = (place: number): boolean =>
    Math.abs(quantity.difference(quantity.rawAt(place), around)) <= change;
  return [
    settle(quantity.ordinalNear(value - reach), center, holds),
    settle(quantity.ordinalNear(value + reach), center, holds),
  ];
}

/** Rounding may have put the guess a place or two off: look outwards, then inwards. */
function settle(guess: number, center: number, holds: (place: number) => boolean): number {
  const inwards = guess < center ? 1 : -1;
  for (let turn = 2; turn >= -4; turn -= 1) {
    const place = guess - turn * inwards;
    if ((place - center) * inwards <= 0 && holds(place)) return place;
  }
  return center;
}
