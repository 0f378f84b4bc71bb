import type { Turn } from "./turn.js";

/** Permits whose records are on disk now wait for their device; order of numbers is kept. */
export function onDurable(turn: Turn, seq: number): void {
  const { live } = turn;
  const ready = live.recording.filter(({ permit }) => permit.seq <= seq);
  if (ready.length === 0) return;
  live.recording = live.recording.filter(({ permit }) => permit.seq > seq);
  for (const pending of ready) live.queues[pending.permit.south.device]?.push(pending);
  for (const device of new Set(ready.map(({ permit }) => permit.south.device)))
    wantLine(turn, device);
}

/** Asked for again whenever something still waits: a wish the guard has answered is used up. */
export function wantLine(turn: Turn, device: number): void {
  const waits = (turn.live.queues[device]?.length ?? 0) > 0;
  if (waits) turn.effects.push({ kind: "line-wanted", device });
}
