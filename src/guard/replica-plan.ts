import type { DoorTable, ReplicaBlock } from "../codec/door/message.js";
import type { Block } from "../kernel/image/read-plan.js";
import { wordCount } from "../kernel/image/scaling.js";
import type { Address, ProfileModel, Table } from "../kernel/profile/model.js";
import type { Us } from "../kernel/units.js";
import type { SouthRead } from "./ports.js";

const TABLES: Readonly<Record<Table, DoorTable>> = { co: 0, di: 1, ir: 2, hr: 3 };

export function doorTable(table: Table): DoorTable {
  return TABLES[table];
}

/**
 * What doors may answer reads from: of every planned block the registers (bits) that are mapped or listed
 * readable, each with the age past which it is not answered: an input's own, else four polls and a timeout.
 * Ages in real time: `scale` is how much faster kernel time runs.
 */
export function planReplica(
  model: ProfileModel,
  plan: readonly (readonly Block[])[],
  scale: number,
): readonly ReplicaBlock[] {
  return plan.flatMap((blocks, device) =>
    blocks.map((block) => planBlock(model, device, block, scale)),
  );
}

/** Every register is a tag's or listed readable: what FC23 may read, which always means holding registers. */
export function isMapped(
  blocks: readonly ReplicaBlock[],
  device: number,
  read: SouthRead,
): boolean {
  const end = read.address + read.quantity;
  let next = read.address;
  // Blocks of one table lie in ascending order, and a run of registers may go on into the next one.
  for (const block of blocks) {
    if (block.device !== device || block.table !== TABLES[read.table]) continue;
    for (const [offset, count] of block.areas) {
      const first = block.start + offset;
      if (first <= next && next < first + count) next = Math.min(end, first + count);
    }
  }
  return next === end;
}

/** Position, in the list of {@link planReplica}, of each device's first block. */
export function firstBlocks(plan: readonly (readonly Block[])[]): readonly number[] {
  let next = 0;
  return plan.map((blocks) => {
    const first = next;
    next += blocks.length;
    return first;
  });
}

function planBlock(model: ProfileModel, device: number, block: Block, scale: number): ReplicaBlock {
  const ages = ageOfCells(model, device, block);
  const areas: (readonly [number, number, number])[] = [];
  let from = 0;
  for (let cell = 0; cell <= block.quantity; cell++) {
    if (cell < block.quantity && ages[cell] === ages[from]) continue;
    const maxAgeUs = ages[from] ?? null;
    if (maxAgeUs !== null) areas.push([from, cell - from, Math.floor(maxAgeUs / scale)]);
    from = cell;
  }
  return {
    device,
    table: TABLES[block.table],
    start: block.address,
    count: block.quantity,
    areas,
  };
}

/** Null: a hole, which nobody may read. */
function ageOfCells(model: ProfileModel, device: number, block: Block): readonly (Us | null)[] {
  const ages: (Us | null)[] = Array.from({ length: block.quantity }, () => null);
  const own = model.devices[device];
  const usualUs = own === undefined ? 0 : own.pollUs * 4 + own.timeoutUs;
  const mark = (first: number, count: number, maxAgeUs: Us): void => {
    for (let register = first; register < first + count; register++) {
      const cell = register - block.address;
      if (cell < 0 || cell >= ages.length) continue;
      ages[cell] = Math.min(ages[cell] ?? Infinity, maxAgeUs);
    }
  };
  const markTag = (at: Address | undefined, maxAgeUs: Us): void => {
    if (at?.device === device && at.table === block.table)
      mark(at.register, wordCount(at.format), maxAgeUs);
  };
  for (const range of model.readable) {
    if (range.device !== device || range.table !== block.table) continue;
    mark(range.first, range.last - range.first + 1, usualUs);
  }
  markTag(own?.alive?.at, usualUs);
  markTag(own?.identity?.at, usualUs);
  for (const output of model.outputs) markTag(output.at, usualUs);
  for (const input of model.inputs) markTag(input.at, input.maxAgeUs);
  return ages;
}
