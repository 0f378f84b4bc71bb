/**
 * When and where an entry was written. The kernel's own time stands in the entry itself;
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
