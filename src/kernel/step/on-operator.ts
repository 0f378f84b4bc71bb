import { followLapse } from "../lease/take-away.js";
import { revokeAll } from "../lease/revoke.js";
import { changeMode, withhold } from "../mode/change.js";
import { FALSE } from "../condition/truth.js";
import { evaluateCondition } from "../trip/evaluate.js";
import { recordReset, resetTrip } from "../trip/scan.js";
import { isConfirmed } from "./confirm.js";
import type { OperatorAct } from "./input.js";
import { isReady } from "./ready.js";
import { record, viewOf, type Turn } from "./turn.js";

/**
 * Names a reset takes besides those of trips: `holding` gives permits back, `safe-state` the plant, each
 * only when its causes are gone.
 */
const HOLDING = "holding";
const SAFE_STATE = "safe-state";

/** Acts of people, each on record before what it does. A reset without a reason is no reset. */
export function onOperator(turn: Turn, act: OperatorAct): void {
  const cause = record(turn, {
    type: "operator-act",
    act: nameOf(act),
    person: act.person,
    signature: null,
    why: act.why,
    details: null,
  });
  switch (act.act.kind) {
    case "stop-ai":
      stopControllers(turn, act.act.safe, cause);
      return;
    case "reset":
      reset(turn, act.act.trip, act, cause);
      return;
    case "accept-log":
      if (hasReason(act)) changeMode(turn, "accept", `log accepted by ${act.person}`, cause);
  }
}

/** At once: every lease, and what each one's end means; permits stay withheld until a person's reset. */
function stopControllers(turn: Turn, safe: boolean, cause: number): void {
  const revoked = revokeAll(turn, "stop-ai", cause);
  withhold(turn, "stop-ai", "stopped by a person", cause);
  if (safe) changeMode(turn, "drive-safe", "stopped by a person", cause);
  for (const index of revoked) {
    const controller = turn.model.controllers[index];
    if (controller !== undefined) followLapse(turn, controller, cause);
  }
}

function reset(turn: Turn, id: string, act: OperatorAct, cause: number): void {
  if (id === HOLDING) {
    if (hasReason(act)) releaseHolds(turn, cause);
    return;
  }
  const position = turn.profile.tripById.get(id);
  if (position !== undefined) {
    if (!hasReason(act) || !isCauseGone(turn, position)) {
      recordReset(turn, position, "reset-refused", cause);
      return;
    }
    resetTrip(turn, position, cause);
  } else if (id !== SAFE_STATE) return;
  if (hasReason(act)) leaveSafeState(turn, cause);
}

function releaseHolds(turn: Turn, cause: number): void {
  for (const hold of [...turn.live.holds]) {
    if (isHoldGone(turn, hold)) turn.live.holds.delete(hold);
  }
  if (turn.live.holds.size > 0 || turn.folded.mode !== "holding" || !isReady(turn)) return;
  changeMode(turn, "release", "released by a person", cause);
}

/** STOP AI, and what stood before a restart, have no cause but a person's will; the others are about a device, or the profile's time. */
function isHoldGone(turn: Turn, hold: string): boolean {
  if (hold === "stop-ai" || hold === "restart") return true;
  const device = turn.model.devices.findIndex(
    ({ name }) => hold === `identity.${name}` || hold === `lost.${name}`,
  );
  return device >= 0 && turn.folded.devices[device]?.condition === "up";
}

/** Only with no trip left that wants the safe state, and everything known that a start needs. */
function leaveSafeState(turn: Turn, cause: number): void {
  if (turn.folded.mode !== "safe-state" || !isReady(turn)) return;
  const wanted = turn.folded.latched.some(
    ({ trip }) => turn.model.trips[trip]?.action.kind !== "drive",
  );
  if (wanted) return;
  turn.live.drives = turn.live.drives.filter(({ why }) => why !== "safe");
  turn.live.safeConfirmed = false;
  changeMode(turn, "release", "given back by a person", cause);
  if (turn.live.holds.size > 0) changeMode(turn, "hold", "still withheld", cause);
}

/** A condition must be surely false; a built-in trip's event must be over. */
function isCauseGone(turn: Turn, position: number): boolean {
  const condition = turn.profile.trips[position] ?? null;
  const { plan } = turn.live;
  const confirmed = isConfirmed(turn, position);
  if (condition !== null) {
    const truth = evaluateCondition(turn.profile, viewOf(turn), condition, plan.memory);
    return confirmed && truth === FALSE;
  }
  const device = plan.lost.indexOf(position);
  if (device >= 0) return turn.folded.devices[device]?.condition === "up";
  const output = plan.about[position] ?? null;
  if (output === null) return confirmed;
  const state = turn.folded.outputs[output];
  return state !== undefined && state.proven !== null && state.planned.length === 0;
}

function hasReason(act: OperatorAct): boolean {
  return act.person.trim() !== "" && act.why.trim() !== "";
}

function nameOf(act: OperatorAct): string {
  switch (act.act.kind) {
    case "stop-ai":
      return act.act.safe ? "stop-ai --safe" : "stop-ai";
    case "reset":
      return `reset ${act.act.trip}`;
    case "accept-log":
      return "accept-log";
  }
}
