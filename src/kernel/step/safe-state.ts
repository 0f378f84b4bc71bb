import type { Drive } from "./kernel-state.js";
import { startDrives } from "./drive.js";
import type { Turn } from "./turn.js";
import { emptyLine } from "./withdraw.js";

/**
 * Takes up the profile's ordered safe writes; each step waits for the one before it, but never longer
 * than that one's deadline. An output that a latched trip drives keeps the trip's value. Outputs whose
 * safe value is to hold have nothing to be written.
 */
export function driveSafeState(turn: Turn, cause: number): void {
  const { model, live } = turn;
  live.safeConfirmed = false;
  const drives: Drive[] = [];
  model.safeState.order.forEach((output, step) => {
    const safe = model.outputs[output]?.safe;
    if (safe?.kind !== "value") return;
    drives.push({
      output,
      raw: trippedRaw(turn, output) ?? safe.raw,
      why: "safe",
      step,
      cause,
      causeUs: turn.nowUs,
      unknownBits: null,
      decision: null,
      attempt: 0,
      phase: "waiting",
      tentative: false,
      acknowledged: false,
      deadlineUs: null,
      late: false,
    });
  });
  for (const device of devicesOf(turn, drives)) emptyLine(turn, device, "safe-state", cause);
  startDrives(turn, drives);
}

/** Value to which a latched trip drives this output; null: none does. First-out wins. */
export function trippedRaw(turn: Turn, output: number): number | null {
  for (const { trip } of turn.folded.latched) {
    const action = turn.model.trips[trip]?.action;
    if (action?.kind !== "drive") continue;
    const write = action.writes.find((drive) => drive.output === output);
    if (write !== undefined) return write.raw;
  }
  return null;
}

export function devicesOf(
  turn: Turn,
  drives: readonly { readonly output: number }[],
): readonly number[] {
  const devices = new Set<number>();
  for (const { output } of drives) devices.add(turn.model.outputs[output]?.at.device ?? 0);
  return [...devices];
}
