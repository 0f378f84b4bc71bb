import type { Write } from "../command/request.js";
import { southWrite } from "../command/resolve.js";
import { wordCount } from "../image/scaling.js";
import type { SafeStepState } from "../record/entry.js";
import type { Raw } from "../units.js";
import { contestFlights } from "./flight.js";
import type { Drive } from "./kernel-state.js";
import { giveOwnOutcome } from "./own-decision.js";
import { record, type Turn } from "./turn.js";

/**
 * Takes up absolute writes of our own and sends the first of them in this very step. One output has one
 * drive: a trip's value wins over the safe state's, either over a revert, since a latched trip lets
 * only its own value pass.
 */
export function startDrives(turn: Turn, drives: readonly Drive[]): void {
  for (const drive of drives) {
    const at = turn.live.drives.findIndex(({ output }) => output === drive.output);
    const old = turn.live.drives[at];
    if (old === undefined) {
      turn.live.drives.push(drive);
      continue;
    }
    if (RANK[drive.why] < RANK[old.why]) {
      if (old.why === "trip" && drive.why === "safe") turn.live.drives[at] = holdAs(drive, old.raw);
      giveUpRevert(turn, drive);
      continue;
    }
    giveUpRevert(turn, old);
    // In the safe state the output stays held, at the trip's value.
    turn.live.drives[at] = old.why === "safe" ? holdAs(old, drive.raw) : drive;
  }
  // The safe state keeps its own order, whatever was being driven before it began.
  turn.live.drives.sort((a, b) => placeOf(a) - placeOf(b));
  issueDrives(turn);
}

const placeOf = ({ why, step }: Drive): number => (why === "safe" ? step : -1);

const RANK = { revert: 0, safe: 1, trip: 2 } as const;

/** Sends what may be sent now. Called on every scan and whenever a drive has come a step further. */
export function issueDrives(turn: Turn): void {
  let stepMayStart = true;
  for (const drive of turn.live.drives) {
    if (drive.why === "safe") {
      if (!stepMayStart) continue;
      drive.deadlineUs ??= turn.nowUs + turn.model.safeState.eachWithinUs;
      stepMayStart = drive.tentative || drive.phase === "confirmed" || drive.late;
    }
    if (drive.phase === "waiting") sendDrive(turn, drive);
    else if (drive.phase === "written") readDrive(turn, drive);
  }
}

/** Asks for the output's own address; only a read that left after the write's answer counts. */
export function readDrive(turn: Turn, drive: Drive): void {
  const at = turn.model.outputs[drive.output]?.at;
  if (at === undefined || (at.table !== "co" && at.table !== "hr")) return;
  drive.phase = "reading";
  const { device, table, register } = at;
  const quantity = wordCount(at.format);
  const { output, attempt } = drive;
  turn.effects.push({
    kind: "safe-read-back",
    device,
    output,
    attempt,
    table,
    address: register,
    quantity,
  });
}

/** Every attempt is made; of a long row of them the log keeps the first, second, fourth, eighth ... */
export function recordStep(
  turn: Turn,
  drive: Drive,
  state: SafeStepState,
  readBack: Raw | null,
): number | null {
  const repeats = state === "sent" || state === "failed";
  if (repeats && !isPowerOfTwo(drive.attempt)) return null;
  return record(
    turn,
    {
      type: "safe-step",
      step: drive.step,
      output: drive.output,
      given: drive.raw,
      state,
      readBack,
      attempt: drive.attempt,
      sinceCauseUs: turn.nowUs - drive.causeUs,
    },
    drive.cause,
  );
}

/**
 * Outputs and values one own write carries. A bit of a `bits: whole` word takes the rest of its word
 * along: as other drives want it, else as newest read back, else as planned, else the trip's
 * `unknown_bits` (definitions.md, co-written bits).
 */
export function coWrites(turn: Turn, drive: Drive): readonly Write[] {
  const members = turn.live.plan.word[drive.output] ?? [];
  if (members.length === 0) return [{ output: drive.output, raw: drive.raw }];
  return members.map((output) => ({
    output,
    raw: output === drive.output ? drive.raw : keptRaw(turn, output, drive),
  }));
}

function keptRaw(turn: Turn, output: number, drive: Drive): Raw {
  const wanted = turn.live.drives.find((other) => other.output === output);
  if (wanted !== undefined) return wanted.raw;
  const state = turn.folded.outputs[output];
  const known = state?.proven?.raw ?? state?.planned.at(-1)?.raw;
  if (known !== undefined) return known;
  const bit = turn.model.outputs[output]?.at.bit ?? 0;
  return ((drive.unknownBits ?? 0) >>> bit) & 1;
}

function sendDrive(turn: Turn, drive: Drive): void {
  const tag = turn.model.outputs[drive.output];
  if (tag === undefined) return;
  const writes = coWrites(turn, drive);
  drive.attempt += 1;
  drive.phase = "writing";
  for (const { output } of writes) {
    const watch = turn.live.outputs[output];
    if (watch !== undefined) watch.writing += 1;
    contestFlights(turn, output);
  }
  turn.effects.push({
    kind: "safe-write",
    device: tag.at.device,
    output: drive.output,
    attempt: drive.attempt,
    write: southWrite(turn.profile, writes),
  });
  recordStep(turn, drive, "sent", null);
}

function holdAs(safe: Drive, raw: Raw): Drive {
  // Counted anew, so that the first attempt at the other value is on record.
  const anew = { attempt: 0, phase: "waiting", tentative: false, acknowledged: false } as const;
  return { ...safe, raw, ...anew };
}

function giveUpRevert(turn: Turn, drive: Drive): void {
  giveOwnOutcome(turn, drive, drive.attempt === 0 ? "withdrawn" : "unknown", null);
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}
