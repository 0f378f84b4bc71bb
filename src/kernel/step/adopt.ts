import { changeMode } from "../mode/change.js";
import { adoptedNotice } from "../state/notices.js";
import type { OpenPermit } from "../state/state.js";
import type { Raw } from "../units.js";
import { isForeignAdopted } from "./plant-mode.js";
import { isProvenBy, type Observation } from "./proof.js";
import { record, type Turn } from "./turn.js";

/**
 * First read-back of outputs in this run: taken over as it is, so that the first command starts from
 * what is there. With writes of an earlier run unresolved, only a read counts that left when none of them could
 * still arrive; it settles them. A value the log cannot explain leads to the safe state, unless somebody
 * else may change this output now.
 */
export function adoptBlock(turn: Turn, seen: readonly Observation[]): void {
  const fresh = seen.filter((each) => isDue(turn, each));
  if (fresh.length === 0) return;
  const strangers = fresh.filter((each) => !isExplained(turn, each));
  for (const permit of [...turn.folded.open, ...turn.folded.unsettled]) {
    if (turn.live.restart?.open.has(permit.seq) === true) resolveOld(turn, permit, fresh);
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

/** A permit the crash left open, when everything it wrote was read in one block. */
function resolveOld(turn: Turn, permit: OpenPermit, seen: readonly Observation[]): void {
  const readBack: { output: number; raw: Raw }[] = [];
  let isDone = true;
  for (const { output, raw } of permit.writes) {
    const read = seen.find((each) => each.output === output);
    if (read === undefined) return;
    readBack.push({ output, raw: read.raw });
    isDone &&= isProvenBy(turn, output, raw, read.raw);
  }
  record(
    turn,
    {
      type: "outcome",
      id: permit.id,
      outcome: isDone ? "resolved-done" : "resolved-not-done",
      reply: null,
      sincePermitUs: turn.nowUs - permit.atUs,
      readBack,
      reasons: null,
      look: null,
    },
    permit.seq,
  );
}
