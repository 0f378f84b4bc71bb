/**
 * Kernel time: whole microseconds on one monotonic clock, from an origin that only the clock knows.
 * Never wall time: that may step backwards, and wall time may take authority away but never give it.
 */
export type Us = number;

/** Exact register words as on the wire, first word most significant; at most two words. A bit is 0 or 1. */
export type Raw = number;

export const MS: Us = 1_000;
export const SECOND: Us = 1_000_000;
