import { setTimeout as wait } from "node:timers/promises";
import type { Mode } from "../kernel/record/look.js";
import type { EvidenceStore, Us } from "./ports.js";

/**
 * The last entry of a run that ended by a fault of ours: the next one stays locked out, with the safe state
 * driven, until a person takes over. Bounded: a disk that does not answer within `withinMs` keeps nobody.
 */
export async function lockOut(
  store: EvidenceStore,
  end: { readonly fault: string; readonly from: Mode; readonly atUs: Us },
  withinMs: number,
): Promise<void> {
  store.append({
    seq: store.head().nextSeq,
    monoUs: end.atUs,
    cause: null,
    body: {
      type: "mode",
      from: end.from,
      to: "locked-out",
      why: `internal fault: ${end.fault}`.slice(0, 200),
      look: null,
    },
  });
  await Promise.race([store.close(), wait(withinMs)]);
}
