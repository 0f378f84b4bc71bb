import type { EvidenceStore } from "../src/guard/ports.js";

/**
 * Keeps nothing and calls every entry durable as soon as the step that made it is through: what is left of the
 * gateway when evidence costs nothing. Only the bench may run a guard on it.
 */
export function makeNoEvidenceStore(): EvidenceStore {
  let durable: ((seq: number) => void) | null = null;
  let newest = -1;
  let told = -1;
  let scheduled = false;
  const tell = (): void => {
    scheduled = false;
    told = newest;
    durable?.(newest);
  };
  return {
    append: ({ seq }) => {
      newest = seq;
      if (scheduled) return;
      scheduled = true;
      queueMicrotask(tell);
    },
    checkpoint: () => undefined,
    head: () => ({
      nextSeq: newest + 1,
      durableSeq: told,
      root: new Uint8Array(32),
      size: told + 1,
    }),
    onDurable: (run) => {
      durable = run;
    },
    onFailed: () => undefined,
    onSigning: () => undefined,
    close: async () => {
      await Promise.resolve();
    },
  };
}
