import type { Input } from "../profile/model.js";
import type { Quality } from "../record/look.js";
import { SECOND, type Raw, type Us } from "../units.js";
import type { Sample } from "./image.js";

/** One tag as it came in. `value` is null where the raw words mean nothing (wrong state, NaN). */
export type Arrival = {
  readonly raw: Raw | null;
  readonly value: number | null;
  /** When the request left, not when the answer came: a value is never younger than it looks. */
  readonly sentUs: Us;
  /** The device answers, is the one expected, and its program runs. */
  readonly trusted: boolean;
  /** Asked only when the value has stood still for too long: may it? */
  readonly mayStandStill: () => boolean;
};

/**
 * The new sample of one input, its quality judged for good; lateness alone is judged at each use. The
 * first failing check names the quality. A sample that is older than the one held changes nothing.
 */
export function judgeSample(input: Input, last: Sample, arrival: Arrival): Sample {
  const known = last.quality !== "never-read";
  if (known && arrival.sentUs < last.sentUs) return last;
  const unchangedSinceUs =
    known && last.raw !== null && last.raw === arrival.raw ? last.unchangedSinceUs : arrival.sentUs;
  const quality = judgeQuality(input, last, arrival, unchangedSinceUs);
  const lastGood =
    quality === "good" && arrival.value !== null
      ? { value: arrival.value, sentUs: arrival.sentUs }
      : last.lastGood;
  return { raw: arrival.raw, quality, sentUs: arrival.sentUs, lastGood, unchangedSinceUs };
}

function judgeQuality(input: Input, last: Sample, arrival: Arrival, unchangedSinceUs: Us): Quality {
  if (!arrival.trusted) return "device";
  const { value } = arrival;
  if (arrival.raw === null || value === null || !Number.isFinite(value)) return "decode";
  if (input.span !== null && !(value >= input.span.low && value <= input.span.high)) return "span";
  const { plausible } = input;
  if (plausible !== null && !(value >= plausible.low && value <= plausible.high)) {
    return "implausible";
  }
  if (isTooFast(input, last, value, arrival.sentUs)) return "rate";
  return isFrozen(input, unchangedSinceUs, arrival) ? "frozen" : "good";
}

/**
 * Against the last GOOD sample, however long ago: while the tag is bad the allowance grows with time, so
 * a real change is believed again once it could have happened. Both readings may be off by `accuracy`.
 */
function isTooFast(input: Input, last: Sample, value: number, sentUs: Us): boolean {
  if (input.maxRatePerS === null || last.lastGood === null) return false;
  const elapsedS = (sentUs - last.lastGood.sentUs) / SECOND;
  const allowed = input.maxRatePerS * elapsedS + 2 * input.accuracy;
  return !(Math.abs(value - last.lastGood.value) <= allowed);
}

/** Time without any reading counts as standing still: nothing was seen to move. */
function isFrozen(input: Input, unchangedSinceUs: Us, arrival: Arrival): boolean {
  if (input.frozen === null) return false;
  if (arrival.sentUs - unchangedSinceUs < input.frozen.afterUs) return false;
  return !arrival.mayStandStill();
}
