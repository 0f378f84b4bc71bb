/**
 * A seeded stream of numbers in [0, 1): the same seed and name give the same stream on every machine.
 * Each name is a stream of its own, so that drawing more of one thing never shifts another.
 * For simulations only; worthless as a secret.
 */
export type Random = {
  readonly next: () => number;
  /** Uniform in [low, high). */
  readonly between: (low: number, high: number) => number;
  /** Bell-shaped around 0, never beyond +-1: the mean of three uniform draws, stretched. */
  readonly bell: () => number;
};

/** `seed` is any whole number; only its low 32 bits count. */
export function createRandom(seed: number, name: string): Random {
  let state = mix(seed ^ hashName(name));
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state) / 0x1_0000_0000;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    bell: () => ((next() + next() + next()) * 2) / 3 - 1,
  };
}

/** SplitMix32's finaliser: every input bit reaches every output bit. */
function mix(value: number): number {
  let z = value >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** FNV-1a over UTF-16 units. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
