import { readRaw } from "../image/update-image.js";
import type { Us } from "../units.js";
import { observe } from "./observe.js";
import type { Turn } from "./turn.js";

export type ReadBack = {
  readonly seq: number;
  readonly read: { readonly sentUs: Us; readonly words: readonly number[] } | null;
};

/** A failed read, or one that shows something else yet, is asked again by the scan until the proof is due. */
export function onReadBack(turn: Turn, { seq, read }: ReadBack): void {
  const flight = turn.live.flights.get(seq);
  if (flight === undefined) return;
  flight.reading = false;
  if (read === null) return;
  for (const { output } of flight.permit.writes) {
    const at = turn.model.outputs[output]?.at;
    const raw = at === undefined ? null : readRaw(flight.permit.south, at, read.words);
    if (raw !== null) observe(turn, { output, raw, sentUs: read.sentUs });
  }
}
