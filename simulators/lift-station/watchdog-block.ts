import type { Us } from "../../src/kernel/units.js";

/**
 * The PLC-side block that takes over when the gateway falls silent. Same behaviour as the Structured Text
 * block: arms only on a reset edge given by a person after three good beats; latches when no good beat came for
 * the lease; a late beat never revives it. Idle until first armed: a plant without a gateway is not tripped.
 */
export type WatchdogBlock = {
  readonly state: "idle" | "armed" | "tripped";
  readonly last: number;
  readonly good: number;
  readonly ageUs: Us;
  readonly resetWas: boolean;
};

/** As read at ir 200. */
export const WATCHDOG_STATES = { idle: 0, armed: 1, tripped: 2 } as const;

export const WATCHDOG_LEASE_MS = { least: 500, most: 5_000, standard: 2_000 } as const;

export function createWatchdogBlock(): WatchdogBlock {
  return { state: "idle", last: 0, good: 0, ageUs: 0, resetWas: false };
}

/** One PLC scan. `beat` is the heartbeat register as it stands; `leaseMs` as written, limited here. */
export function scanWatchdogBlock(
  block: WatchdogBlock,
  input: { readonly beat: number; readonly leaseMs: number; readonly reset: boolean },
  dtUs: Us,
): WatchdogBlock {
  const leaseUs =
    Math.min(WATCHDOG_LEASE_MS.most, Math.max(WATCHDOG_LEASE_MS.least, input.leaseMs)) * 1_000;
  const moved = (input.beat - block.last) & 0xffff;
  // One step forward, or two where a beat fell between scans. Anything else is not the counter of a living gateway.
  const isBeat = moved === 1 || moved === 2;
  const ageUs = isBeat ? 0 : block.ageUs + dtUs;
  const late = ageUs > leaseUs;
  const good = late || (moved !== 0 && !isBeat) ? 0 : Math.min(3, block.good + (isBeat ? 1 : 0));
  const edge = input.reset && !block.resetWas;

  let state = block.state;
  if (late && state === "armed") state = "tripped";
  else if (edge && good === 3) state = "armed";
  return { state, last: input.beat, good, ageUs, resetWas: input.reset };
}
