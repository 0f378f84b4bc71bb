import type { OutcomeKind } from "../record/entry.js";
import type { Look } from "../record/look.js";
import type { Reason } from "../record/reason.js";
import { differLook } from "./look-difference.js";
import type { Flight } from "./kernel-state.js";
import { record, type Turn } from "./turn.js";

/** The outcome of a sent command; its second look always goes with it. */
export function recordOutcome(
  turn: Turn,
  flight: Flight,
  outcome: OutcomeKind,
  more: { readonly reasons?: readonly Reason[]; readonly reply?: Uint8Array | null },
): void {
  const { permit, seen } = flight;
  const readBack = [...seen].map(([output, raw]) => ({ output, raw }));
  record(
    turn,
    {
      type: "outcome",
      id: permit.id,
      outcome,
      reply: more.reply ?? flight.reply,
      sincePermitUs: turn.nowUs - permit.permitUs,
      readBack: readBack.length === 0 ? null : readBack,
      reasons: more.reasons ?? null,
      look: keepDifference(flight),
    },
    permit.seq,
  );
}

/** What differed at the second look: worked out once, and kept in place of both looks. */
export function keepDifference(flight: Flight): Look {
  const { looks } = flight;
  if (looks.kind === "difference") return looks.difference;
  const difference = differLook(looks.first, looks.second);
  flight.looks = { kind: "difference", difference };
  return difference;
}

/** It is on the wire from here on. */
export function beginFlight(turn: Turn, flight: Flight): void {
  const { permit } = flight;
  turn.live.flights.set(permit.seq, flight);
  const device = turn.live.devices[permit.south.device];
  if (device !== undefined) device.sent += 1;
  for (const { output } of permit.writes) {
    const watch = turn.live.outputs[output];
    if (watch === undefined) continue;
    watch.writing += 1;
    for (const older of watch.flights) flight.contested ||= older.phase !== "proving";
    contestFlights(turn, output);
    watch.flights.push(flight);
  }
}

/** A write to this output is sent: what older ones put there may be covered up by it. */
export function contestFlights(turn: Turn, output: number): void {
  for (const older of turn.live.outputs[output]?.flights ?? []) older.contested = true;
}

/** The wire is free of it, whatever came of it. */
export function leaveWire(turn: Turn, { permit }: Flight): void {
  const device = turn.live.devices[permit.south.device];
  if (device !== undefined) device.sent = Math.max(0, device.sent - 1);
  for (const { output } of permit.writes) endWriting(turn, output);
}

/** From the answer on, reads that leave later can show what others do. */
export function endWriting(turn: Turn, output: number): void {
  const watch = turn.live.outputs[output];
  if (watch === undefined) return;
  watch.writing = Math.max(0, watch.writing - 1);
  watch.quietFromUs = turn.nowUs;
}

/** Nothing more is expected of it. */
export function endFlight(turn: Turn, flight: Flight): void {
  const { permit } = flight;
  turn.live.flights.delete(permit.seq);
  for (const { output } of permit.writes) {
    const flights = turn.live.outputs[output]?.flights ?? [];
    const place = flights.indexOf(flight);
    if (place >= 0) flights.splice(place, 1);
  }
}
