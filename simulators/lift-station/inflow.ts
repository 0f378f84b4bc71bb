import { createRandom } from "../random.js";

/** Most that can ever flow in, by construction; two pumps at 45 Hz carry more. */
export const INFLOW_MAX_M3S = 0.0215;

const BASE_M3S = 0.011;
const DAY_S = 86_400;
const NOISE_M3S = 0.0004;
const NOISE_TIME_S = 120;
const SURGE_EVERY_S = 5 * 3_600;

/**
 * Sewage arriving at the well: a day's rhythm, restless noise, and a storm surge now and then.
 * `next(dtS)` is the flow in m3/s over the coming `dtS` seconds; never negative, never above
 * {@link INFLOW_MAX_M3S}.
 */
export function createInflow(seed: number): { readonly next: (dtS: number) => number } {
  const noise = createRandom(seed, "inflow noise");
  const storms = createRandom(seed, "inflow surges");
  const phase = createRandom(seed, "inflow day").between(0, 2 * Math.PI);
  let atS = 0;
  let wander = 0;
  let surge = nextSurge(0, storms.next(), storms);

  return {
    next: (dtS) => {
      atS += dtS;
      wander += (-wander * dtS) / NOISE_TIME_S;
      wander += noise.bell() * NOISE_M3S * Math.sqrt((2 * dtS) / NOISE_TIME_S);
      if (atS > surge.fromS + surge.lengthS) surge = nextSurge(atS, storms.next(), storms);

      const day = (2 * Math.PI * atS) / DAY_S + phase;
      const rhythm = 1 + 0.3 * Math.sin(day) + 0.1 * Math.sin(2 * day);
      const flow = BASE_M3S * rhythm + wander + surgeFlow(surge, atS);
      return Math.min(INFLOW_MAX_M3S, Math.max(0, flow));
    },
  };
}

type Surge = { readonly fromS: number; readonly lengthS: number; readonly peakM3S: number };

/** Never before a quarter of an hour has passed, so that every run begins in fair weather. */
function nextSurge(
  afterS: number,
  draw: number,
  storms: { readonly between: (low: number, high: number) => number },
): Surge {
  return {
    fromS: afterS + 900 - SURGE_EVERY_S * Math.log(1 - draw),
    lengthS: storms.between(600, 1_500),
    peakM3S: storms.between(0.002, 0.005),
  };
}

/** Rises over a fifth of its length, stands, and falls over the last two fifths. */
function surgeFlow(surge: Surge, atS: number): number {
  const part = (atS - surge.fromS) / surge.lengthS;
  if (part <= 0 || part >= 1) return 0;
  return surge.peakM3S * Math.min(1, part / 0.2, (1 - part) / 0.4);
}
