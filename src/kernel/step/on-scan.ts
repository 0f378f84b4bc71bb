import { scanLeases } from "../lease/beat.js";
import { recordFloods } from "../lease/suspend.js";
import { because } from "../record/because.js";
import { scanTrips } from "../trip/scan.js";
import { SECOND, type Us } from "../units.js";
import { scanConfirms } from "./confirm.js";
import { scanDevices } from "./device.js";
import { pruneFloods } from "./flood.js";
import type { Pending } from "./kernel-state.js";
import { noteLateness } from "./on-fault.js";
import { scanDrives } from "./on-safe.js";
import { scanProofs } from "./proof.js";
import { checkReady } from "./ready.js";
import type { Turn } from "./turn.js";
import { withdraw } from "./withdraw.js";

const FLOOD_EVERY_US: Us = 5 * SECOND;

/** Everything that waits for time. Trips first: nothing else here may hold them up. */
export function onScan(turn: Turn, latenessUs: Us): void {
  scanTrips(turn, null);
  scanDevices(turn);
  scanConfirms(turn);
  scanLeases(turn);
  scanProofs(turn);
  scanDrives(turn);
  noteLateness(turn, latenessUs);
  withdrawStale(turn);
  checkReady(turn);
  if (turn.nowUs < turn.live.floodDueUs) return;
  turn.live.floodDueUs = turn.nowUs + FLOOD_EVERY_US;
  recordFloods(turn, null);
  pruneFloods(turn.live.floods, turn.nowUs);
}

/** A line that never comes free must not leave a client without its answer. */
function withdrawStale(turn: Turn): void {
  const isStale = ({ permit }: Pending): boolean => turn.nowUs > permit.deadlineUs;
  const stale = turn.live.recording.filter(isStale);
  if (stale.length > 0) turn.live.recording = turn.live.recording.filter((one) => !isStale(one));
  for (const queue of turn.live.queues) {
    const kept = queue.filter((one) => !isStale(one));
    if (kept.length === queue.length) continue;
    stale.push(...queue.filter(isStale));
    queue.splice(0, queue.length, ...kept);
  }
  for (const { permit } of stale) {
    withdraw(turn, permit, [because("stale")], { look: null, cause: null });
  }
}
