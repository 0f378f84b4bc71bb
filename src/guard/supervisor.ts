import { spawn, type ChildProcess } from "node:child_process";
import { Readable } from "node:stream";

export type Task = {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Exit codes after which starting it again would help nobody: a person has to mend something. */
  readonly final: readonly number[];
  /**
   * Exit codes that are final only as long as it has never come up: once it has, the plant may depend on the others, and it
   * is started again for as long as it takes. It says that it is up by a byte on descriptor {@link UP_FD}, which is open
   * where this names any code.
   */
  readonly finalBeforeUp: readonly number[];
  /** Descriptor of the file that takes what it prints; null: this process's own output. */
  readonly log: number | null;
};

export type SupervisorNeeds = {
  readonly say: (line: string) => void;
  /** A task ended for good; everything else was stopped. */
  readonly over: (code: number) => void;
};

export const UP_FD = 3;
const BACK_OFF_FIRST_MS = 200;
const BACK_OFF_MOST_MS = 10_000;
/** A task that ran this long had come up: its next fall is a new one. */
const STEADY_MS = 30_000;
const STOP_WITHIN_MS = 15_000;

/**
 * Starts the processes of a site and starts them again when they die, each for itself and with growing
 * pauses. Ends only by {@link stop} or when a task says that it cannot be helped.
 */
export class Supervisor {
  readonly #needs: SupervisorNeeds;
  readonly #tasks = new Map<string, Running>();
  #stopping = false;

  constructor(needs: SupervisorNeeds) {
    this.#needs = needs;
  }

  start(task: Task): void {
    const running = {
      task,
      child: null,
      backOffMs: BACK_OFF_FIRST_MS,
      timer: null,
      hasBeenUp: false,
    };
    this.#tasks.set(task.name, running);
    this.#spawn(running);
  }

  /** Process id of a task; null while it is down. */
  pidOf(name: string): number | null {
    return this.#tasks.get(name)?.child?.pid ?? null;
  }

  /** Asks every task to end, in the order they were started, and waits for it; after 15 s it is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const running of this.#tasks.values()) {
      if (running.timer !== null) clearTimeout(running.timer);
      if (running.child !== null) await endChild(running.child);
    }
  }

  #spawn(running: Running): void {
    const { task } = running;
    const startedMs = performance.now();
    const output = task.log ?? "inherit";
    const up = task.finalBeforeUp.length > 0 ? (["pipe"] as const) : [];
    const child = spawn(task.program, task.args, { stdio: ["pipe", output, output, ...up] });
    running.child = child;
    noteUp(running, child.stdio);
    // A child that died leaves its end of the pipe broken; nothing is ever written to it.
    child.stdin?.on("error", () => undefined);
    child.on("error", (error) => {
      this.#needs.say(`${task.name} cannot be started: ${error.message}`);
    });
    child.on("close", (code, signal) => {
      running.child = null;
      if (this.#stopping) return;
      if (code !== null && isFinal(running, code)) {
        this.#giveUp(code);
        return;
      }
      if (performance.now() - startedMs > STEADY_MS) running.backOffMs = BACK_OFF_FIRST_MS;
      const how = signal ?? `code ${code ?? "unknown"}`;
      this.#needs.say(
        `${task.name} ended (${how}); it is started again in ${running.backOffMs / 1_000} s`,
      );
      running.timer = setTimeout(() => {
        running.timer = null;
        if (!this.#stopping) this.#spawn(running);
      }, running.backOffMs);
      running.backOffMs = Math.min(running.backOffMs * 2, BACK_OFF_MOST_MS);
    });
  }

  #giveUp(code: number): void {
    const over = (): void => {
      this.#needs.over(code);
    };
    this.stop().then(over, over);
  }
}

type Running = {
  readonly task: Task;
  child: ChildProcess | null;
  backOffMs: number;
  timer: NodeJS.Timeout | null;
  /** In this run, whichever of its processes it was. */
  hasBeenUp: boolean;
};

function isFinal({ task, hasBeenUp }: Running, code: number): boolean {
  return task.final.includes(code) || (!hasBeenUp && task.finalBeforeUp.includes(code));
}

/** Its first byte is all that is ever read of it. */
function noteUp(running: Running, pipes: readonly unknown[] | undefined): void {
  // A process that could not be started has no pipes at all where descriptors ran out, whatever its type says.
  const up = pipes?.[UP_FD];
  if (!(up instanceof Readable)) return;
  up.on("error", () => undefined);
  up.once("data", () => {
    running.hasBeenUp = true;
    up.destroy();
  });
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
    }, STOP_WITHIN_MS);
    child.once("close", () => {
      clearTimeout(limit);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
