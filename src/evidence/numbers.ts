import { REASONS, type ReasonCode } from "../kernel/record/reason.js";

/** Words that the catalogue has no position table for; position is the number in evidence (evidence.cddl section 2). */
export const RECOVERIES = ["clean", "torn", "zero-tail", "damaged"] as const;
export const KEY_KINDS = ["tpm", "tpm-software", "file"] as const;
export const SITE_EVENTS = ["seen", "new", "accepted"] as const;
export const KEY_EVENTS = ["made", "rotated", "lost", "back"] as const;
export const ANCHOR_KINDS = ["nv-certify", "rfc3161", "witness", "scitt"] as const;

/** Number of a word. Throws when the table lacks it: only a bug can ask for that. */
export function numberOf<Word extends string>(table: readonly Word[], word: Word): number {
  const number = table.indexOf(word);
  if (number < 0) throw new RangeError(`evidence: "${word}" has no number`);
  return number;
}

export function reasonNumber(code: ReasonCode): number {
  const number = NUMBERS.get(code);
  if (number === undefined) throw new RangeError(`evidence: reason "${code}" has no number`);
  return number;
}

export function reasonCode(number: number): ReasonCode | undefined {
  return CODES.get(number);
}

const NUMBERS: ReadonlyMap<ReasonCode, number> = new Map(REASONS.map((r) => [r.code, r.number]));
const CODES: ReadonlyMap<number, ReasonCode> = new Map(REASONS.map((r) => [r.number, r.code]));
