import { inputValue } from "../trip/evaluate.js";
import { viewOf, type Turn } from "./turn.js";

/**
 * Whether somebody else's change of this output is taken over now: by the plant's own mode where the
 * profile names one, a mode that is not surely known being what the profile says it is taken for.
 */
export function isForeignAdopted(turn: Turn, output: number): boolean {
  const foreign = turn.model.outputs[output]?.foreign;
  if (foreign === undefined) return false;
  if (foreign.otherwise === "adopt") return true;
  const { plantModes } = turn.model;
  if (plantModes === null) return false;
  const value = inputValue(turn.profile, viewOf(turn), plantModes.input);
  return foreign.adoptIn.includes(Number.isNaN(value) ? plantModes.unknownMeans : value);
}
