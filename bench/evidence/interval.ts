/** Mean of paired differences with its 95 % interval (Student's t, two-sided). */
export type Interval = { readonly mean: number; readonly low: number; readonly high: number };

/** 97.5 % quantile of t by degrees of freedom; beyond the table the next smaller one, which is wider. */
const T975: readonly (readonly [number, number])[] = [
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [7, 2.365],
  [9, 2.262],
  [14, 2.145],
  [19, 2.093],
  [29, 2.045],
  [59, 2.001],
  [99, 1.984],
];

/** NaN throughout for fewer than two. */
export function intervalOf(differences: readonly number[]): Interval {
  const count = differences.length;
  if (count < 2) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  const mean = differences.reduce((sum, value) => sum + value, 0) / count;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const t = T975.findLast(([freedom]) => freedom <= count - 1)?.[1] ?? Number.NaN;
  const half = t * Math.sqrt(variance / count);
  return { mean, low: mean - half, high: mean + half };
}
