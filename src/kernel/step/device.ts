import { distrustDevice } from "../image/update-image.js";
import { withhold } from "../mode/change.js";
import { fireTrip } from "../trip/fire.js";
import { clearAlarm, raiseAlarm, record, type Turn } from "./turn.js";

/** On record once, however often it is found so. */
export function deviceDown(
  turn: Turn,
  index: number,
  event: "down" | "program-stopped",
  detail: string,
): void {
  const device = turn.model.devices[index];
  const watch = turn.live.devices[index];
  if (device === undefined || watch === undefined) return;
  watch.awaySinceUs ??= turn.nowUs;
  if (turn.folded.devices[index]?.condition === event) return;
  record(turn, { type: "device", device: device.name, event, detail });
  raiseAlarm(turn, `device.${device.name}`, `${device.name}: ${detail}`);
}

/** Nothing that it answers is believed until its counter was seen to move again. */
export function stopProgram(turn: Turn, index: number, detail: string): void {
  const watch = turn.live.devices[index];
  if (watch === undefined || watch.stopped) return;
  watch.stopped = true;
  turn.image = distrustDevice(turn.image, turn.model.inputs, index);
  deviceDown(turn, index, "program-stopped", detail);
}

/**
 * Up again, or for the first time: every block read since the link came up, identity right, and the program's
 * counter seen to move. Until then no write is released to it.
 */
export function deviceUp(turn: Turn, index: number): void {
  const device = turn.model.devices[index];
  const watch = turn.live.devices[index];
  if (device === undefined || watch === undefined) return;
  if (turn.folded.devices[index]?.condition === "up" && !watch.lost) return;
  const isComplete = watch.blocks.size === turn.live.plan.blocks[index]?.length;
  const isIdentified = device.identity === null || watch.identity === "right";
  const isAlive = device.alive === null || (watch.alive?.moved === true && !watch.stopped);
  if (!watch.linkUp || !isComplete || !isIdentified || !isAlive) return;
  watch.awaySinceUs = null;
  watch.lost = false;
  record(turn, { type: "device", device: device.name, event: "up", detail: null });
  clearAlarm(turn, `device.${device.name}`);
  clearAlarm(turn, `identity.${device.name}`);
  clearAlarm(turn, `lost.${device.name}`);
}

export function onDeviceLink(turn: Turn, index: number, up: boolean, why: string): void {
  const watch = turn.live.devices[index];
  if (watch === undefined) return;
  watch.linkUp = up;
  // Whatever answers next may be another device: nothing of before counts for it.
  watch.blocks.clear();
  watch.identity = "unread";
  watch.alive = null;
  watch.aliveUs = turn.nowUs;
  watch.stopped = false;
  if (!up) {
    deviceDown(turn, index, "down", why);
    return;
  }
  // From here on its silence counts, from the last thing heard.
  watch.awaySinceUs = null;
}

/**
 * A device that goes on answering, but not where its counter is, may as well have stopped. One that answers
 * nothing is silent, and lost in its own time.
 */
function scanAlive(turn: Turn, index: number): void {
  const device = turn.model.devices[index];
  const watch = turn.live.devices[index];
  if (device === undefined || watch === undefined || device.alive === null) return;
  const { changesWithinUs } = device.alive;
  if (!watch.linkUp || watch.heardUs - watch.aliveUs <= changesWithinUs) return;
  const allowedUs = changesWithinUs + device.pollUs + device.timeoutUs;
  if (turn.nowUs - watch.aliveUs > allowedUs) {
    stopProgram(turn, index, "its alive counter cannot be read");
  }
}

/** One that answers everything but who it is may be another one by now: nothing it answers is believed until it says. */
function scanIdentity(turn: Turn, index: number): void {
  const device = turn.model.devices[index];
  const watch = turn.live.devices[index];
  if (device === undefined || watch === undefined || device.identity === null) return;
  if (!watch.linkUp || watch.identity !== "right") return;
  if (watch.heardUs - watch.identityUs <= device.lost.afterUs) return;
  watch.identity = "unread";
  watch.blocks.clear();
  turn.image = distrustDevice(turn.image, turn.model.inputs, index);
  deviceDown(turn, index, "down", "its identity cannot be read");
}

/**
 * Lost: nothing usable was heard for the profile's time from a device that was there before. One that never
 * was keeps the gateway in `starting`, and nothing latches.
 */
export function scanDevices(turn: Turn): void {
  turn.model.devices.forEach((device, index) => {
    const watch = turn.live.devices[index];
    if (watch === undefined || !watch.everComplete || watch.lost) return;
    scanAlive(turn, index);
    scanIdentity(turn, index);
    const sinceUs = Math.max(
      turn.nowUs - watch.heardUs,
      watch.awaySinceUs === null || watch.identity === "wrong" ? 0 : turn.nowUs - watch.awaySinceUs,
    );
    if (sinceUs < device.lost.afterUs) return;
    watch.lost = true;
    const stopped = turn.folded.devices[index]?.condition === "program-stopped";
    deviceDown(turn, index, stopped ? "program-stopped" : "down", "lost");
    loseDevice(turn, index, sinceUs);
  });
}

function loseDevice(turn: Turn, index: number, sinceUs: number): void {
  const device = turn.model.devices[index];
  if (device === undefined) return;
  const id = `lost.${device.name}`;
  switch (device.lost.action) {
    case "safe-state": {
      const trip = turn.live.plan.lost[index] ?? null;
      if (trip !== null) fireTrip(turn, trip, { event: "fired-true", sinceUs });
      break;
    }
    case "holding":
      withhold(turn, id, `${device.name} is lost`, null);
      break;
    case "alarm":
      break;
  }
  raiseAlarm(turn, id, `${device.name} is lost`);
}
