import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { median } from "./median.js";

/** Resident memory of the processes together, over a load. */
export type MemoryFindings = {
  /** Commands carried out meanwhile. */
  readonly commands: number;
  readonly peakMiB: number;
  /** Straight line through the last half of the samples, MiB a minute. */
  readonly slopeMiBPerMin: number;
  readonly samples: readonly MemorySample[];
};

export type MemorySample = { readonly atS: number; readonly mib: number };

const EVERY_MS = 1_000;
const SAMPLES_MAX = 7_200;

/** Samples once a second until `load` is done. Shared pages count once for each process: an upper bound. */
export async function watchMemory(
  pids: readonly number[],
  load: Promise<{ readonly requests: number }>,
): Promise<MemoryFindings> {
  const samples: MemorySample[] = [];
  const begun = performance.now();
  const done = load.then(
    () => true,
    () => true,
  );
  for (let over = false; !over && samples.length < SAMPLES_MAX;) {
    samples.push({ atS: (performance.now() - begun) / 1_000, mib: residentMiB(pids) });
    over = await Promise.race([wait(EVERY_MS, false), done]);
  }
  const { requests } = await load;
  return {
    commands: requests,
    peakMiB: Math.max(...samples.map(({ mib }) => mib)),
    slopeMiBPerMin: slope(samples.slice(Math.floor(samples.length / 2))) * 60,
    samples,
  };
}

/** Throws when a process is gone: a dead one holds no memory and would look thrifty. */
export function residentMiB(pids: readonly number[]): number {
  return pids
    .map((pid) => /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
    .reduce((sum, kib) => sum + Number(kib) / 1_024, 0);
}

/** Median of the slopes between all pairs (Theil-Sen): one collection does not tilt it. */
function slope(samples: readonly MemorySample[]): number {
  const slopes = samples.flatMap((from, index) =>
    samples.slice(index + 1).map((to) => (to.mib - from.mib) / (to.atS - from.atS)),
  );
  return median(slopes);
}
