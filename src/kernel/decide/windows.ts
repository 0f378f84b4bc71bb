import type { Ask, Write } from "../command/request.js";
import type { CompiledProfile } from "../profile/compiled.js";
import { settledWord } from "../state/words.js";
import type { Raw } from "../units.js";
import { decide, permitsBetween } from "./decide.js";
import { nearestLimit } from "./envelope.js";
import { gatherFacts, type View } from "./gather-facts.js";

export type ValueWindow = { readonly low: Raw; readonly high: Raw };

/**
 * Around the present value, the values of this output alone that this controller would be permitted now,
 * all else unchanged; `low` means the smaller engineering value. Null: none, or the present value is not
 * known. A value outside its range counts from the limit it may jump to. Of values other than numbers
 * the window names those permitted among FALSE and TRUE. Advice, never a promise; bounded work.
 */
export function windowOf(
  profile: CompiledProfile,
  view: View,
  controller: number,
  output: number,
): ValueWindow | null {
  const compiled = profile.outputs[output];
  const present = view.state.outputs[output]?.proven?.raw;
  if (compiled === undefined || present === undefined) return null;
  const seeking: Seeking = { profile, view, controller, output };
  if (profile.model.outputs[output]?.kind !== "number") return windowOfBool(seeking);
  const start = [present, nearestLimit(compiled, present)].find(
    (raw) => raw !== null && isPermitted(seeking, raw, raw),
  );
  if (start === undefined || start === null) return null;
  const { quantity, range } = compiled;
  const least = seek(seeking, start, range?.first ?? quantity.least);
  const most = seek(seeking, start, range?.last ?? quantity.most);
  return quantity.rising ? { low: least, high: most } : { low: most, high: least };
}

type Seeking = {
  readonly profile: CompiledProfile;
  readonly view: View;
  readonly controller: number;
  readonly output: number;
};

/** Halvings on each side: enough for a register; what is left of a wider format is not promised. */
const HALVINGS = 18;

/** Outermost value towards `end` up to which everything from `start` on is permitted. */
function seek(seeking: Seeking, start: Raw, end: number): Raw {
  const quantity = seeking.profile.outputs[seeking.output]?.quantity;
  if (quantity === undefined) return start;
  if (isPermitted(seeking, quantity.rawAt(end), start)) return quantity.rawAt(end);
  let inside = quantity.ordinalOf(start);
  let outside = end;
  for (let turn = 0; turn < HALVINGS && Math.abs(outside - inside) > 1; turn += 1) {
    const middle = Math.trunc((inside + outside) / 2);
    if (isPermitted(seeking, quantity.rawAt(middle), start)) inside = middle;
    else outside = middle;
  }
  return quantity.rawAt(inside);
}

function isPermitted(seeking: Seeking, raw: Raw, from: Raw): boolean {
  const { profile, view, controller, output } = seeking;
  const ask: Ask = { controller, writes: [{ output, raw }], reasons: [] };
  return permitsBetween(profile, ask, gatherFacts(profile, view, ask, null), from);
}

function windowOfBool(seeking: Seeking): ValueWindow | null {
  const permitted = [0, 1].filter((raw) => {
    const writes = writesOf(seeking, raw);
    if (writes === null) return false;
    const { profile, view, controller } = seeking;
    const ask: Ask = { controller, writes, reasons: [] };
    return decide(profile, ask, gatherFacts(profile, view, ask, null)).verdict === "permit";
  });
  const [low] = permitted;
  return low === undefined ? null : { low, high: permitted[permitted.length - 1] ?? low };
}

/** A bit of a word that is all ours takes the others along as they are; null where they are not known. */
function writesOf(seeking: Seeking, raw: Raw): readonly Write[] | null {
  const { profile, view, output } = seeking;
  const rules = profile.model.outputs[output];
  if (rules === undefined) return null;
  if (rules.bits !== "whole") return [{ output, raw }];
  const { device, register } = rules.at;
  const place = profile.writableAt(device, "hr", register);
  const word = settledWord(profile, view.state, device, register);
  if (place?.kind !== "bits" || word === null) return null;
  return place.members.map((member) => ({
    output: member.output,
    raw: member.output === output ? raw : (word >>> member.bit) & 1,
  }));
}
