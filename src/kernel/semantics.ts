/**
 * Kernel semantics number, kept in boot and snapshot entries: raised whenever the same facts could lead
 * to another verdict, or the same log to another state, so that a verifier replays by the right rules.
 */
export const KERNEL_SEMANTICS = 1;
