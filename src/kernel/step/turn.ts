import type { Image } from "../image/image.js";
import type { CompiledProfile } from "../profile/compiled.js";
import type { ProfileModel } from "../profile/model.js";
import type { Entry, EntryBody } from "../record/entry.js";
import { gatherCondition, type View } from "../decide/gather-facts.js";
import type { Condition } from "../profile/compiled.js";
import type { Look } from "../record/look.js";
import { foldEntry } from "../state/fold.js";
import type { FoldedState } from "../state/state.js";
import type { Us } from "../units.js";
import type { Effect } from "./effect.js";
import type { Live } from "./kernel-state.js";

/** One call of `step` while it runs. */
export type Turn = {
  readonly profile: CompiledProfile;
  readonly model: ProfileModel;
  readonly nowUs: Us;
  readonly live: Live;
  folded: FoldedState;
  image: Image;
  readonly effects: Effect[];
  readonly records: Entry[];
};

/** Gives the entry its number, folds it at once, and hands it out; the number comes back. */
export function record(turn: Turn, body: EntryBody, cause: number | null = null): number {
  const entry: Entry = { seq: turn.folded.nextSeq, monoUs: turn.nowUs, cause, body };
  turn.folded = foldEntry(turn.profile, turn.folded, entry);
  turn.records.push(entry);
  return entry.seq;
}

/** Raised once, however often it is said. */
export function raiseAlarm(turn: Turn, id: string, text: string): void {
  if (turn.live.alarms.has(id)) return;
  turn.live.alarms.add(id);
  turn.effects.push({ kind: "alarm", id, raised: true, text });
}

export function clearAlarm(turn: Turn, id: string): void {
  if (!turn.live.alarms.delete(id)) return;
  turn.effects.push({ kind: "alarm", id, raised: false, text: "" });
}

export function viewOf(turn: Turn): View {
  return { image: turn.image, state: turn.folded, nowUs: turn.nowUs };
}

/** What an entry about no command keeps: everything a condition read, or nothing but the standing. */
export function lookAt(
  turn: Turn,
  reads: Pick<Condition, "inputs" | "outputs"> = { inputs: [], outputs: [] },
): Look {
  return gatherCondition(turn.profile, viewOf(turn), reads);
}
