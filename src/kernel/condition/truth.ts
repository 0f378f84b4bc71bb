/**
 * Kleene truth. Numbers, so that AND is a minimum, OR a maximum and NOT a subtraction.
 * A permissive needs TRUE; a trip is withheld only by FALSE; UNKNOWN never becomes either.
 */
export type Truth = 0 | 1 | 2;

export const FALSE: Truth = 0;
export const UNKNOWN: Truth = 1;
export const TRUE: Truth = 2;
