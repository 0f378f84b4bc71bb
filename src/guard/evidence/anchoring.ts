import { describeFlash } from "../../profile/flash-wear.js";
import type { HostClock } from "../host-clock.js";
import type { Signer } from "../ports.js";
import { Anchorer, type AnchorerOptions } from "./anchorer.js";
import type { compareWithTpm } from "./compare.js";

export type AnchorPlan = { readonly anchorEveryUs: number; readonly flashWrites: number };

export type Anchoring = {
  readonly start: () => void;
  /** Makes a last one; bounded. */
  readonly close: () => Promise<void>;
  /** How long the TPM's flash lasts, in words. */
  readonly flash: () => string;
};

/** The anchors of this run; null where no TPM signs it. */
export function prepareAnchors(
  plan: AnchorPlan | null,
  of: Pick<AnchorerOptions, "store" | "anchoredUtcS" | "record" | "report"> & {
    readonly clock: HostClock;
    readonly signer: Signer;
    readonly compared: ReturnType<typeof compareWithTpm>;
  },
): Anchoring | null {
  const { signer, compared, clock, store, anchoredUtcS, record, report } = of;
  const key = signer.anchors;
  if (plan === null || key === undefined || compared === null) return null;
  // Where time runs faster, in a demo, the flash wears in real time all the same.
  const everyUs = plan.anchorEveryUs * clock.scale;
  const { newest } = compared;
  const common = { clock, store, anchoredUtcS, record, report };
  const anchorer = new Anchorer({ ...common, key, everyUs, newest });
  return {
    start: () => {
      anchorer.start();
    },
    close: async () => {
      await anchorer.close();
    },
    flash: () =>
      describeFlash({
        everyUs: plan.anchorEveryUs,
        writes: plan.flashWrites,
        used: anchorer.newest,
      }),
  };
}
