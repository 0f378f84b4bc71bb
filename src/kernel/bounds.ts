/** Released writes to one output that are not settled yet; more are refused as busy. */
export const IN_FLIGHT_PER_OUTPUT = 4;
/** Permits of one device without an outcome; more are refused as busy. */
export const IN_FLIGHT_PER_DEVICE = 128;
/** Outputs one request may touch (definitions.md: more is `size`). */
export const OUTPUTS_PER_REQUEST = 16;
/** Changes remembered within one drift window; while that many are, drift cannot be judged and refuses. */
export const HELD_VALUES = 2048;
