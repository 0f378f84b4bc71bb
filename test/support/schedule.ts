import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import type { SouthWrite } from "../../src/kernel/command/request.js";
import type { Effect } from "../../src/kernel/step/effect.js";
import type { Input } from "../../src/kernel/step/input.js";
import { initialKernelState, step } from "../../src/kernel/step/step.js";
import type { KernelState } from "../../src/kernel/step/kernel-state.js";
import { foldEntry } from "../../src/kernel/state/fold.js";
import { initialState } from "../../src/kernel/state/initial.js";
import { planReads } from "../../src/kernel/image/read-plan.js";
import { boot } from "./entries.js";
import { seeded, type Random } from "./seeded.js";
import { GO, START, SUM_MAX, X } from "./two-devices.js";

const MS = 1_000;
const END_US = 4_000 * MS;
const EVENTS_MAX = 5_000;
const READ_MS = 100;
const TIMEOUT_US = 400 * MS;
const LATE_US = 1_000 * MS;
const PLACE: Record<string, number> = {
  "0co0": X.pump,
  "0hr0": X.speedA,
  "0co1": X.greenA,
  "1co0": X.valve,
  "1hr0": X.speedB,
  "1co1": X.greenB,
};

export type ScheduleResult = {
  /** What must never be: a sentence each. */
  readonly breaches: readonly string[];
  readonly counts: Counts;
};
export type Counts = {
  commands: number;
  permits: number;
  sent: number;
  /** Applied while another write, permitted before it was settled, was still open. */
  overlapping: number;
  unknown: number;
  late: number;
  lost: number;
  exceptions: number;
  withdrawn: number;
};

/**
 * One seeded life of a kernel with two devices: commands in flight on both, a disk that takes its time,
 * writes that fail, get lost, go unanswered and arrive late (inside the late window, never after). The
 * plant is looked at after every single write that reaches a device, by predicates of its own.
 */
export function runSchedule(profile: CompiledProfile, seed: number): ScheduleResult {
  const world = new World(profile, seed);
  world.run();
  return { breaches: world.breaches, counts: world.counts };
}

type Event = { readonly atUs: number; readonly order: number; readonly run: () => void };

class World {
  readonly breaches: string[] = [];
  readonly counts: Counts = {
    commands: 0,
    permits: 0,
    sent: 0,
    overlapping: 0,
    unknown: 0,
    late: 0,
    lost: 0,
    exceptions: 0,
    withdrawn: 0,
  };
  readonly #profile: CompiledProfile;
  readonly #random: Random;
  readonly #plant: number[] = [...START];
  readonly #busy = [false, false];
  readonly #events: Event[] = [];
  #state: KernelState;
  #nowUs = 0;
  #order = 0;
  #go = 1;
  /** What the kernel was last told of `go`, and when that read had left. */
  #told = { go: 0, sentUs: -1 };
  #ticket = 0;
  #syncing = false;
  #recorded = -1;
  #open = 0;

  constructor(profile: CompiledProfile, seed: number) {
    this.#profile = profile;
    this.#random = seeded(seed);
    const body = boot(1, { profile: profile.model.digest });
    const first: Entry = { seq: 0, monoUs: 0, cause: null, body };
    this.#state = initialKernelState(profile, foldEntry(profile, initialState(profile), first), 0);
  }

  run(): void {
    for (let at = 0; at < END_US; at += READ_MS * MS) {
      for (const device of [0, 1])
        this.#at(at + device * 7 * MS, () => {
          this.#poll(device);
        });
      this.#at(at + 31 * MS, () => {
        this.#give({ kind: "scan", latenessUs: 0 });
      });
      if (this.#random.below(4) === 0) {
        this.#at(at + this.#random.below(READ_MS) * MS, () => (this.#go = 1 - this.#go));
      }
    }
    const commands = 8 + this.#random.below(16);
    for (let index = 0; index < commands; index += 1) {
      const at = 1_300 * MS + this.#random.below(2_200 * MS);
      this.#at(at, () => {
        this.#command();
      });
    }
    let handled = 0;
    for (let event = this.#next(); event !== null; event = this.#next()) {
      if ((handled += 1) > EVENTS_MAX) throw new Error("a schedule that does not end");
      this.#nowUs = event.atUs;
      event.run();
    }
  }

  #at(atUs: number, run: () => void): void {
    this.#events.push({ atUs, order: (this.#order += 1), run });
  }

  #next(): Event | null {
    let best = -1;
    for (let index = 0; index < this.#events.length; index += 1) {
      const [a, b] = [this.#events[index], this.#events[best]];
      if (a === undefined) continue;
      if (b === undefined || a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order))
        best = index;
    }
    const found = this.#events[best];
    if (found === undefined || found.atUs > END_US) return null;
    this.#events.splice(best, 1);
    return found;
  }

  #give(input: Input): void {
    const { state, effects, records } = step(this.#profile, this.#state, input, this.#nowUs);
    this.#state = state;
    for (const { seq, body } of records) {
      this.#recorded = seq;
      if (body.type === "decision" && body.verdict === "permit") {
        this.counts.permits += 1;
        this.#open += 1;
      }
      if (body.type === "outcome") {
        this.#open -= 1;
        if (body.outcome === "withdrawn") this.counts.withdrawn += 1;
      }
    }
    for (const effect of effects) this.#carryOut(effect);
    this.#sync();
  }

  /** The disk: slow, one at a time, and what it confirms is what was there when it began. */
  #sync(): void {
    if (this.#syncing) return;
    const upTo = this.#recorded;
    this.#syncing = true;
    const takes =
      this.#random.below(5) === 0 ? 200 + this.#random.below(500) : this.#random.below(30);
    this.#at(this.#nowUs + takes * MS, () => {
      this.#syncing = false;
      this.#give({ kind: "evidence-durable", seq: upTo });
    });
  }

  #poll(device: number): void {
    planReads(this.#profile.model)[device]?.forEach((block, index) => {
      const sentUs = this.#nowUs;
      const words = Array.from({ length: block.quantity }, (_, offset) =>
        block.table === "di"
          ? this.#go
          : (this.#plant[PLACE[`${device}${block.table}${block.address + offset}`] ?? -1] ?? 0),
      );
      const isGo = block.table === "di";
      this.#at(sentUs + this.#random.below(20) * MS, () => {
        if (isGo && sentUs >= this.#told.sentUs) this.#told = { go: words[GO] ?? 0, sentUs };
        this.#give({ kind: "block-read", device, block: index, sentUs, words });
      });
    });
  }

  #command(): void {
    this.counts.commands += 1;
    const output = this.#random.below(6);
    const isSpeed = output === X.speedA || output === X.speedB;
    const value = isSpeed ? 20 + 5 * this.#random.below(9) : this.#random.below(2);
    const ticket = (this.#ticket += 1);
    const id = new Uint8Array(16);
    id[0] = ticket & 0xff;
    id[1] = ticket >> 8;
    const device = output < 3 ? 0 : 1;
    this.#give({
      kind: "command",
      ticket,
      id,
      controller: this.#random.below(2),
      door: "modbus-tcp",
      auth: "address",
      bytes: new Uint8Array(0),
      bytesHash: null,
      arrivedUs: this.#nowUs,
      refusal: null,
      request: {
        device,
        table: isSpeed ? "hr" : "co",
        address: isSpeed ? 0 : output % 3 === 2 ? 1 : 0,
        function: isSpeed ? 6 : 5,
        data: isSpeed ? { kind: "words", words: [value] } : { kind: "bits", bits: [value === 1] },
      },
    });
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "line-wanted":
        this.#at(this.#nowUs + this.#random.below(60) * MS, () => {
          this.#free(effect.device);
        });
        return;
      case "send":
        this.#send(effect.device, effect.seq, effect.write);
        return;
      case "read-back":
        this.#readBack(effect);
        return;
      case "safe-write":
      case "safe-read-back":
      case "clear-line":
      case "reply":
      case "alarm":
      case "checkpoint":
        return;
    }
  }

  #free(device: number): void {
    if (this.#busy[device] !== true) this.#give({ kind: "line-free", device });
  }

  #send(device: number, seq: number, write: SouthWrite): void {
    this.counts.sent += 1;
    this.#busy[device] = true;
    this.#checkGo(device, write);
    const fate = this.#random.below(10);
    const settle = (after: number, result: Parameters<World["settled"]>[2]): void => {
      this.#at(this.#nowUs + after, () => {
        this.settled(device, seq, result);
      });
    };
    if (fate === 0) {
      this.counts.exceptions += 1;
      settle(10 * MS, { kind: "exception", code: 6, reply: Uint8Array.of(0x86, 6) });
      return;
    }
    if (fate <= 2) {
      this.counts.unknown += 1;
      settle(TIMEOUT_US, { kind: "unknown", why: "timeout" });
      if (this.#random.below(3) === 0) {
        this.counts.lost += 1;
        return;
      }
      const after = this.#random.below(TIMEOUT_US + LATE_US - MS);
      if (after > TIMEOUT_US) this.counts.late += 1;
      this.#at(this.#nowUs + after, () => {
        this.#apply(device, write);
      });
      return;
    }
    const after = this.#random.below(40) * MS;
    this.#at(this.#nowUs + after, () => {
      this.#apply(device, write);
    });
    settle(after + 1 * MS, { kind: "acknowledged", reply: Uint8Array.of(6) });
  }

  settled(
    device: number,
    seq: number,
    result: Extract<Input, { kind: "write-settled" }>["result"],
  ): void {
    this.#busy[device] = false;
    this.#give({ kind: "write-settled", device, seq, result });
  }

  /** The very moment of sending: what the kernel knew of `go` then must allow it. */
  #checkGo(device: number, write: SouthWrite): void {
    if (device !== 0 || write.table !== "co" || write.address !== 0) return;
    if (write.data.kind !== "bits" || write.data.bits[0] !== true) return;
    const ageUs = this.#nowUs - this.#told.sentUs;
    if (this.#told.go !== 1) this.breaches.push("pump started although its permissive had gone");
    if (ageUs > 400 * MS) this.breaches.push("pump started on a stale reading");
  }

  #apply(device: number, write: SouthWrite): void {
    if (this.#open > 1) this.counts.overlapping += 1;
    const place = PLACE[`${device}${write.table}${write.address}`];
    const { data } = write;
    if (place === undefined || data.kind === "mask") throw new Error("a write to nowhere");
    this.#plant[place] = data.kind === "words" ? (data.words[0] ?? NaN) : Number(data.bits[0]);
    const value = (index: number): number => this.#plant[index] ?? NaN;
    const sum = value(X.speedA) + value(X.speedB);
    if (!(sum <= SUM_MAX)) this.breaches.push(`speeds together ${sum}`);
    if (value(X.pump) === 1 && value(X.valve) !== 1) this.breaches.push("pump on, valve closed");
    if (value(X.greenA) === 1 && value(X.greenB) === 1) this.breaches.push("both greens");
  }

  #readBack(effect: Extract<Effect, { kind: "read-back" }>): void {
    const { device, seq, table, address, quantity } = effect;
    const sentUs = this.#nowUs;
    if (this.#random.below(12) === 0) {
      this.#at(sentUs + TIMEOUT_US, () => {
        this.#give({ kind: "read-back", device, seq, read: null });
      });
      return;
    }
    this.#at(sentUs + this.#random.below(15) * MS, () => {
      const words = Array.from(
        { length: quantity },
        (_, offset) => this.#plant[PLACE[`${device}${table}${address + offset}`] ?? -1] ?? 0,
      );
      this.#give({ kind: "read-back", device, seq, read: { sentUs, words } });
    });
  }
}
