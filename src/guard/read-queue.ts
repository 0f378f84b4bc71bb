import type { SouthWrite } from "../kernel/command/request.js";
import type { Block } from "../kernel/image/read-plan.js";
import { MS, type Us } from "../kernel/units.js";
import type { SouthRead } from "./ports.js";

/** What a read brought; null: it failed, or the line is away. */
export type ReadAnswer = { readonly sentUs: Us; readonly words: readonly number[] } | null;

/** One request on the wire, and everybody who waits for a part of it. */
export type SharedRead = {
  readonly read: SouthRead;
  /** Hands each its own words, in the order they asked. */
  readonly answer: (answer: ReadAnswer) => void;
};

/** More reads waiting than this means that something asks without end. */
const READS_MOST = 256;
/** So many writes share one read-back at most: what a command of the next second look sees as unproven stays few. */
const SHARED_MOST = 16;
/** A proof's deadline runs meanwhile, so nobody waits long for company. */
const WAIT_MOST_US: Us = 20 * MS;

/**
 * Reads that are asked for on one line: read-backs, and the read of an FC23. A device that takes one request
 * at a time would spend half of it on read-backs, so those of neighbours that are written one after the
 * other share one: a read that lies inside a block of the poll plan takes along all others of that block,
 * and asks for nothing a poll does not ask for. See ADR 0010.
 */
export class ReadQueue {
  readonly #blocks: readonly Block[];
  #waiting: Waiting[] = [];

  constructor(blocks: readonly Block[]) {
    this.#blocks = blocks;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** False: full, and `done` is never called. */
  add(read: SouthRead, done: (answer: ReadAnswer) => void, nowUs: Us): boolean {
    if (this.#waiting.length >= READS_MOST) return false;
    this.#waiting.push({ read, done, sinceUs: nowUs });
    return true;
  }

  /**
   * Whether the line's next request should be a read, where `next` is the write that would else go out
   * (null: there is none): always when nothing is to be gained by waiting, when enough or long enough have
   * waited, and when that write would hide what an earlier one did.
   */
  isDue(next: SouthWrite | null, nowUs: Us): boolean {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return false;
    if (next === null || this.#waiting.length >= SHARED_MOST) return true;
    if (nowUs - oldest.sinceUs >= WAIT_MOST_US) return true;
    return this.#waiting.some(({ read }) => overlaps(read, next));
  }

  /** The oldest, with all that can share its request; null: none waits. */
  take(): SharedRead | null {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return null;
    const block = this.#blocks.find((each) => contains(each, oldest.read));
    const together =
      block === undefined ? [oldest] : this.#waiting.filter(({ read }) => contains(block, read));
    this.#waiting = this.#waiting.filter((each) => !together.includes(each));
    const address = Math.min(...together.map(({ read }) => read.address));
    const end = Math.max(...together.map(({ read }) => endOf(read)));
    return {
      read: { table: oldest.read.table, address, quantity: end - address },
      answer: (answer) => {
        for (const { read, done } of together) done(partOf(answer, read, address));
      },
    };
  }

  /** Answers everybody that there is no answer. */
  drop(): void {
    for (const { done } of this.#waiting.splice(0)) done(null);
  }
}

type Waiting = {
  readonly read: SouthRead;
  readonly done: (answer: ReadAnswer) => void;
  readonly sinceUs: Us;
};

function partOf(answer: ReadAnswer, read: SouthRead, address: number): ReadAnswer {
  if (answer === null) return null;
  const from = read.address - address;
  return { sentUs: answer.sentUs, words: answer.words.slice(from, from + read.quantity) };
}

function endOf({ address, quantity }: SouthRead): number {
  return address + quantity;
}

function contains(block: SouthRead, read: SouthRead): boolean {
  return block.table === read.table && read.address >= block.address && endOf(read) <= endOf(block);
}

function overlaps(read: SouthRead, write: SouthWrite): boolean {
  const end = write.address + cellCount(write);
  return read.table === write.table && write.address < endOf(read) && read.address < end;
}

function cellCount({ data }: SouthWrite): number {
  switch (data.kind) {
    case "words":
      return data.words.length;
    case "bits":
      return data.bits.length;
    case "mask":
      return 1;
  }
}
