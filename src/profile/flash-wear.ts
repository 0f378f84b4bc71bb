import { SECOND, type Us } from "../kernel/units.js";

const HOUR: Us = 3_600 * SECOND;

/** Writes that the flash of a TPM endures at least, where its maker promises no more. */
export const FLASH_WRITES = 100_000;
/** A site whose anchors would wear out the flash sooner is refused. */
export const WEAR_YEARS_LEAST = 10;
export const ANCHOR_EVERY_US: Us = HOUR;
/** Anchors come no faster, whatever the flash endures. */
export const ANCHOR_EVERY_LEAST_US: Us = HOUR / 4;
export const ANCHOR_EVERY_MOST_US: Us = 7 * 24 * HOUR;

/** Each begins and ends with an anchor. */
const RUNS_A_DAY = 1;
const DAYS_A_YEAR = 365.25;

/**
 * Years until so many writes are used up: one anchor an interval without a pause, and two more for a run that begins and
 * ends each day. `used`: writes there were already, at least as many as the counter stands at.
 */
export function yearsOfFlash(of: {
  readonly everyUs: Us;
  readonly writes: number;
  readonly used: number;
}): number {
  const aDay = (24 * HOUR) / of.everyUs + 2 * RUNS_A_DAY;
  return Math.max(0, of.writes - of.used) / (aDay * DAYS_A_YEAR);
}

/** In a line, for people. */
export function describeFlash(of: {
  readonly everyUs: Us;
  readonly writes: number;
  readonly used: number;
}): string {
  const years = yearsOfFlash(of);
  const every = `${Math.round(of.everyUs / (HOUR / 60))} min`;
  return `${of.used} of ${of.writes} writes used; at an anchor each ${every} and a start each day ${years.toFixed(1)} years left`;
}
