import { inputValue } from "../trip/evaluate.js";
import { fireTrip } from "../trip/fire.js";
import { because } from "../record/because.js";
import type { Write } from "../command/request.js";
import type { Raw, Us } from "../units.js";
import type { Flight } from "./kernel-state.js";
import { endFlight, recordOutcome } from "./flight.js";
import { isProvenBy, resolveLost } from "./resolution.js";
import { viewOf, type Turn } from "./turn.js";
import { answerServed, answerUnsure } from "./withdraw.js";

/** One output as a read showed it. */
export type Observation = { readonly output: number; readonly raw: Raw; readonly sentUs: Us };

/** Reads back the very addresses that were written. One such read at a time for each write. */
export function askReadBack(turn: Turn, flight: Flight): void {
  const { device, table, address, data } = flight.permit.south;
  const quantity =
    data.kind === "words" ? data.words.length : data.kind === "bits" ? data.bits.length : 1;
  flight.reading = true;
  turn.effects.push({
    kind: "read-back",
    device,
    seq: flight.permit.seq,
    table,
    address,
    quantity,
  });
}

/**
 * What a read says about our own writes. Of several writes to one output only the newest can still be
 * seen there; an earlier one that was acknowledged is settled with it. A write without an answer ends with a
 * read that left after its late window, whether or not that can tell what became of it.
 */
export function proveByRead(turn: Turn, seen: Observation): void {
  // A copy: what is proven leaves the list.
  const about = [...(turn.live.outputs[seen.output]?.flights ?? [])];
  about.forEach((flight, place) => {
    if (flight.phase === "sent" || seen.sentUs < flight.proofFromUs) return;
    const write = writeTo(flight, seen.output);
    if (write === undefined) return;
    if (flight.phase === "unknown") {
      if (isDriven(turn, seen.output)) return;
      flight.seen.set(seen.output, seen.raw);
      resolve(turn, flight);
      return;
    }
    const isNewest = about.slice(place + 1).every(({ phase }) => phase === "sent");
    const byRead = turn.model.outputs[seen.output]?.proof.kind === "readback";
    if (!isNewest || !byRead || !isProvenBy(turn, seen.output, write.raw, seen.raw)) return;
    closeProof(turn, flight, seen.output, seen.raw);
    for (const older of about.slice(0, place)) {
      if (older.phase === "proving") supersede(turn, older, seen.output);
    }
  });
}

function writeTo({ permit }: Flight, output: number): Write | undefined {
  for (const write of permit.writes) if (write.output === output) return write;
  return undefined;
}

/** Proof by another tag: asked for after the write was acknowledged, good, and saying what was written. */
export function proveByFeedback(turn: Turn): void {
  for (const flight of [...turn.live.flights.values()]) {
    if (flight.phase !== "proving") continue;
    for (const { output, raw } of flight.open) {
      const proof = turn.model.outputs[output]?.proof;
      if (proof?.kind !== "feedback") continue;
      const sentUs = turn.image.samples[proof.input]?.sentUs ?? -1;
      const value = inputValue(turn.profile, viewOf(turn), proof.input);
      if (sentUs < flight.proofFromUs) continue;
      if (value === turn.profile.outputs[output]?.quantity.valueOf(raw)) {
        closeProof(turn, flight, output, raw);
      }
    }
  }
}

/** Proofs that did not come in time, and reads that are due again. Called on every scan. */
export function scanProofs(turn: Turn): void {
  for (const flight of [...turn.live.flights.values()]) {
    if (flight.phase === "sent") continue;
    const isDue = turn.nowUs >= flight.proofFromUs;
    const overdue = flight.open.filter(({ deadlineUs }) => turn.nowUs > deadlineUs);
    const missed = overdue.filter(({ output }) => !isDriven(turn, output));
    if (missed.length > 0) missProof(turn, flight, missed);
    else if (overdue.length > 0) for (const { output } of overdue) overwrite(turn, flight, output);
    else if (isDue && !flight.reading && needsRead(turn, flight)) askReadBack(turn, flight);
  }
}

/**
 * Writes of the gateway's own to these outputs were read back, and nothing older can arrive any more: what a
 * command wrote there before can no longer be seen, and its proof is nobody's concern.
 */
export function overwriteProofs(turn: Turn, outputs: readonly number[]): void {
  for (const flight of [...turn.live.flights.values()]) {
    for (const output of outputs) overwrite(turn, flight, output);
  }
}

function overwrite(turn: Turn, flight: Flight, output: number): void {
  // With the first output of a word or a group the whole flight may have ended.
  if (!turn.live.flights.has(flight.permit.seq) || writeTo(flight, output) === undefined) return;
  if (flight.phase === "proving") supersede(turn, flight, output);
  // Its outcome stands as unknown: no later read can tell what was there before ours.
  else if (flight.phase === "unknown") endFlight(turn, flight);
}

/** A write of our own to it (or to its word) is on its way: a read shows that one, or will. */
export function isDriven(turn: Turn, output: number): boolean {
  const word = turn.live.plan.word[output] ?? [];
  return turn.live.drives.some(
    (drive) =>
      drive.phase !== "confirmed" && (drive.output === output || word.includes(drive.output)),
  );
}

function needsRead(turn: Turn, flight: Flight): boolean {
  if (flight.phase === "unknown") return true;
  return flight.open.some(({ output }) => turn.model.outputs[output]?.proof.kind === "readback");
}

function closeProof(turn: Turn, flight: Flight, output: number, raw: Raw): void {
  flight.seen.set(output, raw);
  flight.open = flight.open.filter((proof) => proof.output !== output);
  if (flight.open.length === 0) finishProofs(turn, flight);
}

/** A newer write to the same output is there: what the older one wrote can no longer be seen, nor proven. */
function supersede(turn: Turn, flight: Flight, output: number): void {
  if (!flight.open.some((proof) => proof.output === output)) return;
  flight.superseded ??= output;
  flight.open = flight.open.filter((proof) => proof.output !== output);
  if (flight.open.length === 0) finishProofs(turn, flight);
}

/** Done only when every proof came. A client that waited for them hears when one cannot come any more. */
function finishProofs(turn: Turn, flight: Flight): void {
  const { permit, superseded } = flight;
  endFlight(turn, flight);
  if (superseded === null) {
    recordOutcome(turn, flight, "done", {});
    answerServed(turn, permit);
    return;
  }
  const reasons = permit.replied ? [] : [because("read-back", { output: superseded })];
  recordOutcome(turn, flight, "acknowledged", reasons.length === 0 ? {} : { reasons });
  answerUnsure(turn, permit, reasons);
}

/**
 * Ends a write whose answer never came, once everything it wrote was read. Where the read cannot tell, its outcome
 * stands as unknown; what it planned is settled by the read as any other.
 */
function resolve(turn: Turn, flight: Flight): void {
  const { permit, seen, contested } = flight;
  const { seq, writes } = permit;
  if (!writes.every(({ output }) => seen.has(output))) return;
  const resolution = resolveLost(turn, turn.folded, { seq, writes, contested }, seen);
  endFlight(turn, flight);
  if (resolution !== null) recordOutcome(turn, flight, resolution, {});
}

/** Not proven in time: somebody must look. What was written stays planned until a read settles it. */
function missProof(
  turn: Turn,
  flight: Flight,
  overdue: readonly { readonly output: number }[],
): void {
  const { permit } = flight;
  if (flight.phase === "proving") {
    endFlight(turn, flight);
    const reasons = overdue.map(({ output }) => because("read-back", { output }));
    recordOutcome(turn, flight, "acknowledged", { reasons });
    answerUnsure(turn, permit, reasons);
  }
  // An unknown one stays in flight without a deadline: a late read may still settle it.
  flight.open = [];
  for (const { output } of overdue) {
    const trip = turn.live.plan.proof[output] ?? null;
    const firing = { event: "fired-unknown", sinceUs: turn.nowUs - permit.permitUs } as const;
    if (trip !== null) fireTrip(turn, trip, firing, permit.seq);
  }
}
