import type { Us } from "../../kernel/units.js";
import { describeFlash } from "../../profile/flash-wear.js";
import type { HostClock } from "../host-clock.js";
import type { AnchorKey, EvidenceDisk, WitnessFolder } from "../ports.js";
import { Anchorer, type AnchorerOptions } from "./anchorer.js";
import { StampPickup } from "./stamp-pickup.js";
import { WitnessDrop } from "./witness-drop.js";

export type AnchorPlan = { readonly anchorEveryUs: number; readonly flashWrites: number };

/**
 * Outside evidence of a run: anchors of the TPM, where one signs it, time stamps that somebody brings, and checkpoints for a
 * witness to carry away, where the site names a folder for them.
 */
export type Anchoring = {
  /** The TPM's key is there, and the log was found to go with it; `newest` as the comparison says. Once. */
  readonly adopt: (key: AnchorKey, newest: number) => void;
  readonly start: () => void;
  /** For a fault of ours: no time stamp is taken in any more, as none would be recorded. */
  readonly halt: () => void;
  /** Makes a last anchor and leaves a last checkpoint; bounded. */
  readonly close: () => Promise<void>;
  /** How long the TPM's flash lasts, in words; null while there is none. */
  readonly flash: () => string | null;
};

export type AnchoringNeeds = Pick<
  AnchorerOptions,
  "store" | "anchoredUtcS" | "record" | "report"
> & {
  readonly clock: HostClock;
  readonly disk: EvidenceDisk;
  readonly witness: { readonly folder: WitnessFolder; readonly everyUs: Us } | null;
};

export function prepareAnchors(plan: AnchorPlan | null, needs: AnchoringNeeds): Anchoring {
  const { clock, disk, store, record, report, anchoredUtcS, witness } = needs;
  const common = { clock, store, record, report, anchoredUtcS };
  const stamps = new StampPickup({ clock, disk, store, record, report });
  const drop =
    witness === null
      ? null
      : new WitnessDrop({
          ...{ clock, store, report, folder: witness.folder },
          everyUs: witness.everyUs * clock.scale,
        });
  const run: { anchorer: Anchorer | null; started: boolean } = { anchorer: null, started: false };
  return {
    adopt: (key, newest) => {
      if (plan === null || run.anchorer !== null) return;
      // Where time runs faster, in a demo, the flash wears in real time all the same.
      const everyUs = plan.anchorEveryUs * clock.scale;
      run.anchorer = new Anchorer({ ...common, key, everyUs, newest });
      if (run.started) run.anchorer.start();
    },
    start: () => {
      run.started = true;
      run.anchorer?.start();
      stamps.start();
    },
    halt: () => {
      stamps.stop();
    },
    close: async () => {
      stamps.stop();
      await run.anchorer?.close();
      await drop?.close();
    },
    flash: () => {
      if (plan === null || run.anchorer === null) return null;
      const { anchorEveryUs: everyUs, flashWrites: writes } = plan;
      return describeFlash({ everyUs, writes, used: run.anchorer.newest });
    },
  };
}
