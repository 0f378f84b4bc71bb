import { changeMode } from "../mode/change.js";
import { evidenceNotice, signingNotice } from "../state/notices.js";
import { endEvidenceHold } from "./evidence-hold.js";
import type { SigningInput } from "./input.js";
import { clearAlarm, raiseAlarm, record, type Turn } from "./turn.js";

/**
 * Checkpoints of this run. A permit waits for none but the first, and only where one is awaited: a key that is lost
 * later costs signatures, which the next checkpoint makes up for, and is alarmed.
 */
export function onSigning(turn: Turn, input: SigningInput): void {
  switch (input.kind) {
    case "signing-awaited":
      // Also where the disk withholds permits already: when that is over, this still does.
      if (turn.folded.evidenceWritable) record(turn, evidenceNotice(false, input.why));
      turn.live.awaits = input.required ? "checkpoint" : "attempt";
      return;
    case "signing-failed":
      onFailed(turn, input);
      return;
    case "signing-done":
      onDone(turn, input.spki);
      return;
  }
}

const LOST = "signing";
const FOREIGN = "foreign-key";
const CONSEQUENCES: Readonly<Record<Turn["live"]["awaits"], string>> = {
  nothing: "",
  checkpoint: ", and until one is nothing is permitted",
  attempt: ", and this run begins UNANCHORED",
};

function onFailed(
  turn: Turn,
  { spki, why, foreign, behind }: Extract<SigningInput, { kind: "signing-failed" }>,
): void {
  const { live } = turn;
  const isNew = !live.alarms.has(LOST);
  const cause = isNew ? record(turn, { type: "key", event: "lost", spki }) : null;
  if (isNew || ((foreign || behind) && !live.alarms.has(FOREIGN))) {
    record(turn, signingNotice(false, why), cause);
  }
  raiseAlarm(turn, LOST, `checkpoints are not signed: ${why}${CONSEQUENCES[live.awaits]}`);
  if (foreign || behind) raiseAlarm(turn, FOREIGN, why);
  // Later in a run the log is surely of this machine: then it is one more way to lose a key.
  if (foreign && live.awaits !== "nothing") changeMode(turn, "lock", why, cause);
  // A log that was put back is one whenever that is found out.
  if (behind) changeMode(turn, "lock", why, cause);
  if (live.awaits === "attempt" && !behind) admit(turn, cause, "UNANCHORED");
}

function onDone(turn: Turn, spki: Uint8Array): void {
  const { live } = turn;
  const cause = live.alarms.has(LOST) ? record(turn, { type: "key", event: "back", spki }) : null;
  if (cause !== null) record(turn, signingNotice(true, null), cause);
  clearAlarm(turn, LOST);
  clearAlarm(turn, FOREIGN);
  if (live.awaits !== "nothing") admit(turn, cause, null);
}

function admit(turn: Turn, cause: number | null, why: string | null): void {
  turn.live.awaits = "nothing";
  endEvidenceHold(turn, cause, why);
}
