const TICK_MS = 50;
const GAP_US = 250_000;
const WELCOME_US = 1_000_000;

/**
 * The machine's monotonic clock in real microseconds, and a watch on this process's own loop. After the
 * process stood still (stopped, swapped out), what is read first from each socket may have lain there
 * all the time: it counts as received when the loop was last known to run, so that a command held up here
 * is refused as stale like any other.
 */
export class LoopWatch {
  /** How often the loop stood still so far. */
  gaps = 0;
  readonly #offsetUs: number;
  #aliveHostUs: number;
  #beforeGapHostUs = 0;
  #gapEndHostUs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor() {
    const [seconds, nanoseconds] = process.hrtime();
    this.#offsetUs = seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3;
    this.#aliveHostUs = this.nowHostUs();
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#observe();
    }, TICK_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  nowHostUs(): number {
    return Math.floor(performance.now() * 1e3 + this.#offsetUs);
  }

  /** When bytes read now came in, at the latest, for a socket that has seen `gapsSeen` gaps. */
  receivedHostUs(gapsSeen: number): number {
    const nowHostUs = this.#observe();
    return gapsSeen === this.gaps ? nowHostUs : this.#beforeGapHostUs;
  }

  /** For a connection accepted just after a gap: it may have waited all through it, with its bytes. */
  gapsBeforeWelcome(): number {
    const nowHostUs = this.#observe();
    return nowHostUs - this.#gapEndHostUs < WELCOME_US ? this.gaps - 1 : this.gaps;
  }

  #observe(): number {
    const nowHostUs = this.nowHostUs();
    if (nowHostUs - this.#aliveHostUs > GAP_US) {
      this.gaps += 1;
      this.#beforeGapHostUs = this.#aliveHostUs;
      this.#gapEndHostUs = nowHostUs;
    }
    this.#aliveHostUs = nowHostUs;
    return nowHostUs;
  }
}
