import { spawn, type ChildProcess } from "node:child_process";
import { FrameSplitter } from "../../codec/door/wire.js";
import type { TpmAsk } from "./ask.js";
import { decodeAnswer, encodeRequest, MESSAGE_BYTES_MAX, type TpmRequest } from "./message.js";
import { placeText, type TpmPlace } from "./place.js";
import { faultOf, type TpmFault, type TpmResult } from "./result.js";

export type TpmProcessOptions = {
  /** The program that serves the TPM, compiled. */
  readonly program: string;
  readonly place: TpmPlace;
  /** Name of the storage root that was pinned; null while there is none. */
  readonly rootName: Uint8Array | null;
  /** Longest a request may wait for its turn, and longest it may then take. */
  readonly deadlineMs: number;
  /** Requests that run or wait; one more is refused as `not-done`. */
  readonly queueMax: number;
};

/**
 * The TPM in a process of its own, started when first asked and again after it died. One request at a time, in
 * the order they came; every one settles within twice the deadline, and nothing is ever sent twice. One that is
 * not answered in time, or whose process died, is `unknown`: the process is killed, which also gets rid of a chip
 * that never answers, and the next request has a new one. After a second death in a row new ones come with growing
 * pauses. A process that was killed and is not gone yet has the TPM still: until it is, nothing is started.
 */
export class TpmProcess {
  readonly #options: TpmProcessOptions;
  #child: ChildProcess | null = null;
  /** Killed, not gone yet. */
  #ending: ChildProcess | null = null;
  #flight: Flight | null = null;
  #queue: Waiting[] = [];
  #pause: NodeJS.Timeout | null = null;
  #deaths = 0;
  #lastId = 0;
  #closed = false;

  constructor(options: TpmProcessOptions) {
    this.#options = options;
  }

  /** Id of the process that serves now; null while there is none. */
  pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async ask<T>({ request, take }: TpmAsk<T>): Promise<TpmResult<T>> {
    return await new Promise((resolve) => {
      this.#submit({
        request,
        answered: (values) => {
          const value = take(values);
          if (value !== undefined) resolve({ ok: true, value });
          return value !== undefined;
        },
        failed: (fault) => {
          resolve({ ok: false, fault });
        },
      });
    });
  }

  /** Ends the process, at the latest by killing it. What runs is `unknown`, what waits or comes later `not-done`. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
    const waiting = this.#queue;
    this.#queue = [];
    for (const { order, limit } of waiting) {
      clearTimeout(limit);
      order.failed(CLOSED);
    }
    this.#settleFlight(faultOf("unknown", "the TPM was closed before it answered").fault);
    const child = this.#child;
    this.#child = null;
    const ending = this.#ending;
    if (child !== null) await endChild(child);
    if (ending !== null) await untilGone(ending, CLOSE_WITHIN_MS);
  }

  #submit(order: Order): void {
    const { deadlineMs, queueMax } = this.#options;
    if (this.#closed) {
      order.failed(CLOSED);
      return;
    }
    if (this.#queue.length + (this.#flight === null ? 0 : 1) >= queueMax) {
      order.failed(FULL);
      return;
    }
    const limit = setTimeout(() => {
      this.#queue = this.#queue.filter((waiting) => waiting.order !== order);
      order.failed(LATE);
    }, deadlineMs);
    this.#queue.push({ order, limit });
    this.#next();
  }

  #next(): void {
    if (this.#flight !== null || this.#queue.length === 0 || this.#closed) return;
    const child = this.#child ?? this.#start();
    const waiting = child === null ? undefined : this.#queue.shift();
    if (child === null || waiting === undefined) return;
    clearTimeout(waiting.limit);
    this.#lastId += 1;
    const id = this.#lastId;
    const limit = setTimeout(() => {
      this.#lose(child, faultOf("unknown", "the TPM did not answer in time").fault);
    }, this.#options.deadlineMs);
    this.#flight = { id, order: waiting.order, limit };
    child.stdin?.write(encodeRequest(id, waiting.order.request));
  }

  /** Null while one that was killed is not gone, or a pause lasts; their ends call for the next request. */
  #start(): ChildProcess | null {
    if (this.#ending !== null || this.#pause !== null) return null;
    const { program, place, rootName, deadlineMs } = this.#options;
    const args = ["--tpm", placeText(place), "--timeout-ms", String(2 * deadlineMs)];
    if (rootName !== null) args.push("--root", Buffer.from(rootName).toString("hex"));
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    const splitter = new FrameSplitter(MESSAGE_BYTES_MAX, (bytes, at, end) =>
      this.#receive(child, bytes.slice(at, end)),
    );
    child.stdout.on("data", (chunk: Uint8Array) => {
      if (child === this.#child && !splitter.take(chunk)) this.#lose(child, NO_ANSWER);
    });
    // A process that died leaves its pipes broken; its end is told by "exit".
    child.stdin.on("error", () => undefined);
    child.stdout.on("error", () => undefined);
    child.on("error", (error) => {
      const why = `the TPM's process cannot be started: ${error.message}`;
      if (child.pid === undefined) this.#gone(child, faultOf("not-done", why).fault);
    });
    child.on("exit", (code, signal) => {
      const how = signal ?? `code ${code ?? "unknown"}`;
      this.#gone(child, faultOf("unknown", `the TPM's process ended (${how})`).fault);
    });
    return child;
  }

  /** False when it is not the answer to what was asked. */
  #receive(child: ChildProcess, body: Uint8Array): boolean {
    const read = decodeAnswer(body);
    const flight = this.#flight;
    if (child !== this.#child || read === null || read.id !== flight?.id) return false;
    const { answer } = read;
    if (!answer.ok) flight.order.failed(answer.fault);
    else if (!flight.order.answered(answer.value)) return false;
    clearTimeout(flight.limit);
    this.#flight = null;
    this.#deaths = 0;
    this.#next();
    return true;
  }

  /** Kills it: whatever it does is not waited for. */
  #lose(child: ChildProcess, fault: TpmFault): void {
    if (child !== this.#child) return;
    this.#child = null;
    this.#ending = child;
    child.kill("SIGKILL");
    this.#died(fault);
  }

  #gone(child: ChildProcess, fault: TpmFault): void {
    if (child === this.#ending) {
      this.#ending = null;
      this.#next();
    }
    if (child !== this.#child) return;
    this.#child = null;
    this.#died(fault);
  }

  #died(fault: TpmFault): void {
    this.#deaths += 1;
    const pauseMs = pauseAfter(this.#deaths);
    if (pauseMs > 0 && this.#pause === null) {
      this.#pause = setTimeout(() => {
        this.#pause = null;
        this.#next();
      }, pauseMs);
    }
    this.#settleFlight(fault);
    this.#next();
  }

  #settleFlight(fault: TpmFault): void {
    const flight = this.#flight;
    this.#flight = null;
    if (flight === null) return;
    clearTimeout(flight.limit);
    flight.order.failed(fault);
  }
}

type Order = {
  readonly request: TpmRequest;
  /** False when the values are no answer to the request; then it has not settled. */
  readonly answered: (values: readonly Uint8Array[]) => boolean;
  readonly failed: (fault: TpmFault) => void;
};
type Waiting = { readonly order: Order; readonly limit: NodeJS.Timeout };
type Flight = Waiting & { readonly id: number };

const FIRST_PAUSE_MS = 200;
const PAUSE_MOST_MS = 5_000;
const CLOSE_WITHIN_MS = 1_500;
const CLOSED = faultOf("not-done", "the TPM was closed").fault;
const FULL = faultOf("not-done", "too many requests wait for the TPM").fault;
const LATE = faultOf("not-done", "the request waited too long for its turn at the TPM").fault;
const NO_ANSWER = faultOf("unknown", "the TPM's process sent what is no answer").fault;

/** None after the first death in a row, then 200 ms, doubled each time, at most 5 s. */
function pauseAfter(deaths: number): number {
  if (deaths < 2) return 0;
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(deaths - 2, 10), PAUSE_MOST_MS);
}

/** The end of its input tells it to give back what it has of the TPM and to end. */
async function endChild(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (await untilGone(child, CLOSE_WITHIN_MS)) return;
  child.kill("SIGKILL");
  await untilGone(child, CLOSE_WITHIN_MS);
}

async function untilGone(child: ChildProcess, withinMs: number): Promise<boolean> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return true;
  return await new Promise((resolve) => {
    const limit = setTimeout(() => {
      child.off("exit", gone);
      resolve(false);
    }, withinMs);
    const gone = (): void => {
      clearTimeout(limit);
      resolve(true);
    };
    child.once("exit", gone);
  });
}
