import type { SouthWrite } from "../../src/kernel/command/request.js";
import type { Table } from "../../src/kernel/profile/model.js";
import type { EventQueue } from "./corpus-events.js";
import type { Random } from "./seeded.js";

const MS = 1_000;
export const LEFT = 0;
export const RIGHT = 1;
export const MODE = { off: 0, local: 1, ai: 2, flush: 3 } as const;

/** Addresses in the corpus profile that the plant itself moves. */
const AT = {
  mode: 0,
  level: 10,
  pressure: 20,
  identity: 98,
  alive: 99,
  go: 0,
  aRunning: 1,
  valveOpen: 2,
  gridOk: 0,
  gridLoad: 2,
  horn: 3,
  valve: 1,
  runs: 40,
} as const;

/** What is wrong with a device at the moment; of a hundred writes so many end in each way. */
export type Weather = {
  linkUp: boolean;
  /** Reads and writes are answered at all. */
  answers: boolean;
  /** The program's counter moves. */
  runs: boolean;
  identity: number;
  exceptions: number;
  unanswered: number;
  unsent: number;
  /** Acknowledges writes and does not carry them out. */
  deaf: boolean;
  lineMs: number;
};

export type Fate =
  | { readonly kind: "acknowledged" | "exception" | "not-sent"; readonly afterUs: number }
  | { readonly kind: "unknown"; readonly afterUs: number; readonly why: string };

const TABLE_SIZE = 128;
const TIMEOUT_US = 400 * MS;
/** The shorter late window of the two devices: nothing arrives later than this after its timeout. */
const LATE_US = 800 * MS;

type Device = Readonly<Record<Table, Uint16Array>> & { readonly weather: Weather };

/** Two devices with registers, a process behind them that is just alive enough, and their bad days. */
export class CorpusPlant {
  readonly devices: readonly Device[] = [makeDevice(), makeDevice()];
  /** Readings of the process: what the inputs show. */
  mode: number = MODE.ai;
  go = 1;
  gridOk = 1;
  level: "moving" | "low" | "implausible" | "jumping" = "moving";
  pressure: "normal" | "high" | "burst" | "standing" = "normal";
  gridLoad: "normal" | "high" | "unreadable" = "normal";
  readonly #events: EventQueue;
  readonly #random: Random;
  #levelRaw = 5_000;

  constructor(events: EventQueue, random: Random) {
    this.#events = events;
    this.#random = random;
    this.words(LEFT).set([3_000], 41);
    this.words(RIGHT).set([3_000], 10);
    this.#coils(LEFT)[AT.valve] = 1;
    this.#device(LEFT).di[AT.valveOpen] = 1;
  }

  weather(device: number): Weather {
    return this.#device(device).weather;
  }

  words(device: number): Uint16Array {
    return this.#device(device).hr;
  }

  read(device: number, table: Table, address: number, quantity: number): readonly number[] {
    this.#refresh();
    return [...this.#device(device)[table].subarray(address, address + quantity)];
  }

  /** Somebody else at the panel. */
  tamper(device: number, table: "co" | "hr", address: number, value: number): void {
    this.#device(device)[table][address] = value;
    this.#follow(device);
  }

  /**
   * One write on the wire: what the gateway hears and when. What an unanswered one does happens on its own:
   * nothing, or the write, at any time until the late window is over.
   */
  send(device: number, write: SouthWrite): Fate {
    const { weather } = this.#device(device);
    const random = this.#random;
    if (!weather.linkUp || random.below(100) < weather.unsent) {
      return { kind: "not-sent", afterUs: 1 * MS };
    }
    const fate = random.below(100);
    if (fate < weather.exceptions) return { kind: "exception", afterUs: random.below(20) * MS };
    if (!weather.answers || fate < weather.exceptions + weather.unanswered) {
      const lateUs = random.below(TIMEOUT_US + LATE_US - MS);
      if (random.below(3) > 0) this.#later(lateUs, device, write);
      const why = random.below(2) === 0 ? "timeout" : "connection closed";
      return { kind: "unknown", afterUs: TIMEOUT_US, why };
    }
    const afterUs = (1 + random.below(30)) * MS;
    this.#later(afterUs, device, write);
    return { kind: "acknowledged", afterUs: afterUs + 1 * MS };
  }

  #later(afterUs: number, device: number, write: SouthWrite): void {
    this.#events.after(afterUs, () => {
      if (!this.weather(device).deaf) this.#apply(device, write);
    });
  }

  #apply(device: number, write: SouthWrite): void {
    const { data, address } = write;
    const cells = this.#device(device)[write.table];
    if (data.kind === "mask") {
      cells[address] = ((cells[address] ?? 0) & data.and) | (data.or & ~data.and & 0xffff);
    } else {
      const values = data.kind === "words" ? data.words : data.bits.map(Number);
      values.forEach((value, offset) => (cells[address + offset] = value));
    }
    this.#follow(device);
    if (device === LEFT && write.table === "co" && address === AT.horn) {
      this.#events.after(500 * MS, () => (this.#coils(LEFT)[AT.horn] = 0));
    }
  }

  /** The process follows its actuators. */
  #follow(device: number): void {
    if (device !== LEFT) return;
    const { co, di, hr } = this.#device(LEFT);
    this.#events.after(300 * MS, () => (di[AT.aRunning] = (hr[AT.runs] ?? 0) & 1));
    this.#events.after(700 * MS, () => (di[AT.valveOpen] = co[AT.valve] ?? 0));
  }

  #refresh(): void {
    const { nowUs } = this.#events;
    const left = this.#device(LEFT);
    const right = this.#device(RIGHT);
    left.ir[AT.mode] = this.mode;
    left.di[AT.go] = this.go;
    left.ir[AT.identity] = left.weather.identity;
    if (left.weather.runs) left.ir[AT.alive] = Math.floor(nowUs / (100 * MS)) & 0xffff;
    left.ir[AT.level] = this.#readLevel(nowUs);
    left.ir[AT.pressure] = this.#readPressure(nowUs);
    right.di[AT.gridOk] = this.gridOk;
    const load = { normal: 40 + ((nowUs / (1_000 * MS)) % 7), high: 95, unreadable: NaN };
    const bits = new DataView(new ArrayBuffer(4));
    bits.setFloat32(0, load[this.gridLoad]);
    right.ir[AT.gridLoad] = bits.getUint16(2);
    right.ir[AT.gridLoad + 1] = bits.getUint16(0);
  }

  #readLevel(nowUs: number): number {
    switch (this.level) {
      case "moving":
        return (this.#levelRaw = 5_000 + Math.round(150 * Math.sin(nowUs / 4e6)));
      case "low":
        return 400;
      case "implausible":
        return 9_950;
      case "jumping":
        return this.#levelRaw + 600;
    }
  }

  #readPressure(nowUs: number): number {
    const ripple = Math.floor(nowUs / (250 * MS)) % 5;
    const base = { normal: 400, high: 700, burst: 850, standing: 400 }[this.pressure];
    return this.pressure === "standing" ? base : base + ripple;
  }

  #coils(device: number): Uint16Array {
    return this.#device(device).co;
  }

  #device(device: number): Device {
    const found = this.devices[device];
    if (found === undefined) throw new Error(`no device ${device}`);
    return found;
  }
}

export const FAIR: Weather = {
  linkUp: true,
  answers: true,
  runs: true,
  identity: 4_711,
  exceptions: 1,
  unanswered: 2,
  unsent: 1,
  deaf: false,
  lineMs: 30,
};

function makeDevice(): Device {
  const cells = (): Uint16Array => new Uint16Array(TABLE_SIZE);
  return { co: cells(), di: cells(), hr: cells(), ir: cells(), weather: { ...FAIR } };
}
