import type { Raw, Us } from "../units.js";

/** Position is the number in evidence; a number is never reused. */
export const QUALITIES = [
  "good",
  "late",
  "implausible",
  "span",
  "rate",
  "decode",
  "device",
  "frozen",
  "never-read",
  "flagged",
] as const;
export type Quality = (typeof QUALITIES)[number];

/** Position is the number in evidence. */
export const MODES = [
  "starting",
  "observe",
  "enforcing",
  "holding",
  "safe-state",
  "locked-out",
] as const;
export type Mode = (typeof MODES)[number];

/**
 * Facts the kernel made itself; position is the number in evidence. `index` is an output, unless said.
 * The verifier recomputes each one by folding the log, so each must follow from earlier entries.
 */
export const KERNEL_FACTS = [
  /** Permits inside the output's budget window. */
  "window-count",
  /** Age of the oldest permit counted there; value null. */
  "window-oldest",
  /** Last read-back value; value null: unknown. */
  "proven",
  /** One released value that is not proven yet; as many facts as there are such writes, oldest first. */
  "planned",
  /** Proven value and for how long it has been held (min_on, min_off, min_hold); value null: unknown. */
  "dwell",
  /** Age of the last permit (ramp, every); value 1. No permit yet: value 0, age of the first known value. */
  "last-permit",
  /** Value held when the drift window opened; null: unknown. */
  "drift-base",
  /** Starts inside the window; age of the oldest. */
  "starts",
  /** Index: controller. Clamps inside the window; age of the oldest. */
  "clamps",
  /** Index: controller. Permits over all outputs inside its budget window; age of the oldest. */
  "controller-total",
  /** Index: controller. Denials inside the suspend window; age of the oldest. */
  "denials",
  /** Index: device. 0 down, 1 up, 2 identity changed, 3 program stopped, 4 not read completely yet. */
  "device",
  /** Index: controller. Microseconds it stays suspended; 0: it is not. */
  "suspended",
  /** Index: output. Position of the controller that holds it by a live lease, else null. */
  "holder",
  /** Index 0: 1 while evidence can be written. Index 1: 1 while the profile is in force. */
  "gateway",
  /** Index: device. Permits without an outcome. */
  "in-flight",
] as const;
export type KernelFactKind = (typeof KERNEL_FACTS)[number];

/** One tag as it stood. A BAD value is never replaced by the last good one. */
export type TagFact = {
  readonly tag: number;
  readonly raw: Raw | null;
  readonly quality: Quality;
  readonly ageUs: Us;
};

export type KernelFact = {
  readonly kind: KernelFactKind;
  readonly index: number;
  readonly value: number | null;
  readonly ageUs?: Us;
};

/** Everything one verdict may read. `decide` gets this and nothing else, and evidence keeps it whole. */
export type Look = {
  readonly monoUs: Us;
  readonly tags: readonly TagFact[];
  readonly kernel: readonly KernelFact[];
  readonly mode: Mode;
  /** Ids of latched trips, first-out first. */
  readonly latched: readonly string[];
  /** Evidence numbers of the bypasses in force. */
  readonly bypasses: readonly number[];
  /** Of the asking controller: evidence number of the gain, and time left. */
  readonly lease: { readonly gainSeq: number; readonly leftUs: Us } | null;
};
