/** The middle of the values; of an even number the lower middle. NaN of none: a missing figure is never a zero. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
