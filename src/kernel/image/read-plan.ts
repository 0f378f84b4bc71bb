import type { Address, Device, ProfileModel, Table } from "../profile/model.js";
import { wordCount } from "./scaling.js";

/** One request of the poll round: `quantity` registers, or bits for coils and discrete inputs. */
export type Block = {
  readonly device: number;
  readonly table: Table;
  readonly address: number;
  readonly quantity: number;
  /** Positions of the tags that lie wholly inside, ascending. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** The device's `alive` counter, its `identity` register. */
  readonly alive: boolean;
  readonly identity: boolean;
};

type Item = {
  readonly table: Table;
  readonly first: number;
  readonly last: number;
  readonly tag:
    | { readonly kind: "input" | "output"; readonly index: number }
    | { readonly kind: "alive" | "identity" | "readable" };
};

/** Modbus Application Protocol V1.1b3, 6.1 to 6.4. */
const REGISTERS_MAX = 125;
const BITS_MAX = 2000;
const TABLES: readonly Table[] = ["co", "di", "hr", "ir"];

/**
 * What to poll, per device, in this order. Every input, every output (its own address, for read-back and
 * to see foreign writes), `alive`, `identity` and every readable range is in at least one block, a tag of two registers
 * never torn; same profile, same plan. With `holes: never` only declared neighbours share a request.
 * The block with the identity comes first: nothing of a round is believed before it.
 */
export function planReads(model: ProfileModel): readonly (readonly Block[])[] {
  return model.devices.map((device, index) => {
    const items = collectItems(model, device, index);
    const blocks = TABLES.flatMap((table) =>
      planTable(
        items.filter((item) => item.table === table),
        device,
        index,
      ),
    );
    return [...blocks.filter((block) => block.identity), ...blocks.filter((b) => !b.identity)];
  });
}

function collectItems(model: ProfileModel, device: Device, index: number): readonly Item[] {
  const items: Item[] = [];
  const add = (at: Address, tag: Item["tag"]): void => {
    if (at.device !== index) return;
    const last = at.register + wordCount(at.format) - 1;
    items.push({ table: at.table, first: at.register, last, tag });
  };
  model.inputs.forEach((input, position) => {
    add(input.at, { kind: "input", index: position });
  });
  model.outputs.forEach((output, position) => {
    add(output.at, { kind: "output", index: position });
  });
  if (device.alive !== null) add(device.alive.at, { kind: "alive" });
  if (device.identity !== null) add(device.identity.at, { kind: "identity" });
  for (const range of model.readable) {
    if (range.device !== index) continue;
    // One by one: a readable range may be cut anywhere, so it fills blocks to the brim.
    for (let at = range.first; at <= range.last; at += 1) {
      items.push({ table: range.table, first: at, last: at, tag: { kind: "readable" } });
    }
  }
  return items;
}

function planTable(items: readonly Item[], device: Device, index: number): readonly Block[] {
  const sorted = [...items].sort((a, b) =>
    a.first === b.first ? a.last - b.last : a.first - b.first,
  );
  const blocks: Block[] = [];
  let open: Item[] = [];
  let end = 0;
  for (const item of sorted) {
    const start = open[0]?.first ?? item.first;
    const joins =
      open.length > 0 &&
      item.first <= end + 1 + bridge(device) &&
      Math.max(item.last, end) - start < quantityMax(item.table, device);
    if (open.length > 0 && !joins) {
      blocks.push(closeBlock(open, index));
      open = [];
      end = item.last;
    }
    open.push(item);
    end = Math.max(end, item.last);
  }
  if (open.length > 0) blocks.push(closeBlock(open, index));
  return blocks;
}

function bridge(device: Device): number {
  return device.read.holes === "never" ? 0 : device.read.holes;
}

function quantityMax(table: Table, device: Device): number {
  const { maxWords } = device.read;
  return table === "co" || table === "di"
    ? Math.min(maxWords * 16, BITS_MAX)
    : Math.min(maxWords, REGISTERS_MAX);
}

function closeBlock(items: readonly Item[], device: number): Block {
  const address = Math.min(...items.map((item) => item.first));
  const last = Math.max(...items.map((item) => item.last));
  const positions = (kind: "input" | "output"): readonly number[] =>
    items.flatMap(({ tag }) => (tag.kind === kind ? [tag.index] : [])).sort((a, b) => a - b);
  return {
    device,
    table: items[0]?.table ?? "hr",
    address,
    quantity: last - address + 1,
    inputs: positions("input"),
    outputs: positions("output"),
    alive: items.some(({ tag }) => tag.kind === "alive"),
    identity: items.some(({ tag }) => tag.kind === "identity"),
  };
}
