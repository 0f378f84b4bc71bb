import type { Raw } from "../units.js";
import type { Reason } from "../record/reason.js";

/**
 * One write as a protocol asked for it, before it is known which outputs it means. Only coils and
 * holding registers can be written. Addresses are zero-based.
 */
export type WriteRequest = {
  readonly device: number;
  readonly table: "co" | "hr";
  readonly address: number;
  /** Modbus function code it came by; the controller's `functions` are checked against it. */
  readonly function: number;
  readonly data:
    | { readonly kind: "words"; readonly words: readonly number[] }
    | { readonly kind: "bits"; readonly bits: readonly boolean[] }
    /** FC22: result = (now AND and) OR (or AND NOT and). */
    | { readonly kind: "mask"; readonly and: number; readonly or: number };
};

/** One output and the exact raw value asked for it. */
export type Write = { readonly output: number; readonly raw: Raw };

/**
 * What is judged: writes of one request, all or nothing.
 * `reasons` is non-empty when the request maps to nothing that could be judged as writes; then `writes` is empty.
 */
export type Ask = {
  readonly controller: number;
  readonly writes: readonly Write[];
  readonly reasons: readonly Reason[];
};

/** The one southbound request that carries a permitted ask. FC is chosen by shape: 5, 6, 15, 16 or 22. */
export type SouthWrite = {
  readonly device: number;
  readonly table: "co" | "hr";
  readonly address: number;
  readonly data: WriteRequest["data"];
};
