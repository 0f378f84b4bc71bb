import type { SouthWrite } from "../kernel/command/request.js";
import type { Block } from "../kernel/image/read-plan.js";
import type { Effect } from "../kernel/step/effect.js";
import type { Input, WriteResult } from "../kernel/step/input.js";
import type { Us } from "../kernel/units.js";
import type { PlcLink, ReadResult, SouthRead } from "./ports.js";
import { ReadQueue, type ReadAnswer } from "./read-queue.js";

export type SafeWrite = Extract<Effect, { kind: "safe-write" }>;
export type SafeRead = Extract<Effect, { kind: "safe-read-back" }>;

export type LineNeeds = {
  readonly device: number;
  readonly blocks: readonly Block[];
  /** For polls, read-backs and commands. */
  readonly link: PlcLink;
  /** Kept ready for safe writes alone; null: they share `link`, and one device timeout is part of the reaction. */
  readonly safeLink: PlcLink | null;
  readonly nowUs: () => Us;
  /** Hands an input to the kernel. */
  readonly tell: (input: Input) => void;
  /** A step of the kernel runs: whoever ends it pumps the lines. */
  readonly busy: () => boolean;
  /** How many durable permits wait in the kernel for this line. */
  readonly waiting: () => number;
  /** What the first of them would write; null: none waits. */
  readonly next: () => SouthWrite | null;
  /** A block was read: raw cells for whoever keeps a copy. */
  readonly polled: (block: number, read: Extract<ReadResult, { kind: "read" }>) => void;
  /** A part of a block was read between polls, before those who asked for it are told. */
  readonly patched: (read: SouthRead, words: readonly number[]) => void;
};

/**
 * One PLC's line: at most one request at a time, and who is next. Safe writes go first; then due polls and
 * the rest take turns, so neither starves the other; in the rest read-backs go before permits as soon as
 * {@link ReadQueue} says so. A permit is only taken from the kernel when it can be on the wire at once, for
 * its second look must be of that moment.
 */
export class DeviceLine {
  readonly #needs: LineNeeds;
  readonly #safe: (SafeWrite | SafeRead)[] = [];
  readonly #reads: ReadQueue;
  #due: number[] = [];
  #polledLast = false;
  #up = false;
  #safeUp = false;
  #pumping = false;
  #halted = false;
  /** Poll rounds that came due while the one before was not through. */
  overruns = 0;

  constructor(needs: LineNeeds) {
    this.#needs = needs;
    this.#reads = new ReadQueue(needs.blocks);
    needs.link.onLink((up, why) => {
      this.#up = up;
      if (!up) this.#drop();
      needs.tell({ kind: "device-link", device: needs.device, up, why });
      this.pump();
    });
    needs.link.onIdle(() => {
      this.pump();
    });
    needs.safeLink?.onLink((up) => {
      this.#safeUp = up;
      this.pump();
    });
    needs.safeLink?.onIdle(() => {
      this.pump();
    });
  }

  /** A poll round is due. What is left of the last one keeps its place. */
  poll(): void {
    if (!this.#up) return;
    if (this.#due.length > 0) this.overruns += 1;
    else this.#due = this.#needs.blocks.map((_, block) => block);
    this.pump();
  }

  addSafe(what: SafeWrite | SafeRead): void {
    this.#safe.push(what);
  }

  /** Answers once: null when the read failed or the line is away. */
  addRead(read: SouthRead, done: (answer: ReadAnswer) => void): void {
    if (!this.#up || !this.#reads.add(read, done, this.#needs.nowUs())) done(null);
  }

  /**
   * Sends a permit, now. The kernel asked for the moment: nothing else can have taken the line since. Only a
   * process that was stopped since the second look finds itself past `notAfterUs` here: then nothing leaves.
   */
  send(seq: number, write: SouthWrite, notAfterUs: Us): void {
    const { device, link, tell, nowUs } = this.#needs;
    if (nowUs() > notAfterUs) {
      const why = "the guard stood still before sending";
      const result: WriteResult = { kind: "not-sent", cause: "too-late", why };
      tell({ kind: "write-settled", device, seq, result });
      return;
    }
    link.write(write, (result) => {
      tell({ kind: "write-settled", device, seq, result });
    });
  }

  /** Puts on the wire what is due, while the line is free. Never from inside a kernel step. */
  pump(): void {
    if (this.#pumping || this.#halted || this.#needs.busy()) return;
    this.#pumping = true;
    this.pumpSafe();
    const { link } = this.#needs;
    while (link.idle() && this.#sendNext());
    this.#pumping = false;
  }

  /** Nothing goes on the wire from here on, for good; what is on it is waited for, and the links stay open. */
  halt(): void {
    this.#halted = true;
    this.#due = [];
    this.#safe.length = 0;
  }

  /** Not of a line that is halted: its links are the last resort's. */
  close(): void {
    if (this.#halted) return;
    this.#needs.link.close();
    this.#needs.safeLink?.close();
  }

  /** Sends the next safe write if any connection is free: this much may happen inside a kernel step. */
  pumpSafe(): void {
    const { link, safeLink } = this.#needs;
    for (let next = this.#safe[0]; next !== undefined; next = this.#safe[0]) {
      const free = safeLink?.idle() === true ? safeLink : link.idle() ? link : null;
      if (free === null) {
        if (!this.#up && !this.#safeUp) this.#failSafe();
        return;
      }
      this.#safe.shift();
      this.#sendSafe(free, next);
    }
  }

  #sendNext(): boolean {
    if (this.#safe.length > 0) return false;
    const waiting = this.#needs.waiting();
    const others = this.#reads.length > 0 || waiting > 0;
    if (this.#due.length > 0 && !(this.#polledLast && others)) {
      this.#polledLast = true;
      return this.#sendPoll();
    }
    this.#polledLast = false;
    if (this.#reads.isDue(this.#needs.next(), this.#needs.nowUs())) return this.#sendRead();
    if (waiting === 0) return false;
    this.#needs.tell({ kind: "line-free", device: this.#needs.device });
    if (this.#due.length > 0 || this.#needs.waiting() < waiting) return true;
    // None was taken at all, and the kernel will ask again: read-backs do not wait for that.
    return this.#needs.link.idle() && this.#sendRead();
  }

  #sendRead(): boolean {
    // The kernel may have failed just now, while this line asked it for a permit.
    const shared = this.#halted ? null : this.#reads.take();
    if (shared === null) return false;
    this.#needs.link.read(shared.read, (result) => {
      if (result.kind === "read") this.#needs.patched(shared.read, result.words);
      // All who asked are told before the next request goes out: its second look sees what was proven.
      const pumping = this.#pumping;
      this.#pumping = true;
      shared.answer(result.kind === "read" ? result : null);
      this.#pumping = pumping;
    });
    return true;
  }

  #sendPoll(): boolean {
    const position = this.#due.shift();
    const block = position === undefined ? undefined : this.#needs.blocks[position];
    if (position === undefined || block === undefined) return false;
    const { device, link, tell } = this.#needs;
    const { table, address, quantity } = block;
    link.read({ table, address, quantity }, (result) => {
      if (result.kind === "read") {
        this.#needs.polled(position, result);
        const { sentUs, words } = result;
        tell({ kind: "block-read", device, block: position, sentUs, words });
      } else {
        const why = result.kind === "exception" ? "exception" : result.why;
        tell({ kind: "block-failed", device, block: position, why });
      }
    });
    return true;
  }

  #sendSafe(link: PlcLink, what: SafeWrite | SafeRead): void {
    const { tell } = this.#needs;
    const { device, output, attempt } = what;
    if (what.kind === "safe-write") {
      link.write(what.write, (result) => {
        tell({ kind: "safe-write-settled", device, output, attempt, result });
      });
      return;
    }
    const { table, address, quantity } = what;
    link.read({ table, address, quantity }, (result) => {
      const read =
        result.kind === "read" ? { sentUs: result.sentUs, raw: rawOf(result.words) } : null;
      tell({ kind: "safe-read-back", device, output, attempt, read });
    });
  }

  /** No link at all: the kernel hears so and tries again in its own time. */
  #failSafe(): void {
    const why = "the device is not connected";
    const result: WriteResult = { kind: "not-sent", cause: "no-line", why };
    for (const what of this.#safe.splice(0)) {
      const { device, output, attempt } = what;
      this.#needs.tell(
        what.kind === "safe-write"
          ? { kind: "safe-write-settled", device, output, attempt, result }
          : { kind: "safe-read-back", device, output, attempt, read: null },
      );
    }
  }

  #drop(): void {
    this.#due = [];
    this.#reads.drop();
  }
}

/** First word most significant. */
function rawOf(words: readonly number[]): number {
  return words.reduce((raw, word) => raw * 0x1_0000 + word, 0);
}
