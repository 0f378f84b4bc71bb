import type { Memory } from "../condition/evaluate.js";
import type { Truth } from "../condition/truth.js";
import type { View } from "../decide/gather-facts.js";
import type { CompiledProfile, Condition } from "../profile/compiled.js";

/**
 * Truth of a condition that is not about a command: BAD and late inputs are unknown, an output is
 * everything it may be. `memory` is scratch: slots the condition reads are filled anew.
 */
export function evaluateCondition(
  profile: CompiledProfile,
  view: View,
  condition: Condition,
  memory: Memory,
): Truth {
  for (const input of condition.inputs) {
    const value = inputValue(profile, view, input);
    memory.lo[input] = value;
    memory.hi[input] = value;
  }
  for (const output of condition.outputs) fillOutput(profile, view, output, memory);
  return condition.truth(memory);
}

/** Engineering value of an input that is good and not late; else NaN. */
export function inputValue(profile: CompiledProfile, view: View, input: number): number {
  const sample = view.image.samples[input];
  const maxAgeUs = profile.model.inputs[input]?.maxAgeUs ?? 0;
  if (sample?.quality !== "good" || sample.lastGood === null) return NaN;
  return view.nowUs - sample.sentUs <= maxAgeUs ? sample.lastGood.value : NaN;
}

function fillOutput(profile: CompiledProfile, view: View, output: number, memory: Memory): void {
  const slot = profile.slots.outputs + output;
  const state = view.state.outputs[output];
  const quantity = profile.outputs[output]?.quantity;
  let lo = NaN;
  let hi = NaN;
  if (quantity !== undefined && state !== undefined && state.proven !== null) {
    lo = quantity.valueOf(state.proven.raw);
    hi = lo;
    for (const { raw } of state.planned) {
      const value = quantity.valueOf(raw);
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
  }
  memory.lo[slot] = lo;
  memory.hi[slot] = hi;
}
