import type { Ask } from "../command/request.js";
import type { CompiledProfile } from "../profile/compiled.js";
import { nearestLimit } from "./envelope.js";

/**
 * What a clamp would ask instead: the limit of the range nearest to the value asked. Null where clamping
 * is not for this command: inside the range, several outputs, not a number, no `outside: clamp`, or a
 * controller without a clamp budget (clamping without one would hide a runaway).
 */
export function clampAsk(profile: CompiledProfile, ask: Ask): Ask | null {
  const [write] = ask.writes;
  if (write === undefined || ask.writes.length !== 1) return null;
  const rules = profile.model.outputs[write.output];
  const compiled = profile.outputs[write.output];
  if (rules === undefined || compiled === undefined) return null;
  if (rules.kind !== "number" || rules.outside !== "clamp") return null;
  if ((profile.model.controllers[ask.controller]?.clamps ?? null) === null) return null;
  const raw = nearestLimit(compiled, write.raw);
  return raw === null ? null : { ...ask, writes: [{ output: write.output, raw }] };
}
