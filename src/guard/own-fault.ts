/** Exit code of a process that ended by a fault of its own: whoever started it starts it again. */
const INTERNAL_FAULT = 70;
/** Over all that is done before the end, and above the bounds which that has of its own. */
const END_MS_MOST = 4_000;
/** A fault that recurs is said so often, and no oftener. */
const LATER_MOST = 10;

export type FaultNeeds = {
  readonly say: (line: string) => void;
  /** Ends the process. */
  readonly exit: (code: number) => void;
  /** Real time that the last steps may take altogether, in milliseconds. */
  readonly withinMs?: number;
};

/** What is to be done before a process ends that had the plant. */
export type LastSteps = {
  /** Taken at once and in order, also after one that throws: from here on nothing more is judged or sent. */
  readonly halts: readonly (() => void)[];
  /** Drives the safe state and writes the last entry. */
  readonly lastResort: (fault: string) => Promise<void>;
};

/**
 * A fault of ours ends the process, never with 0, and before that the last steps are taken. They are taken once: a
 * fault that comes meanwhile is said and hurries nothing. The process ends when they are over, and also when they
 * fail or take too long.
 */
export class OwnFault {
  readonly #needs: FaultNeeds;
  #last: LastSteps | null = null;
  #isEnding = false;
  #later = 0;

  constructor(needs: FaultNeeds) {
    this.#needs = needs;
  }

  /** The plant is ours from here on. */
  arm(last: LastSteps): void {
    this.#last = last;
  }

  /** Before that a fault ends the process at once: there is nothing to be left safe. */
  get isArmed(): boolean {
    return this.#last !== null;
  }

  /** No second end, in order or not, may come before this one. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Never throws. */
  take(fault: string): void {
    if (this.#isEnding) {
      this.#sayLater(fault);
      return;
    }
    this.#isEnding = true;
    const { say, exit, withinMs = END_MS_MOST } = this.#needs;
    const end = (): void => {
      exit(INTERNAL_FAULT);
    };
    say(`internal fault: ${fault}`);
    const last = this.#last;
    if (last === null) {
      end();
      return;
    }
    const limit = setTimeout(() => {
      say(`the end took longer than ${withinMs} ms and is not waited for`);
      end();
    }, withinMs);
    for (const halt of last.halts) this.#attempt(halt);
    this.#finish(last, fault).then(
      () => {
        clearTimeout(limit);
        end();
      },
      () => undefined,
    );
  }

  async #finish(last: LastSteps, fault: string): Promise<void> {
    try {
      await last.lastResort(fault);
    } catch (error) {
      this.#sayLater(wordsOf(error));
    }
  }

  #attempt(halt: () => void): void {
    try {
      halt();
    } catch (error) {
      this.#sayLater(wordsOf(error));
    }
  }

  #sayLater(fault: string): void {
    this.#later += 1;
    const { say } = this.#needs;
    if (this.#later <= LATER_MOST) say(`internal fault while ending: ${fault}`);
    if (this.#later === LATER_MOST) say("further faults are not said");
  }
}

/** What was thrown, in words for people. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
