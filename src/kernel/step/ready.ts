import { changeMode } from "../mode/change.js";
import { driveTrip } from "../trip/fire.js";
import type { Us } from "../units.js";
import { record, type Turn } from "./turn.js";

/**
 * What a new run owes the old one, once, before anything else: outcomes for permits the crash left open;
 * the writes of latched trips; the safe state where the profile asks for it, where it stood before, or
 * where the gateway was away for longer than a lease lasts (or nobody can say for how long).
 */
export function beginRun(turn: Turn): void {
  const { restart } = turn.live;
  if (restart === null || restart.told) return;
  restart.told = true;
  for (const permit of turn.folded.open) {
    record(
      turn,
      {
        type: "outcome",
        id: permit.id,
        outcome: "crash-unknown",
        reply: null,
        sincePermitUs: null,
        readBack: null,
        reasons: null,
        look: null,
      },
      permit.seq,
    );
  }
  for (const { trip, seq } of turn.folded.latched) {
    const known = turn.model.trips[trip];
    // A latched trip that this profile does not know: nobody can say what it wanted.
    if (known === undefined || known.action.kind === "safe-state") {
      changeMode(turn, "drive-safe", "a trip was latched before the restart", seq);
    } else {
      driveTrip(turn, known, seq);
    }
  }
  // Taken before anything below changes it.
  const { standing } = turn.folded;
  const why = whySafe(turn, restart.gapUs);
  if (why !== null) changeMode(turn, "drive-safe", why, null);
  if (standing === "locked-out") {
    changeMode(turn, "lock", "locked out before the restart, or the log is damaged", null);
  }
  if (standing === "holding") turn.live.holds.add("restart");
}

/** Leaves `starting` when nothing is missing any more. */
export function checkReady(turn: Turn): void {
  if (turn.folded.mode !== "starting" || !isReady(turn)) return;
  changeMode(turn, "ready", "profile, evidence and devices are there, outputs are known", null);
  const [hold] = turn.live.holds;
  if (hold !== undefined) changeMode(turn, "hold", hold, null);
}

/** Profile and evidence in order, every device read and identified, every output known by read-back. */
export function isReady(turn: Turn): boolean {
  const { evidenceWritable, profileValid, devices, outputs } = turn.folded;
  return (
    evidenceWritable &&
    profileValid &&
    devices.every(({ condition }) => condition === "up") &&
    outputs.every(({ proven }) => proven !== null)
  );
}

/** Null: hold, so that the first command starts from what is there. */
function whySafe(turn: Turn, gapUs: Us | null): string | null {
  // A restart gives nothing back: only a person's act leads out of the safe state.
  if (turn.folded.standing === "safe-state") return "in the safe state before the restart";
  const isFirst = turn.folded.outputs.every(({ logged }) => logged === null);
  if (isFirst) return null;
  if (turn.model.restart === "safe-state") return "restart";
  const leases = turn.model.controllers.flatMap(({ lease }) =>
    lease === null ? [] : [lease.lapsesAfterUs],
  );
  if (gapUs === null) return "away for an unknown time";
  return gapUs >= Math.min(...leases, Infinity) ? "away for longer than a lease lasts" : null;
}
