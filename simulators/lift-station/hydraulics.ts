/**
 * Steady flow through pumps, header, valve and rising main at one moment; the water's inertia is left out.
 * Heads in metres of water above the bottom of the well, flows in m3/s.
 *
 * The figures are the demo plant's [a]: one pump at 50 Hz lifts 16 l/s, two at 45 Hz 23 l/s.
 */
export const HYDRAULICS = {
  /** Head of one pump at 50 Hz against a closed valve, and how it falls with flow: H = 62 - 164000 q^2. */
  shutoffHeadM: 62,
  pumpCurve: 164_000,
  ratedHz: 50,
  /** Where the rising main ends, above the bottom of the well. */
  staticHeadM: 14,
  mainFriction: 31_250,
  /** The valve's own loss when fully open; it grows with the square of the closing. */
  valveLoss: 2_000,
  /** Below this the pumps draw air and move nothing. */
  suctionLostM: 0.3,
  metresPerBar: 10.197,
} as const;

/** Less open than this is closed: the seat seals. */
export const VALVE_SEATED = 0.005;

export type Flow = {
  /** Through the valve into the rising main. */
  readonly totalM3S: number;
  /** At the header, before the valve. */
  readonly headerM: number;
};

/** `shafts` in Hz of shaft speed; `valve` 0 closed to 1 open. */
export function solveFlow(levelM: number, shafts: readonly number[], valve: number): Flow {
  const heads = shafts.map((hz) => liftedHead(levelM, hz));
  const highest = Math.max(0, ...heads);
  const still: number = HYDRAULICS.staticHeadM;
  // Check valves: what cannot lift as high as the main stands moves nothing, and the main stands still.
  if (highest <= still) return { totalM3S: 0, headerM: still };
  if (valve < VALVE_SEATED) return { totalM3S: 0, headerM: highest };

  const resistance = HYDRAULICS.mainFriction + HYDRAULICS.valveLoss / (valve * valve);
  // Pumped minus carried falls strictly with the header's head: halving the interval always ends at the root.
  let low = still;
  let high = highest;
  for (let i = 0; i < 32; i++) {
    const middle = (low + high) / 2;
    if (pumped(heads, middle) > carried(middle, resistance)) low = middle;
    else high = middle;
  }
  const headerM = (low + high) / 2;
  return { totalM3S: carried(headerM, resistance), headerM };
}

/** Affinity law: head goes with the square of the speed. */
function liftedHead(levelM: number, hz: number): number {
  if (hz <= 0 || levelM < HYDRAULICS.suctionLostM) return 0;
  const speed = hz / HYDRAULICS.ratedHz;
  return levelM + HYDRAULICS.shutoffHeadM * speed * speed;
}

function pumped(heads: readonly number[], headerM: number): number {
  let total = 0;
  for (const head of heads) {
    if (head > headerM) total += Math.sqrt((head - headerM) / HYDRAULICS.pumpCurve);
  }
  return total;
}

function carried(headerM: number, resistance: number): number {
  return Math.sqrt(Math.max(0, headerM - HYDRAULICS.staticHeadM) / resistance);
}
