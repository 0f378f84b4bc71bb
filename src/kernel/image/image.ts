import type { Quality } from "../record/look.js";
import type { Raw, Us } from "../units.js";

/**
 * Latest sample of every input, by position. Quality is judged once, when the sample comes in; lateness
 * is judged at each use, from the time the request that brought it left the gateway.
 */
export type Image = { readonly samples: readonly Sample[] };

export type Sample = {
  readonly raw: Raw | null;
  /** As judged on arrival: never "late". */
  readonly quality: Quality;
  readonly sentUs: Us;
  /** For max_rate: newest sample that was good. */
  readonly lastGood: { readonly value: number; readonly sentUs: Us } | null;
  /** For frozen: since when the raw value has not changed. */
  readonly unchangedSinceUs: Us;
};

export const NEVER_READ: Sample = {
  raw: null,
  quality: "never-read",
  sentUs: 0,
  lastGood: null,
  unchangedSinceUs: 0,
};
