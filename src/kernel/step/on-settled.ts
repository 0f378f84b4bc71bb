import { because } from "../record/because.js";
import type { Us } from "../units.js";
import type { WriteResult } from "./input.js";
import type { Flight, Proof } from "./kernel-state.js";
import { wantLine } from "./on-durable.js";
import { endFlight, keepDifference, leaveWire, recordOutcome } from "./flight.js";
import { askReadBack } from "./proof.js";
import type { Turn } from "./turn.js";
import { answerRefused, answerServed, answerUnsure, withdraw } from "./withdraw.js";
import { watchConfirms } from "./confirm.js";

/** How a write of a command ended on the wire. An answer to what is not on the wire changes nothing. */
export function onSettled(turn: Turn, seq: number, result: WriteResult): void {
  const flight = turn.live.flights.get(seq);
  if (flight?.phase !== "sent") return;
  leaveWire(turn, flight);
  switch (result.kind) {
    case "acknowledged":
      acknowledge(turn, flight, result.reply);
      break;
    case "exception": {
      endFlight(turn, flight);
      const reasons = [because("device-exception")];
      recordOutcome(turn, flight, "exception", { reasons, reply: result.reply });
      answerRefused(turn, flight.permit, reasons);
      break;
    }
    case "unknown":
      loseTrack(turn, flight, result.why);
      break;
    case "not-sent": {
      endFlight(turn, flight);
      const code = result.cause === "too-late" ? "stale" : "device-down";
      withdraw(turn, flight.permit, [because(code), because("withdrawn")], {
        look: keepDifference(flight),
        cause: null,
      });
      break;
    }
  }
  wantLine(turn, flight.permit.south.device);
}

function acknowledge(turn: Turn, flight: Flight, reply: Uint8Array): void {
  const { permit } = flight;
  flight.reply = reply;
  flight.proofFromUs = turn.nowUs;
  flight.open = proofsOf(turn, flight, turn.nowUs);
  flight.phase = "proving";
  keepDifference(flight);
  for (const { output } of permit.writes) startPulse(turn, output, turn.nowUs);
  watchConfirms(turn, permit.writes, permit.seq);
  if (flight.open.length === 0) {
    endFlight(turn, flight);
    recordOutcome(turn, flight, "acknowledged", {});
    answerServed(turn, permit);
    return;
  }
  if (turn.model.controllers[permit.controller]?.answer === "after-ack") {
    answerServed(turn, permit);
  }
  const readsBack = flight.open.some(
    ({ output }) => turn.model.outputs[output]?.proof.kind === "readback",
  );
  if (readsBack) askReadBack(turn, flight);
}

/** Never "failed", never sent again: it may have been done, and may still be until the late window ends. */
function loseTrack(turn: Turn, flight: Flight, why: string): void {
  const { permit } = flight;
  const device = turn.live.devices[permit.south.device];
  const lateUs = turn.nowUs + (turn.model.devices[permit.south.device]?.lateWindowUs ?? 0);
  if (device !== undefined) device.lateUntilUs = Math.max(device.lateUntilUs, lateUs);
  flight.phase = "unknown";
  flight.proofFromUs = lateUs;
  flight.open = proofsOf(turn, flight, lateUs);
  for (const { output } of permit.writes) {
    const watch = turn.live.outputs[output];
    if (watch !== undefined) watch.quietFromUs = Math.max(watch.quietFromUs, lateUs);
    startPulse(turn, output, lateUs);
  }
  const reasons = [because(/time/i.test(why) ? "device-timeout" : "outcome-unknown")];
  recordOutcome(turn, flight, "unknown", { reasons });
  answerUnsure(turn, permit, reasons);
}

function proofsOf(turn: Turn, flight: Flight, fromUs: Us): readonly Proof[] {
  return flight.permit.writes.flatMap(({ output, raw }) => {
    const proof = turn.model.outputs[output]?.proof;
    if (proof === undefined || proof.kind === "none") return [];
    return [{ output, raw, deadlineUs: fromUs + proof.withinUs }];
  });
}

function startPulse(turn: Turn, output: number, fromUs: Us): void {
  const drive = turn.model.outputs[output]?.drive;
  const watch = turn.live.outputs[output];
  if (drive === undefined || watch === undefined || drive.kind === "level") return;
  const device = turn.model.outputs[output]?.at.device ?? 0;
  // What the device itself takes to end it cannot be seen: one timeout is allowed for that.
  const lengthUs = drive.kind === "pulse" ? drive.lengthUs : 0;
  const slackUs = turn.model.devices[device]?.timeoutUs ?? 0;
  watch.pulseUntilUs = Math.max(watch.pulseUntilUs, fromUs + lengthUs + slackUs);
}
