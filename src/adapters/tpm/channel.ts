import type { TpmResult } from "./result.js";

/**
 * Whole commands out, whole responses back, one at a time; the caller waits for one before the next. Every call
 * settles within the channel's time limit and none rejects. Nothing is ever sent twice.
 */
export type TpmChannel = {
  /** A resource manager stands between: what a connection loaded is gone with it, and nobody else's is seen. */
  readonly managed: boolean;
  readonly connected: () => boolean;
  /** Ends what connection there was and makes a new one. */
  readonly connect: () => Promise<TpmResult<null>>;
  /**
   * `not-done` when not connected; `unknown` when the connection ended or the time ran out with no whole response;
   * `malformed` when no response can begin like that. After either of the last two it is not connected.
   */
  readonly exchange: (command: Uint8Array) => Promise<TpmResult<Uint8Array>>;
  /** May be connected again. */
  readonly drop: () => void;
};
