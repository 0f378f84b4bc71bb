import { evidenceNotice } from "../state/notices.js";
import { record, type Turn } from "./turn.js";

/**
 * Permits come back when nothing stands in the way any more: neither the disk nor the first checkpoint that this run
 * waits for. Each of the two alone withholds them, in whatever order they come and go.
 */
export function endEvidenceHold(turn: Turn, cause: number | null, why: string | null): void {
  const { live, folded } = turn;
  if (live.diskDown || live.awaits !== "nothing" || folded.evidenceWritable) return;
  record(turn, evidenceNotice(true, why), cause);
}
