import { record, type Turn } from "./turn.js";
import type { Raw, Us } from "../units.js";
import { watchConfirms } from "./confirm.js";
import { issueDrives, readDrive, recordStep } from "./drive.js";
import type { WriteResult } from "./input.js";
import type { Drive } from "./kernel-state.js";
import { endWriting } from "./flight.js";
import { giveOwnOutcome } from "./own-decision.js";
import { isForeignAdopted } from "./plant-mode.js";
import { overwriteProofs } from "./proof.js";
import { isProvenBy } from "./resolution.js";

export type SafeWriteSettled = {
  readonly device: number;
  readonly output: number;
  readonly attempt: number;
  readonly result: WriteResult;
};

/** An own write ended: read it back at once, or try again on the next scan. */
export function onSafeWriteSettled(turn: Turn, settled: SafeWriteSettled): void {
  const { output, attempt, result } = settled;
  const members = turn.live.plan.word[output] ?? [];
  for (const member of members.length === 0 ? [output] : members) endWriting(turn, member);
  const drive = turn.live.drives.find((each) => each.output === output);
  if (result.kind === "unknown") noteLate(turn, settled.device);
  // A drive that was replaced meanwhile has sent its own write after this one.
  if (drive?.phase !== "writing" || drive.attempt !== attempt) return;
  if (result.kind === "acknowledged") {
    drive.acknowledged = true;
    watchConfirms(turn, [{ output, raw: drive.raw }], drive.cause);
    readDrive(turn, drive);
    return;
  }
  recordStep(turn, drive, "failed", null);
  drive.phase = "waiting";
}

export type SafeReadBack = {
  readonly output: number;
  readonly attempt: number;
  readonly read: { readonly sentUs: Us; readonly raw: Raw } | null;
};

/**
 * Confirmed only by a read that left when no command without an answer could still arrive: a late
 * old setpoint must not win. One that left earlier lets the next step begin and is asked again.
 */
export function onSafeReadBack(turn: Turn, { output, attempt, read }: SafeReadBack): void {
  const drive = turn.live.drives.find((each) => each.output === output);
  if (drive?.phase !== "reading" || drive.attempt !== attempt) return;
  const bit = turn.model.outputs[output]?.at.bit ?? null;
  const raw = read === null || bit === null ? (read?.raw ?? null) : (read.raw >>> bit) & 1;
  if (read === null || raw === null || !isThere(turn, drive, raw)) {
    drive.tentative = false;
    drive.phase = "waiting";
    leaveToOthers(turn, drive);
    return;
  }
  drive.tentative = true;
  if (!isQuiet(turn, drive, read.sentUs)) {
    drive.phase = "written";
    return;
  }
  confirm(turn, drive, raw);
  issueDrives(turn);
}

/** The safe state and a trip's value to the last bit; a revert as near as a command's write has to be. */
function isThere(turn: Turn, drive: Drive, raw: Raw): boolean {
  if (drive.why !== "revert") return raw === drive.raw;
  return isProvenBy(turn, drive.output, drive.raw, raw);
}

/** Late steps of the safe state, and whatever must be written or read again. Called on every scan. */
export function scanDrives(turn: Turn): void {
  for (const drive of turn.live.drives) {
    const { deadlineUs } = drive;
    if (deadlineUs === null || drive.late || drive.tentative || drive.phase === "confirmed")
      continue;
    if (turn.nowUs <= deadlineUs) continue;
    drive.late = true;
    recordStep(turn, drive, "late", null);
    const name = turn.model.outputs[drive.output]?.name ?? "";
    turn.effects.push({
      kind: "alarm",
      id: `safe-state.${name}`,
      raised: true,
      text: `${name} could not be brought to its safe value in time`,
    });
  }
  issueDrives(turn);
}

/** Nothing of a command is on the wire, and nothing without an answer can still come. */
function isQuiet(turn: Turn, drive: Drive, sentUs: Us): boolean {
  const device = turn.model.outputs[drive.output]?.at.device ?? 0;
  const watch = turn.live.devices[device];
  return watch?.sent === 0 && sentUs >= watch.lateUntilUs;
}

function confirm(turn: Turn, drive: Drive, raw: Raw): void {
  drive.phase = "confirmed";
  recordStep(turn, drive, "proven", raw);
  const word = turn.live.plan.word[drive.output] ?? [];
  overwriteProofs(turn, word.length === 0 ? [drive.output] : word);
  giveOwnOutcome(turn, drive, "done", raw);
  const name = turn.model.outputs[drive.output]?.name ?? "";
  if (drive.late) {
    drive.late = false;
    turn.effects.push({ kind: "alarm", id: `safe-state.${name}`, raised: false, text: "" });
  }
  if (drive.why !== "safe") {
    turn.live.drives = turn.live.drives.filter((each) => each !== drive);
    return;
  }
  const safe = turn.live.drives.filter(({ why }) => why === "safe");
  if (!turn.live.safeConfirmed && safe.every(({ phase }) => phase === "confirmed")) {
    turn.live.safeConfirmed = true;
    record(
      turn,
      { type: "notice", what: "safe-state-confirmed", details: new Map([["steps", safe.length]]) },
      drive.cause,
    );
  }
}

/**
 * Where people have taken the plant over (its own mode says so), a trip's write is made and acknowledged
 * and not fought for: there the device follows them, and the guard keeps only what its safe state lists.
 */
function leaveToOthers(turn: Turn, drive: Drive): void {
  if (drive.why === "safe" || !drive.acknowledged || !isForeignAdopted(turn, drive.output)) return;
  giveOwnOutcome(turn, drive, "unknown", null);
  turn.live.drives = turn.live.drives.filter((each) => each !== drive);
}

function noteLate(turn: Turn, device: number): void {
  const watch = turn.live.devices[device];
  if (watch === undefined) return;
  const lateUs = turn.nowUs + (turn.model.devices[device]?.lateWindowUs ?? 0);
  watch.lateUntilUs = Math.max(watch.lateUntilUs, lateUs);
}
