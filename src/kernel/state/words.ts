import type { CompiledProfile } from "../profile/compiled.js";
import { wordsFromRaw } from "../image/scaling.js";
import type { Raw } from "../units.js";
import type { FoldedState, OutputState } from "./state.js";

/**
 * The word a holding register surely has: every declared part proven and nothing on its way. Null
 * otherwise. Bits that are not declared are 0.
 */
export function settledWord(
  profile: CompiledProfile,
  state: FoldedState,
  device: number,
  register: number,
): Raw | null {
  const place = profile.writableAt(device, "hr", register);
  if (place === null) return null;
  switch (place.kind) {
    case "coil":
    case "input":
      return null;
    case "value": {
      const raw = settledRaw(state.outputs[place.output]);
      const format = profile.model.outputs[place.output]?.at.format;
      if (raw === null || format === undefined) return null;
      return wordsFromRaw(raw, format)[place.word] ?? null;
    }
    case "bits": {
      let word = 0;
      for (const { output, bit } of place.members) {
        const raw = settledRaw(state.outputs[output]);
        if (raw === null) return null;
        word |= raw << bit;
      }
      return word;
    }
  }
}

function settledRaw(known: OutputState | undefined): Raw | null {
  if (known === undefined || known.proven === null) return null;
  const { raw } = known.proven;
  return known.planned.every((planned) => planned.raw === raw) ? raw : null;
}
