import type { Us } from "../../src/kernel/units.js";
import type { Why } from "./acts.js";
import type { Outcome } from "./frame.js";

/** What the controller can see of the plant. Null: could not be read, or not believable. */
export type Observation = {
  /** Median of the three transmitters. */
  readonly levelM: number | null;
  readonly pressureBar: number | null;
  readonly valveOpen: boolean | null;
  readonly valveClosed: boolean | null;
  readonly valveBit: boolean | null;
  readonly running: readonly [boolean, boolean] | null;
  readonly runWord: number | null;
  readonly speedsHz: readonly [number, number] | null;
};

export const BLIND: Observation = {
  levelM: null,
  pressureBar: null,
  valveOpen: null,
  valveClosed: null,
  valveBit: null,
  running: null,
  runWord: null,
  speedsHz: null,
};

/** The answer to one request, with the why block where it was read. */
export type Reply = { readonly id: number; readonly outcome: Outcome; readonly why: Why | null };

/** One look at the world: the plant, the time since the controller's start, and the answers since the last look. */
export type View = {
  readonly plant: Observation;
  readonly nowUs: Us;
  readonly replies: readonly Reply[];
};

/** Registers as read, in the demo plant's map; null for a read that failed. */
export type RawReadings = {
  readonly levels: readonly number[] | null;
  readonly pressure: readonly number[] | null;
  readonly valve: readonly number[] | null;
  readonly running: readonly number[] | null;
  readonly commands: readonly number[] | null;
  readonly valveBit: readonly number[] | null;
};

/** Where {@link RawReadings} stand: one read each. */
export const READ_PLAN = {
  levels: { table: "ir", address: 10, quantity: 4 },
  pressure: { table: "ir", address: 20, quantity: 1 },
  valve: { table: "di", address: 4, quantity: 2 },
  running: { table: "di", address: 8, quantity: 2 },
  commands: { table: "hr", address: 40, quantity: 3 },
  valveBit: { table: "co", address: 0, quantity: 1 },
} as const;

const CARD_FULL = 27_648;

export function observe(raw: RawReadings): Observation {
  const [open, closed] = toBits(raw.valve);
  const [one, two] = toBits(raw.running);
  const [word, speed1, speed2] = raw.commands ?? [];
  return {
    levelM: median(raw.levels),
    pressureBar: fromCard(raw.pressure?.[0], 10),
    valveOpen: open ?? null,
    valveClosed: closed ?? null,
    valveBit: toBits(raw.valveBit)[0] ?? null,
    running: one === undefined || two === undefined ? null : [one, two],
    runWord: word ?? null,
    speedsHz: speed1 === undefined || speed2 === undefined ? null : [speed1 / 100, speed2 / 100],
  };
}

/** The same over a synchronous reader, for a plant in the same process. */
export function observeWith(
  read: (
    table: "co" | "di" | "ir" | "hr",
    address: number,
    quantity: number,
  ) => readonly number[] | null,
): Observation {
  const take = (ask: (typeof READ_PLAN)[keyof typeof READ_PLAN]): readonly number[] | null =>
    read(ask.table, ask.address, ask.quantity);
  return observe({
    levels: take(READ_PLAN.levels),
    pressure: take(READ_PLAN.pressure),
    valve: take(READ_PLAN.valve),
    running: take(READ_PLAN.running),
    commands: take(READ_PLAN.commands),
    valveBit: take(READ_PLAN.valveBit),
  });
}

function median(levels: readonly number[] | null): number | null {
  const [a, b, low, high] = levels ?? [];
  if (low === undefined || high === undefined) return null;
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, high);
  view.setUint16(2, low);
  const good = [fromCard(a, 6), fromCard(b, 6), view.getFloat32(0)]
    .filter((level): level is number => level !== null && Number.isFinite(level))
    .sort((x, y) => x - y);
  return good[Math.floor(good.length / 2)] ?? null;
}

function fromCard(raw: number | undefined, span: number): number | null {
  return raw === undefined || raw > CARD_FULL ? null : (raw / CARD_FULL) * span;
}

function toBits(words: readonly number[] | null): readonly boolean[] {
  return words?.map((word) => word !== 0) ?? [];
}
