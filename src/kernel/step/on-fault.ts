import { changeMode, withhold } from "../mode/change.js";
import { evidenceNotice } from "../state/notices.js";
import { SECOND, type Us } from "../units.js";
import { endEvidenceHold } from "./evidence-hold.js";
import { clearAlarm, raiseAlarm, record, type Turn } from "./turn.js";
import { withdrawAll } from "./withdraw.js";

/** A loop that stood still for longer than this no longer guards anything. */
const LOOP_LATE_MAX_US: Us = 10 * SECOND;
/** From here on a scan is counted as late. */
const SCAN_LATE_US: Us = SECOND / 10;

/**
 * No record is durable from here on: nothing that is not on the wire goes out, and nothing new is
 * permitted. Trips, safe state and reverts go on as before.
 */
export function onEvidenceFailed(turn: Turn, why: string): void {
  if (turn.live.diskDown) return;
  turn.live.diskDown = true;
  const cause = record(turn, evidenceNotice(false));
  withdrawAll(turn, "evidence", cause);
  if (turn.model.safeState.on.includes("evidence-full")) {
    changeMode(turn, "drive-safe", "evidence cannot be written", cause);
  }
  raiseAlarm(turn, "evidence", `evidence cannot be written: ${why}`);
}

export function onEvidenceRestored(turn: Turn): void {
  if (!turn.live.diskDown) return;
  turn.live.diskDown = false;
  clearAlarm(turn, "evidence");
  endEvidenceHold(turn, null, null);
}

/** What waited through a standstill is refused whole, whatever its own deadline says. */
export function onLoopGap(turn: Turn, gapUs: Us): void {
  const cause = record(turn, {
    type: "notice",
    what: "loop-gap",
    details: new Map([["us", Math.round(gapUs)]]),
  });
  withdrawAll(turn, "stale", cause);
  // Nobody was asked meanwhile: a counter or an identity that was not read in the gap says nothing against its device.
  for (const watch of turn.live.devices) {
    watch.aliveUs = turn.nowUs;
    watch.identityUs = turn.nowUs;
  }
  if (gapUs > LOOP_LATE_MAX_US) changeMode(turn, "drive-safe", "the loop stood still", cause);
}

/** Counted, alarmed, and beyond the limit the safe state. */
export function noteLateness(turn: Turn, latenessUs: Us): void {
  if (latenessUs <= SCAN_LATE_US) {
    clearAlarm(turn, "scan-late");
    return;
  }
  turn.live.lateScans += 1;
  raiseAlarm(turn, "scan-late", `scans run late (${turn.live.lateScans} so far)`);
  if (latenessUs > LOOP_LATE_MAX_US) changeMode(turn, "drive-safe", "scans run too late", null);
}

/** Wall time may take authority away (an expired profile), and never gives it back. */
export function onClockStepped(turn: Turn, stepUs: Us, utcUs: number): void {
  if (stepUs !== 0) record(turn, { type: "clock", stepUs: Math.round(stepUs), quality: 0 });
  const { fromUtcUs, untilUtcUs, atExpiry } = turn.model.valid;
  if (turn.live.expired || (utcUs >= fromUtcUs && utcUs < untilUtcUs)) return;
  turn.live.expired = true;
  const cause = record(turn, {
    type: "profile",
    digest: turn.model.digest,
    bytes: null,
    signatures: [],
    event: "expired",
    previous: null,
    proof: null,
    why: "outside its validity window",
  });
  raiseAlarm(turn, "profile-expired", "the profile is outside its validity window");
  switch (atExpiry) {
    case "alarm":
      return;
    case "holding":
      withhold(turn, "profile-expired", "the profile has expired", cause);
      return;
    case "safe-state":
      changeMode(turn, "drive-safe", "the profile has expired", cause);
  }
}
