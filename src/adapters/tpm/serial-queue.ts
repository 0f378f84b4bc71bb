/** Runs one task at a time in the order they came; at most `most` run or wait. */
export class SerialQueue {
  readonly #most: number;
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Null when it is full: the task was not taken and never runs. A task that rejects does not stop the next. */
  add<T>(task: () => Promise<T>): Promise<T> | null {
    if (this.#length >= this.#most) return null;
    this.#length += 1;
    const run = this.#last.then(async () => {
      try {
        return await task();
      } finally {
        this.#length -= 1;
      }
    });
    this.#last = run.catch(() => undefined);
    return run;
  }
}
