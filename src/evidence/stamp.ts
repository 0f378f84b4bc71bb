import type { Us } from "../kernel/units.js";

/**
 * When and where an entry was written. `monoUs` is the kernel's own time and stands in the entry itself;
 * this is the rest. Order is proved by `seq`, never by wall time.
 */
export type Stamp = {
  readonly utcUs: number;
  /** 16 random bytes of this run of the gateway. */
  readonly bootId: Uint8Array;
  /** Number of this run, from 1. */
  readonly boot: number;
  /** 0 unset, 1 free-running, 2 synchronised, 3 authenticated. */
  readonly quality: 0 | 1 | 2 | 3;
};

/** An entry as it stands in the log. */
export type Placed = {
  readonly seq: number;
  readonly monoUs: Us;
  readonly prev: Uint8Array;
  readonly stamp: Stamp;
};
