import type { Entry } from "../kernel/record/entry.js";
import type { SouthWrite } from "../kernel/command/request.js";
import type { WriteResult } from "../kernel/step/input.js";
import type { Us } from "../kernel/units.js";

/** Monotonic kernel time and wall time. `nowUs` never goes back; wall time may. */
export type Clock = {
  readonly nowUs: () => Us;
  readonly utcUs: () => number;
  /** 0 unset, 1 free-running, 2 synchronised, 3 authenticated. */
  readonly quality: () => 0 | 1 | 2 | 3;
  /** Calls back once, not before `atUs`; the returned function cancels. Time-scaled where the clock is. */
  readonly at: (atUs: Us, run: () => void) => () => void;
};

/**
 * The log. Promises: entries reach the disk in the order given; `onDurable(seq)` is called only after
 * fdatasync of everything up to `seq` returned; after the first failed write or sync `onFailed` is called
 * once and nothing is ever called durable again on that file. Never blocks the caller's loop.
 */
export type EvidenceStore = {
  readonly append: (entry: Entry) => void;
  readonly checkpoint: (why: string) => void;
  /** Seq of the newest entry, root and size of the newest durable commit. */
  readonly head: () => EvidenceHead;
  readonly onDurable: (run: (seq: number) => void) => void;
  readonly onFailed: (run: (why: string) => void) => void;
  /** Flushes, signs a last checkpoint, closes. */
  readonly close: () => Promise<void>;
};

export type EvidenceHead = {
  readonly nextSeq: number;
  readonly durableSeq: number;
  readonly root: Uint8Array;
  readonly size: number;
};

/** ES256 over exact bytes. A file key says `software`. May take as long as it likes: nothing waits for it. */
export type Signer = {
  readonly kind: "tpm" | "tpm-software" | "file";
  readonly spki: Uint8Array;
  /** SHA-256 of `spki`. */
  readonly kid: Uint8Array;
  /** 64 bytes r || s. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
};

/**
 * One device. Promises: at most one request on the wire at a time; a reply that does not match exactly is
 * an `unknown` and closes the connection; nothing is ever sent twice; every call settles once, within the
 * device's timeout. `sentUs` is when the request was handed to the socket.
 */
export type PlcLink = {
  readonly write: (write: SouthWrite) => Promise<WriteResult>;
  readonly read: (read: SouthRead) => Promise<ReadResult>;
  /** True while connected and idle: a request made now goes on the wire at once. */
  readonly idle: () => boolean;
  readonly onLink: (run: (up: boolean, why: string) => void) => void;
  readonly onIdle: (run: () => void) => void;
  readonly close: () => void;
};

export type SouthRead = {
  readonly table: "co" | "di" | "ir" | "hr";
  readonly address: number;
  readonly quantity: number;
};

export type ReadResult =
  | { readonly kind: "read"; readonly sentUs: Us; readonly words: readonly number[] }
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "failed"; readonly why: "timeout" | "closed" | "malformed" };
