import { TRUE } from "../condition/truth.js";
import { distrustDevice, readRaw, updateImage } from "../image/update-image.js";
import type { Block } from "../image/read-plan.js";
import { evaluateCondition } from "../trip/evaluate.js";
import { scanTrips } from "../trip/scan.js";
import { withhold } from "../mode/change.js";
import { adoptBlock } from "./adopt.js";
import { deviceUp, stopProgram } from "./device.js";
import type { BlockRead } from "./input.js";
import type { DeviceWatch } from "./kernel-state.js";
import { observe } from "./observe.js";
import { proveByFeedback, type Observation } from "./proof.js";
import { checkReady } from "./ready.js";
import { raiseAlarm, record, viewOf, type Turn } from "./turn.js";

/**
 * One answered poll: image, identity and program of the device, our own proofs, other people's writes, and
 * the trips that read this device. An answer of the wrong length is none.
 */
export function onBlockRead(turn: Turn, read: BlockRead): void {
  const block = turn.live.plan.blocks[read.device]?.[read.block];
  const watch = turn.live.devices[read.device];
  if (block === undefined || watch === undefined) return;
  if (read.words.length !== block.quantity || !watch.linkUp) return;
  watch.heardUs = Math.max(watch.heardUs, read.sentUs);
  if (block.identity) checkIdentity(turn, block, read, watch);
  if (block.alive) checkAlive(turn, block, read, watch);
  turn.image = updateImage(turn.image, turn.profile, {
    block,
    sentUs: read.sentUs,
    words: read.words,
    trusted: isTrusted(turn, read.device, watch),
    mayStandStill: (input) => mayStandStill(turn, input),
  });
  watch.blocks.add(read.block);
  if (watch.blocks.size === turn.live.plan.blocks[read.device]?.length) watch.everComplete = true;
  deviceUp(turn, read.device);
  readOutputs(turn, block, read);
  proveByFeedback(turn);
  scanTrips(turn, read.device);
  checkReady(turn);
}

/** Of another device than the expected one neither inputs nor outputs mean anything. */
function isTrusted(turn: Turn, device: number, watch: DeviceWatch): boolean {
  const identified = turn.model.devices[device]?.identity === null || watch.identity === "right";
  return identified && !watch.stopped;
}

function readOutputs(turn: Turn, block: Block, read: BlockRead): void {
  if (turn.live.devices[read.device]?.identity === "wrong") return;
  const seen: Observation[] = [];
  for (const output of block.outputs) {
    const at = turn.model.outputs[output]?.at;
    const raw = at === undefined ? null : readRaw(block, at, read.words);
    if (raw !== null) seen.push({ output, raw, sentUs: read.sentUs });
  }
  adoptBlock(turn, seen);
  for (const each of seen) observe(turn, each);
}

function mayStandStill(turn: Turn, input: number): boolean {
  const unless = turn.profile.frozenUnless[input] ?? null;
  if (unless === null) return false;
  return evaluateCondition(turn.profile, viewOf(turn), unless, turn.live.plan.memory) === TRUE;
}

function checkIdentity(turn: Turn, block: Block, read: BlockRead, watch: DeviceWatch): void {
  const device = turn.model.devices[read.device];
  const expected = device?.identity ?? null;
  if (device === undefined || expected === null) return;
  const raw = readRaw(block, expected.at, read.words);
  if (raw === expected.is) {
    watch.identity = "right";
    watch.identityUs = Math.max(watch.identityUs, read.sentUs);
    return;
  }
  if (watch.identity === "wrong") return;
  watch.identity = "wrong";
  watch.awaySinceUs ??= turn.nowUs;
  watch.blocks.clear();
  turn.image = distrustDevice(turn.image, turn.model.inputs, read.device);
  const detail = `expected ${expected.is}, read ${raw ?? "nothing"}`;
  const cause = record(turn, {
    type: "device",
    device: device.name,
    event: "identity-changed",
    detail,
  });
  withhold(turn, `identity.${device.name}`, `${device.name} is not the device expected`, cause);
  raiseAlarm(turn, `identity.${device.name}`, `${device.name}: ${detail}`);
}

/** A program that stopped goes on answering: only its counter tells. */
function checkAlive(turn: Turn, block: Block, read: BlockRead, watch: DeviceWatch): void {
  const alive = turn.model.devices[read.device]?.alive ?? null;
  const raw = alive === null ? null : readRaw(block, alive.at, read.words);
  if (alive === null || raw === null) return;
  watch.aliveUs = Math.max(watch.aliveUs, read.sentUs);
  if (watch.alive?.raw !== raw) {
    const moved = watch.alive !== null;
    watch.alive = { raw, changedUs: read.sentUs, moved };
    if (moved) watch.stopped = false;
    return;
  }
  if (read.sentUs - watch.alive.changedUs <= alive.changesWithinUs) return;
  stopProgram(turn, read.device, "its alive counter stands still");
}
