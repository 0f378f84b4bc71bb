import type { Order } from "../codec/door/message.js";
import type { Block } from "../kernel/image/read-plan.js";
import type { ReadResult, SouthRead } from "./ports.js";
import { toHost, type HostClock } from "./host-clock.js";
import { doorTable, firstBlocks } from "./replica-plan.js";

type Read = Extract<ReadResult, { kind: "read" }>;

/**
 * What the doors' replicas hold, kept once here so that only changes travel, and so that a door that
 * connects later gets it whole.
 */
export class ImageCopy {
  readonly #plan: readonly (readonly Block[])[];
  readonly #first: readonly number[];
  readonly #clock: HostClock;
  readonly #broadcast: (order: Order) => void;
  readonly #cells: (Uint8Array | undefined)[] = [];
  readonly #takenHostUs: number[] = [];

  constructor(
    plan: readonly (readonly Block[])[],
    clock: HostClock,
    broadcast: (order: Order) => void,
  ) {
    this.#plan = plan;
    this.#first = firstBlocks(plan);
    this.#clock = clock;
    this.#broadcast = broadcast;
  }

  refresh(device: number, position: number, read: Read): void {
    const block = this.#plan[device]?.[position];
    if (block?.quantity !== read.words.length) return;
    const at = (this.#first[device] ?? 0) + position;
    const cells = cellsOf(block.table, read.words);
    const known = this.#cells[at];
    const takenHostUs = toHost(this.#clock, read.sentUs);
    this.#takenHostUs[at] = takenHostUs;
    const same = known !== undefined && equal(known, cells);
    if (!same) this.#cells[at] = cells;
    this.#broadcast({ kind: "image", block: at, takenHostUs, cells: same ? null : cells });
  }

  /** A read-back: newer than the block it lies in, whose age stays. */
  patch(device: number, read: SouthRead, words: readonly number[]): void {
    const cells = cellsOf(read.table, words);
    const { table, address: start } = read;
    this.#plan[device]?.forEach((block, position) => {
      const known = this.#cells[(this.#first[device] ?? 0) + position];
      if (known === undefined || block.table !== table) return;
      const width = isBits(table) ? 1 : 2;
      const from = (start - block.address) * width;
      if (from >= 0 && from + cells.length <= known.length) known.set(cells, from);
    });
    this.#broadcast({ kind: "patch", device, table: doorTable(table), start, cells });
  }

  /** Everything read so far, for a door that has just come. */
  sendAll(send: (order: Order) => void): void {
    this.#cells.forEach((cells, block) => {
      const takenHostUs = this.#takenHostUs[block];
      if (cells === undefined || takenHostUs === undefined) return;
      send({ kind: "image", block, takenHostUs, cells });
    });
  }
}

function isBits(table: SouthRead["table"]): boolean {
  return table === "co" || table === "di";
}

/** Registers as two wire bytes, bits as one byte of 0 or 1. */
function cellsOf(table: SouthRead["table"], words: readonly number[]): Uint8Array {
  if (isBits(table)) return Uint8Array.from(words, (bit) => (bit === 0 ? 0 : 1));
  const cells = new Uint8Array(words.length * 2);
  words.forEach((word, index) => {
    cells[index * 2] = word >> 8;
    cells[index * 2 + 1] = word & 0xff;
  });
  return cells;
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
