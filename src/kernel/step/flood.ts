import type { FloodBody } from "../record/entry.js";
import { SECOND, type Us } from "../units.js";
import { sha256 } from "./sha256.js";

/** Denials alike: one controller, one output, one set of rules. */
export type DenialKind = {
  readonly controller: number;
  readonly output: number | null;
  /** Rule ids, or reason codes where no rule is behind them; sorted, each once. */
  readonly rules: readonly string[];
};

export type Flood = {
  readonly kind: DenialKind;
  /** Start of the minute in which the first ones are stored whole. */
  sinceUs: Us;
  whole: number;
  /** Counted since the last flood entry. */
  count: number;
  firstUs: Us;
  lastUs: Us;
  least: number | null;
  most: number | null;
  digest: Uint8Array;
};

/** By kind. Bounded: past {@link KINDS_MAX} kinds whatever comes is counted under one that names no rule. */
export type Floods = Map<string, Flood>;

const WHOLE_PER_MINUTE = 16;
const MINUTE: Us = 60 * SECOND;
const KINDS_MAX = 256;
const NO_DIGEST = new Uint8Array(32);

/** True: store this denial whole. It is counted as stored. */
export function admitWhole(floods: Floods, kind: DenialKind, nowUs: Us): boolean {
  const flood = floodOf(floods, kind, nowUs);
  // A minute that is over gives way only when its count is written: the entry names one stretch.
  if (nowUs - flood.sinceUs >= MINUTE && flood.count === 0) {
    flood.sinceUs = nowUs;
    flood.whole = 0;
  }
  if (flood.whole >= WHOLE_PER_MINUTE) return false;
  flood.whole += 1;
  return true;
}

/** `digest` is a chain over the bytes of every counted request, in order: d = SHA-256(d || bytes). */
export function countDenial(
  floods: Floods,
  kind: DenialKind,
  asked: { readonly value: number | null; readonly bytes: Uint8Array },
  nowUs: Us,
): void {
  const flood = floodOf(floods, kind, nowUs);
  if (flood.count === 0) {
    flood.firstUs = nowUs;
    flood.least = null;
    flood.most = null;
    flood.digest = NO_DIGEST;
  }
  flood.count += 1;
  flood.lastUs = nowUs;
  const { value } = asked;
  if (value !== null && Number.isFinite(value)) {
    flood.least = Math.min(flood.least ?? value, value);
    flood.most = Math.max(flood.most ?? value, value);
  }
  const chained = new Uint8Array(32 + asked.bytes.length);
  chained.set(flood.digest);
  chained.set(asked.bytes, 32);
  flood.digest = sha256(chained);
}

/** Denials of this controller that no entry tells of yet. */
export function countedSince(floods: Floods, controller: number): number {
  let count = 0;
  for (const flood of floods.values()) {
    if (flood.kind.controller === controller) count += flood.count;
  }
  return count;
}

/** What is owed to the log, for one controller or for all (null); afterwards nothing is. */
export function takeFloods(
  floods: Floods,
  controller: number | null,
  nameOf: (controller: number) => string,
): readonly FloodBody[] {
  const bodies: FloodBody[] = [];
  for (const flood of floods.values()) {
    if (flood.count === 0) continue;
    if (controller !== null && flood.kind.controller !== controller) continue;
    bodies.push({
      type: "flood",
      controller: nameOf(flood.kind.controller),
      output: flood.kind.output,
      rules: flood.kind.rules,
      count: flood.count,
      firstUs: flood.firstUs,
      lastUs: flood.lastUs,
      least: flood.least,
      most: flood.most,
      digest: flood.digest,
    });
    flood.count = 0;
  }
  return bodies;
}

/** Forgets kinds that were quiet for a minute. */
export function pruneFloods(floods: Floods, nowUs: Us): void {
  for (const [key, flood] of floods) {
    if (flood.count === 0 && nowUs - flood.sinceUs >= MINUTE) floods.delete(key);
  }
}

function floodOf(floods: Floods, kind: DenialKind, nowUs: Us): Flood {
  const key = `${kind.controller}|${kind.output ?? ""}|${kind.rules.join("|")}`;
  const known = floods.get(key);
  if (known !== undefined) return known;
  if (floods.size >= KINDS_MAX && kind.rules.length > 0) {
    return floodOf(floods, { controller: kind.controller, output: null, rules: [] }, nowUs);
  }
  const made: Flood = {
    kind,
    sinceUs: nowUs,
    whole: 0,
    count: 0,
    firstUs: nowUs,
    lastUs: nowUs,
    least: null,
    most: null,
    digest: NO_DIGEST,
  };
  floods.set(key, made);
  return made;
}
