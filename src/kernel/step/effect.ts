import type { SouthWrite } from "../command/request.js";
import type { ReasonCode } from "../record/reason.js";
import type { Verdict } from "../record/entry.js";
import type { Raw, Us } from "../units.js";

/**
 * What the guard must do, as data, in this order. Records are persisted in order as well; a permit's
 * write can only come after "evidence-durable" has told the kernel so, hence nothing here waits for disk
 * but a reply that names an evidence number.
 */
export type Effect =
  /** A durable permit waits for the device: answer with "line-free" when its line is free. */
  | { readonly kind: "line-wanted"; readonly device: number }
  /** Send this now, once. `seq` is the permit's evidence number. */
  | {
      readonly kind: "send";
      readonly device: number;
      readonly seq: number;
      readonly write: SouthWrite;
    }
  | {
      readonly kind: "read-back";
      readonly device: number;
      readonly seq: number;
      readonly table: "co" | "hr";
      readonly address: number;
      readonly quantity: number;
    }
  /** Absolute, idempotent, ahead of everything else on the device's safe link; then read back. */
  | {
      readonly kind: "safe-write";
      readonly device: number;
      readonly output: number;
      readonly attempt: number;
      readonly write: SouthWrite;
    }
  | {
      readonly kind: "safe-read-back";
      readonly device: number;
      readonly output: number;
      readonly attempt: number;
      readonly table: "co" | "hr";
      readonly address: number;
      readonly quantity: number;
    }
  /** Whatever command writes still wait on this device will not be sent (a trip empties the queue). */
  | { readonly kind: "clear-line"; readonly device: number }
  | Reply
  | { readonly kind: "alarm"; readonly id: string; readonly raised: boolean; readonly text: string }
  /** Ask the store for a signed checkpoint at the next chance. */
  | { readonly kind: "checkpoint"; readonly why: "mode" | "boot" | "shutdown" };

/**
 * Exactly one for every ticket. `seq`: evidence number it names; the guard holds the answer until that
 * record is durable, except where `durable` is false (floods and evidence faults: nothing is named).
 */
export type Reply = {
  readonly kind: "reply";
  readonly ticket: number;
  readonly seq: number | null;
  /** Modbus exception code; null: success. */
  readonly exception: number | null;
  readonly verdict: Verdict;
  readonly why: Why;
};

/** What the why block shows the controller (definitions.md, own unit). */
export type Why = {
  readonly verdict: Verdict;
  readonly code: ReasonCode | null;
  /** Number of the rule in the profile's order of rules; null: no rule. */
  readonly rule: number | null;
  readonly output: number | null;
  readonly asked: Raw | null;
  readonly nearest: Raw | null;
  readonly freeUs: Us | null;
  readonly seq: number | null;
  readonly atUs: Us;
};
