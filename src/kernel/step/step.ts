import { takeBeat } from "../lease/beat.js";
import { recordFloods } from "../lease/suspend.js";
import type { CompiledProfile } from "../profile/compiled.js";
import type { Entry } from "../record/entry.js";
import type { Us } from "../units.js";
import { onDeviceLink } from "./device.js";
import type { Effect } from "./effect.js";
import type { Input } from "./input.js";
import type { KernelState } from "./kernel-state.js";
import { onBlockRead } from "./on-block-read.js";
import { onCommand } from "./on-command.js";
import { onDurable } from "./on-durable.js";
import { onClockStepped, onEvidenceFailed, onEvidenceRestored, onLoopGap } from "./on-fault.js";
import { onLineFree } from "./on-line-free.js";
import { onReadBack } from "./on-read-back.js";
import { onOperator } from "./on-operator.js";
import { onSafeReadBack, onSafeWriteSettled } from "./on-safe.js";
import { onScan } from "./on-scan.js";
import { onSettled } from "./on-settled.js";
import { onSigning } from "./on-signing.js";
import { beginRun } from "./ready.js";
import { record, type Turn } from "./turn.js";
import { withdrawAll } from "./withdraw.js";

export { initialKernelState } from "./initial-kernel-state.js";

export type Step = {
  readonly state: KernelState;
  /** To be done in this order, and begun before the records are handed to the log. */
  readonly effects: readonly Effect[];
  /** To be persisted in this order. */
  readonly records: readonly Entry[];
};

/**
 * The kernel's whole behaviour: one thing that happened, and what follows from it. Never throws for
 * anything that comes from outside; what makes no sense changes nothing. `nowUs` must not go back.
 *
 * The state that went in is used up (see `KernelState`).
 */
export function step(profile: CompiledProfile, state: KernelState, input: Input, nowUs: Us): Step {
  const turn: Turn = {
    profile,
    model: profile.model,
    nowUs,
    live: state.live,
    folded: state.folded,
    image: state.image,
    effects: [],
    records: [],
  };
  beginRun(turn);
  dispatch(turn, input);
  const { folded, image, effects, records } = turn;
  return { state: { folded, image, live: state.live }, effects, records };
}

function dispatch(turn: Turn, input: Input): void {
  if ("device" in input) dispatchDevice(turn, input);
  else dispatchOther(turn, input);
}

type DeviceInput = Extract<Input, { readonly device: number }>;

function dispatchDevice(turn: Turn, input: DeviceInput): void {
  switch (input.kind) {
    case "line-free":
      onLineFree(turn, input.device);
      return;
    case "write-settled":
      onSettled(turn, input.seq, input.result);
      return;
    case "read-back":
      onReadBack(turn, input);
      return;
    case "block-read":
      onBlockRead(turn, input);
      return;
    case "block-failed":
      // Its inputs keep their last sample and grow late; a silent device is found lost by the scan.
      return;
    case "device-link":
      onDeviceLink(turn, input.device, input.up, input.why);
      return;
    case "safe-write-settled":
      onSafeWriteSettled(turn, input);
      return;
    case "safe-read-back":
      onSafeReadBack(turn, input);
      return;
  }
}

function dispatchOther(turn: Turn, input: Exclude<Input, DeviceInput>): void {
  switch (input.kind) {
    case "command":
      onCommand(turn, input);
      return;
    case "command-gone":
      markGone(turn, input.ticket);
      return;
    case "evidence-durable":
      onDurable(turn, input.seq);
      return;
    case "evidence-failed":
      onEvidenceFailed(turn, input.why);
      return;
    case "evidence-restored":
      onEvidenceRestored(turn);
      return;
    case "signing-awaited":
    case "signing-failed":
    case "signing-done":
      onSigning(turn, input);
      return;
    case "beat":
      takeBeat(turn, input.controller, input.value);
      return;
    case "operator":
      onOperator(turn, input);
      return;
    case "scan":
      onScan(turn, input.latenessUs);
      return;
    case "loop-gap":
      onLoopGap(turn, input.gapUs);
      return;
    case "clock-stepped":
      onClockStepped(turn, input.stepUs, input.utcUs);
      return;
    case "shutdown":
      onShutdown(turn, input.why);
      return;
  }
}

/** Withdrawn when its turn comes; what is on the wire cannot be called back. */
function markGone(turn: Turn, ticket: number): void {
  for (const { permit } of [...turn.live.recording, ...turn.live.queues.flat()]) {
    if (permit.ticket === ticket) permit.gone = true;
  }
}

/** Outputs stay as they are; nothing that waits goes out any more, and the log says all it knows. */
function onShutdown(turn: Turn, why: string): void {
  const details = new Map([["why", why]]);
  const cause = record(turn, { type: "notice", what: "shutdown", details });
  withdrawAll(turn, "withdrawn", cause);
  recordFloods(turn, null);
  turn.effects.push({ kind: "checkpoint", why: "shutdown" });
}
