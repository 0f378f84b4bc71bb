/** Longer than a PLC on the same switch takes to answer, or a client to send its next command. */
const AWAKE_MS = 0.15;
/** Of the event loop, should the clock stand still. */
const TURNS_MOST = 1_000;

/**
 * Keeps the event loop from going to sleep while an answer is due in a moment. To be woken costs a process more
 * time than a fast device takes to answer, and as much of the processor as looking again does. What else is due
 * has its turn as ever, and a device that takes longer is waited for asleep. See ADR 0011.
 */
export class Wakefulness {
  readonly #nowMs: () => number;
  #untilMs = 0;
  #turns = 0;
  #awake = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Something was sent that is answered soon. */
  expect(): void {
    this.#untilMs = this.#nowMs() + AWAKE_MS;
    this.#turns = 0;
    if (this.#awake) return;
    this.#awake = true;
    setImmediate(this.#turn);
  }

  get awake(): boolean {
    return this.#awake;
  }

  readonly #turn = (): void => {
    this.#turns += 1;
    this.#awake = this.#nowMs() < this.#untilMs && this.#turns < TURNS_MOST;
    if (this.#awake) setImmediate(this.#turn);
  };
}
