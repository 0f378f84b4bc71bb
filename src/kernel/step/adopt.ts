import { changeMode } from "../mode/change.js";
import { adoptedNotice } from "../state/notices.js";
import type { FoldedState, OpenPermit } from "../state/state.js";
import type { Raw } from "../units.js";
import { isForeignAdopted } from "./plant-mode.js";
import type { Observation } from "./proof.js";
import { isProvenBy, resolveLost } from "./resolution.js";
import { record, type Turn } from "./turn.js";

/**
 * First read-back of outputs in this run: taken over as it is, so that the first command starts from
 * what is there. With writes of an earlier run unresolved, only a read counts that left when none of them could
 * still arrive; it settles them, and says of each what it can tell. A value the log cannot explain leads to the safe state, unless somebody
 * else may change this output now.
 */
export function adoptBlock(turn: Turn, seen: readonly Observation[]): void {
  const fresh = seen.filter((each) => isDue(turn, each));
  if (fresh.length === 0) return;
  const strangers = fresh.filter((each) => !isExplained(turn, each));
  // Every one is judged by what was known before any of them was resolved.
  const before = turn.folded;
  const reads = new Map(fresh.map(({ output, raw }) => [output, raw]));
  for (const permit of [...before.open, ...before.unsettled]) {
    if (turn.live.restart?.open.has(permit.seq) === true)
      resolveOld(turn, before, { permit, reads });
  }
  let cause: number | null = null;
  for (const { output, raw, sentUs } of fresh) {
    const seq = record(turn, adoptedNotice(output, raw, sentUs));
    if (strangers.some((each) => each.output === output)) cause = seq;
  }
  if (cause !== null) changeMode(turn, "drive-safe", "read-back differs from the log", cause);
}

function isDue(turn: Turn, { output, sentUs }: Observation): boolean {
  const state = turn.folded.outputs[output];
  const watch = turn.live.outputs[output];
  if (state?.proven !== null || watch === undefined) return false;
  if (watch.writing > 0 || sentUs <= watch.quietFromUs) return false;
  if (turn.live.drives.some((drive) => drive.output === output)) return false;
  const device = turn.model.outputs[output]?.at.device ?? 0;
  return state.planned.length === 0 || sentUs >= (turn.live.devices[device]?.lateUntilUs ?? 0);
}

/** First boot ever: nothing is known that could differ. */
function isExplained(turn: Turn, { output, raw }: Observation): boolean {
  const state = turn.folded.outputs[output];
  if (state === undefined || state.logged === null) return true;
  const values: readonly Raw[] = [state.logged, ...state.planned.map((planned) => planned.raw)];
  return (
    values.some((known) => isProvenBy(turn, output, known, raw)) || isForeignAdopted(turn, output)
  );
}

type Old = { readonly permit: OpenPermit; readonly reads: ReadonlyMap<number, Raw> };

/**
 * A permit the crash left without an outcome, when everything it wrote was read in one block. Where that cannot tell
 * what became of it nothing more is said of it; the value taken over settles what it planned.
 */
function resolveOld(turn: Turn, before: FoldedState, old: Old): void {
  const { permit, reads } = old;
  const { seq, writes } = permit;
  if (!writes.every(({ output }) => reads.has(output))) return;
  const lost = { seq, writes, contested: isContested(turn, before, permit) };
  const resolution = resolveLost(turn, before, lost, reads);
  if (resolution === null) return;
  record(
    turn,
    {
      type: "outcome",
      id: permit.id,
      outcome: resolution,
      reply: null,
      sincePermitUs: turn.nowUs - permit.atUs,
      readBack: writes.flatMap(({ output }) => {
        const raw = reads.get(output);
        return raw === undefined ? [] : [{ output, raw }];
      }),
      reasons: null,
      look: null,
    },
    seq,
  );
}

/**
 * Whether the log knows of another write to one of its outputs that may have come after it: a newer one, or an older
 * one that, permitted so shortly before, could still have been on its way when this one was done.
 */
function isContested(turn: Turn, before: FoldedState, permit: OpenPermit): boolean {
  const ages = turn.model.controllers.map(({ commandMaxAgeUs }) => commandMaxAgeUs);
  return permit.writes.some(({ output }) => {
    const state = before.outputs[output];
    const device = turn.model.devices[turn.model.outputs[output]?.at.device ?? -1];
    if (state === undefined || device === undefined) return true;
    const fromUs = permit.atUs - Math.max(0, ...ages) - device.timeoutUs - device.lateWindowUs;
    return [...state.permits, ...state.planned].some(
      ({ seq, atUs }) => seq > permit.seq || (seq < permit.seq && atUs >= fromUs),
    );
  });
}
