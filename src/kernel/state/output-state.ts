import { HELD_VALUES, IN_FLIGHT_PER_OUTPUT } from "../bounds.js";
import type { CompiledProfile } from "../profile/compiled.js";
import type { Raw, Us } from "../units.js";
import {
  draftOutput,
  draftState,
  type Charge,
  type FoldedState,
  type OutputState,
  type Planned,
} from "./state.js";

/** The state with one output changed; the same state where nothing is. */
export function withOutput(
  state: FoldedState,
  output: number,
  change: (known: OutputState) => OutputState,
): FoldedState {
  const outputs = changeAt(state.outputs, output, change);
  if (outputs === state.outputs) return state;
  const next = draftState(state);
  next.outputs = outputs;
  return next;
}

/** The list with the item at `place` changed; the same list where nothing is, or nothing stands there. */
export function changeAt<Item>(
  list: readonly Item[],
  place: number,
  change: (known: Item) => Item,
): readonly Item[] {
  const known = list[place];
  if (known === undefined) return list;
  const changed = change(known);
  return changed === known ? list : list.with(place, changed);
}

export type Reading = { readonly raw: Raw; readonly atUs: Us };

/** A value read back: it is proven from now on, and begins to count as held where it is another one. */
export function prove(
  profile: CompiledProfile,
  known: OutputState,
  reading: Reading,
  at: { readonly output: number; readonly nowUs: Us },
): OutputState {
  const proven = { raw: reading.raw, atUs: reading.atUs };
  const windowUs = profile.model.outputs[at.output]?.drift?.windowUs ?? 0;
  const held = holdFrom(known.held, reading.raw, at.nowUs, windowUs);
  const next = draftOutput(known);
  next.proven = proven;
  next.logged = null;
  next.held = held;
  return next;
}

/** Planned writes for which `stays` is false are settled. */
export function keepPlanned(known: OutputState, stays: (planned: Planned) => boolean): OutputState {
  const planned = known.planned.filter(stays);
  if (planned.length === known.planned.length) return known;
  const next = draftOutput(known);
  next.planned = planned;
  return next;
}

/** One more value on its way; see {@link addPlanned}. */
export function plan(
  profile: CompiledProfile,
  known: OutputState,
  planned: Planned,
  output: number,
): OutputState {
  return { ...known, planned: addPlanned(profile, known.planned, planned, output) };
}

/**
 * One more value on its way. Writes of the gateway's own (safe state, trips, reverts) are never refused, so
 * they are not bounded by `busy`: beyond a bound only the outermost and the newest values are kept, which
 * leaves the interval of reachable values as wide as it was.
 */
export function addPlanned(
  profile: CompiledProfile,
  before: readonly Planned[],
  planned: Planned,
  output: number,
): readonly Planned[] {
  const all = [...before, planned];
  if (all.length <= 4 * IN_FLIGHT_PER_OUTPUT) return all;
  const valueOf = profile.outputs[output]?.quantity.valueOf;
  const size = (raw: Raw): number => valueOf?.(raw) ?? raw;
  let least = all[0] ?? planned;
  let most = least;
  for (const one of all) {
    if (size(one.raw) < size(least.raw)) least = one;
    if (size(one.raw) > size(most.raw)) most = one;
  }
  const newest = all.slice(-2 * IN_FLIGHT_PER_OUTPUT);
  return all.filter((one) => one === least || one === most || newest.includes(one));
}

/** As many of the newest charges as the window can hold, and a few for the time since the last permit. */
export function charge(
  charges: readonly Charge[],
  added: Charge,
  windowUs: Us | null,
): readonly Charge[] {
  let drop = 0;
  // A few are kept in any case: withdrawing the newest gives the time of the last permit back.
  const keep = Math.max(0, charges.length - 2 * IN_FLIGHT_PER_OUTPUT);
  while (drop < keep && isOutside(charges[drop], added.atUs, windowUs)) drop += 1;
  return drop === 0 ? [...charges, added] : [...charges.slice(drop), added];
}

/** Takes back what a permit was charged. */
export function uncharge(charges: readonly Charge[], seq: number): readonly Charge[] {
  return charges.some((one) => one.seq === seq)
    ? charges.filter((one) => one.seq !== seq)
    : charges;
}

function isOutside(one: Charge | undefined, nowUs: Us, windowUs: Us | null): boolean {
  return one === undefined || windowUs === null || one.atUs <= nowUs - windowUs;
}

function holdFrom(
  held: OutputState["held"],
  raw: Raw,
  nowUs: Us,
  windowUs: Us,
): OutputState["held"] {
  const newest = held[held.length - 1];
  if (newest?.raw === raw) return held;
  // The last value taken before the window opened is still the one it opened with.
  let drop = 0;
  for (
    let next = held[1];
    next !== undefined && next.fromUs <= nowUs - windowUs;
    next = held[drop + 1]
  ) {
    drop += 1;
  }
  const kept = drop === 0 ? held : held.slice(drop);
  const value = { fromUs: nowUs, raw };
  // Full: the newest is replaced. While it is that full, drift counts as unknown and refuses.
  return kept.length > HELD_VALUES ? kept.with(kept.length - 1, value) : [...kept, value];
}
