import type { Config, DoorTable, ReplicaBlock } from "../../codec/door/message.js";

/** What became of one read: PDU bytes written, or the exception that answers it. */
export const READ_UNMAPPED = -2;
export const READ_STALE = -11;

const TABLES = 4;
const NOT_MAPPED = -1;

/**
 * The door's copy of the process image: what it answers reads from without asking anyone. It is aged
 * here, against the machine's own clock, so a guard that falls silent makes it stale and never wrong.
 * A read is answered whole or not at all; unmapped wins over stale.
 */
export class Replica {
  readonly #planes: (Plane | undefined)[] = [];
  readonly #answering: boolean[] = [];
  readonly #blocks: readonly ReplicaBlock[];
  readonly #takenHostUs: Float64Array;
  readonly #areaBlock: Int32Array;
  readonly #areaEnd: Int32Array;
  readonly #areaMaxAgeUs: Float64Array;

  constructor(config: Pick<Config, "blocks" | "devices">) {
    this.#blocks = config.blocks;
    this.#takenHostUs = new Float64Array(config.blocks.length).fill(Number.NEGATIVE_INFINITY);
    const areas = config.blocks.reduce((sum, block) => sum + block.areas.length, 0);
    this.#areaBlock = new Int32Array(areas);
    this.#areaEnd = new Int32Array(areas);
    this.#areaMaxAgeUs = new Float64Array(areas);
    for (let device = 0; device < config.devices; device++) this.#answering.push(false);
    for (const [index, end] of planeSizes(config.blocks)) {
      this.#planes[index] = makePlane(end, index % TABLES < 2);
    }
    let area = 0;
    config.blocks.forEach((block, position) => {
      const plane = this.#planes[planeIndex(block.device, block.table)];
      for (const [offset, count, maxAgeUs] of block.areas) {
        const first = block.start + offset;
        plane?.areaAt.fill(area, first, first + count);
        this.#areaBlock[area] = position;
        this.#areaEnd[area] = first + count;
        this.#areaMaxAgeUs[area] = maxAgeUs;
        area += 1;
      }
    });
  }

  /** A block was read at `takenHostUs`; `cells` null: with the same content as before. Wrong sizes are ignored whole. */
  refresh(position: number, takenHostUs: number, cells: Uint8Array | null): void {
    const block = this.#blocks[position];
    if (block === undefined) return;
    if (cells !== null && !this.#store(block, block.start, cells)) return;
    this.#takenHostUs[position] = takenHostUs;
  }

  /** Newer content of some cells; the age of their block stays, which can only make them look older. */
  patch(device: number, table: DoorTable, start: number, cells: Uint8Array): void {
    this.#store({ device, table }, start, cells);
  }

  setAnswering(device: number, answering: boolean): void {
    if (device < this.#answering.length) this.#answering[device] = answering;
  }

  /**
   * Writes the PDU of a well-formed read (FC1-4) to `out` from `at` on and returns its length, or
   * {@link READ_UNMAPPED} or {@link READ_STALE}.
   */
  read(ask: ReadAsk, nowHostUs: number, out: Uint8Array, at: number): number {
    const plane = this.#planes[planeIndex(ask.device, ask.table)];
    const end = ask.address + ask.quantity;
    if (plane === undefined || end > plane.areaAt.length) return READ_UNMAPPED;
    let stale = this.#answering[ask.device] !== true;
    for (let cell = ask.address; cell < end;) {
      const area = plane.areaAt[cell] ?? NOT_MAPPED;
      if (area < 0) return READ_UNMAPPED;
      const takenUs = this.#takenHostUs[this.#areaBlock[area] ?? 0] ?? Number.NEGATIVE_INFINITY;
      // Written so that a NaN is stale too.
      if (!(nowHostUs - takenUs <= (this.#areaMaxAgeUs[area] ?? 0))) stale = true;
      cell = this.#areaEnd[area] ?? end;
    }
    if (stale) return READ_STALE;
    out[at] = ask.function;
    return plane.bits
      ? packBits(plane.cells, ask, out, at + 1)
      : copyWords(plane.cells, ask, out, at + 1);
  }

  #store(
    place: { readonly device: number; readonly table: DoorTable },
    start: number,
    cells: Uint8Array,
  ): boolean {
    const plane = this.#planes[planeIndex(place.device, place.table)];
    if (plane === undefined) return false;
    const width = plane.bits ? 1 : 2;
    if (cells.length % width !== 0 || start * width + cells.length > plane.cells.length)
      return false;
    plane.cells.set(cells, start * width);
    return true;
  }
}

export type ReadAsk = {
  readonly function: number;
  readonly device: number;
  readonly table: DoorTable;
  readonly address: number;
  readonly quantity: number;
};

type Plane = {
  readonly bits: boolean;
  /** Registers as two wire bytes, bits as one byte. */
  readonly cells: Uint8Array;
  /** Area of each cell. */
  readonly areaAt: Int32Array;
};

function makePlane(cells: number, bits: boolean): Plane {
  return {
    bits,
    cells: new Uint8Array(bits ? cells : cells * 2),
    areaAt: new Int32Array(cells).fill(NOT_MAPPED),
  };
}

function planeIndex(device: number, table: DoorTable): number {
  return device * TABLES + table;
}

function planeSizes(blocks: readonly ReplicaBlock[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  for (const block of blocks) {
    const index = planeIndex(block.device, block.table);
    ends.set(index, Math.max(ends.get(index) ?? 0, block.start + block.count));
  }
  return ends;
}

function copyWords(cells: Uint8Array, ask: ReadAsk, out: Uint8Array, at: number): number {
  const bytes = ask.quantity * 2;
  const from = ask.address * 2;
  out[at] = bytes;
  for (let index = 0; index < bytes; index++) out[at + 1 + index] = cells[from + index] ?? 0;
  return bytes + 2;
}

/** Modbus application protocol 6.1: eight bits a byte, the lowest address in the least significant bit. */
function packBits(cells: Uint8Array, ask: ReadAsk, out: Uint8Array, at: number): number {
  const bytes = (ask.quantity + 7) >> 3;
  out[at] = bytes;
  out.fill(0, at + 1, at + 1 + bytes);
  for (let index = 0; index < ask.quantity; index++) {
    if (cells[ask.address + index] === 1) {
      const place = at + 1 + (index >> 3);
      out[place] = (out[place] ?? 0) | (1 << (index & 7));
    }
  }
  return bytes + 2;
}
