import { setTimeout as wait } from "node:timers/promises";
import type { Mode } from "../kernel/record/look.js";
import type { EvidenceStore, Us } from "./ports.js";

/** How a run ended by a fault of ours. */
export type LastEntry = { readonly fault: string; readonly from: Mode; readonly atUs: Us };

/**
 * The last entry of a run that ended by a fault of ours: the next one stays locked out, with the safe state
 * driven, until a person takes over.
 */
export function lockOut(store: EvidenceStore, { fault, from, atUs }: LastEntry): void {
  store.append({
    seq: store.head().nextSeq,
    monoUs: atUs,
    cause: null,
    body: {
      type: "mode",
      from,
      to: "locked-out",
      why: `internal fault: ${fault}`.slice(0, 200),
      look: null,
    },
  });
}

/** Closes the log. Bounded: a disk that does not answer within `withinMs` keeps nobody. */
export async function closeWithin(store: EvidenceStore, withinMs: number): Promise<void> {
  await Promise.race([store.close(), wait(withinMs)]);
}
