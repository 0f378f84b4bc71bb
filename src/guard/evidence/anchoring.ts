import { describeFlash } from "../../profile/flash-wear.js";
import type { HostClock } from "../host-clock.js";
import type { EvidenceDisk, Signer } from "../ports.js";
import { Anchorer, type AnchorerOptions } from "./anchorer.js";
import type { compareWithTpm } from "./compare.js";
import { StampPickup } from "./stamp-pickup.js";

export type AnchorPlan = { readonly anchorEveryUs: number; readonly flashWrites: number };

/** Outside evidence of a run: anchors of the TPM, where one signs it, and time stamps that somebody brings. */
export type Anchoring = {
  readonly start: () => void;
  /** Makes a last anchor; bounded. */
  readonly close: () => Promise<void>;
  /** How long the TPM's flash lasts, in words; null without one. */
  readonly flash: () => string | null;
};

export type AnchoringNeeds = Pick<
  AnchorerOptions,
  "store" | "anchoredUtcS" | "record" | "report"
> & {
  readonly clock: HostClock;
  readonly disk: EvidenceDisk;
  readonly signer: Signer;
  readonly compared: ReturnType<typeof compareWithTpm>;
};

export function prepareAnchors(plan: AnchorPlan | null, needs: AnchoringNeeds): Anchoring {
  const { clock, disk, store, record, report } = needs;
  const anchorer = plan === null ? null : makeAnchorer(plan, needs);
  const stamps = new StampPickup({ clock, disk, store, record, report });
  return {
    start: () => {
      anchorer?.start();
      stamps.start();
    },
    close: async () => {
      stamps.stop();
      await anchorer?.close();
    },
    flash: () => {
      if (plan === null || anchorer === null) return null;
      const { anchorEveryUs: everyUs, flashWrites: writes } = plan;
      return describeFlash({ everyUs, writes, used: anchorer.newest });
    },
  };
}

function makeAnchorer(plan: AnchorPlan, needs: AnchoringNeeds): Anchorer | null {
  const { clock, store, record, report, anchoredUtcS, compared, signer } = needs;
  const key = signer.anchors;
  if (key === undefined || compared === null) return null;
  // Where time runs faster, in a demo, the flash wears in real time all the same.
  const everyUs = plan.anchorEveryUs * clock.scale;
  const common = { clock, store, record, report, anchoredUtcS };
  return new Anchorer({ ...common, key, everyUs, newest: compared.newest });
}
