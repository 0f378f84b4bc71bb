import type { SouthWrite, WriteRequest } from "../../src/kernel/command/request.js";
import { planReads } from "../../src/kernel/image/read-plan.js";
import { encodeRaw, wordsFromRaw } from "../../src/kernel/image/scaling.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { ProfileModel, Table } from "../../src/kernel/profile/model.js";
import type { Entry, EntryBody } from "../../src/kernel/record/entry.js";
import { foldEntry, initialState } from "../../src/kernel/state/fold.js";
import type { FoldedState } from "../../src/kernel/state/state.js";
import type { Effect } from "../../src/kernel/step/effect.js";
import type { Input, WriteResult } from "../../src/kernel/step/input.js";
import type { KernelState } from "../../src/kernel/step/kernel-state.js";
import { initialKernelState, step } from "../../src/kernel/step/step.js";
import { bar, buildModel, CONTROLLERS, hz, metres, OUT } from "./model.js";

export const MS = 1_000;
export const SECOND = 1_000_000;
const SCAN_US = 50 * MS;
const EFFECTS_MAX = 10_000;

/** What the rig does with effects of a kind: carries them out, or leaves them for the test. */
export type Held = Partial<Record<Effect["kind"] | "durable", boolean>>;

/**
 * A kernel with a lift station's registers behind it: the disk and the device answer at once (1 ms for
 * each request), unless a kind of effect is held. Time passes only when a test says so.
 */
export class Rig {
  readonly profile: CompiledProfile;
  readonly registers: Record<Table, Map<number, number>> = {
    co: new Map(),
    di: new Map(),
    ir: new Map(),
    hr: new Map(),
  };
  readonly held: Held = {};
  readonly effects: Effect[] = [];
  readonly records: Entry[] = [];
  state: KernelState;
  nowUs: number;
  /** Polls are answered and the program's counter runs. */
  polling = true;
  counting = true;
  /** How the device answers writes of commands, and of the guard itself. */
  answer: WriteResult = ACKNOWLEDGED;
  safeAnswer: WriteResult = ACKNOWLEDGED;
  /** Writes reach the registers. */
  effective = true;
  #ticket = 0;
  #nextPollUs = 0;
  #handled = 0;

  constructor(
    overrides: Partial<ProfileModel> = {},
    from: { readonly folded?: FoldedState; readonly gapUs?: number; readonly nowUs?: number } = {},
  ) {
    this.profile = compileProfile(buildModel(overrides));
    this.nowUs = from.nowUs ?? SECOND;
    const before = from.folded ?? initialState(this.profile);
    const folded = foldEntry(this.profile, before, bootEntry(this.profile, before, this.nowUs));
    this.state = initialKernelState(this.profile, folded, this.nowUs, from.gapUs ?? null);
    this.#nextPollUs = this.nowUs;
    this.setPlant();
  }

  /** Normal running: AI mode, valve open, pumps off, 30 Hz, level 2 m. */
  setPlant(): void {
    const { co, di, ir } = this.registers;
    [
      [0, 1],
      [1, 0],
    ].forEach(([at = 0, value = 0]) => co.set(at, value));
    for (const [at, value] of [
      [0, 1],
      [4, 1],
      [5, 0],
      [8, 0],
      [9, 0],
    ] as const)
      di.set(at, value);
    for (const [at, value] of [
      [0, 2],
      [20, bar(2)],
      [30, 200],
      [31, 200],
      [98, 4711],
      [99, 1],
    ] as const) {
      ir.set(at, value);
    }
    this.setLevel(2);
    this.setSpeeds(30, 30);
    this.registers.hr.set(40, 0);
  }

  setLevel(value: number): void {
    const { ir } = this.registers;
    ir.set(10, metres(value));
    ir.set(11, metres(value));
    const words = wordsFromRaw(encodeRaw("f32", "CDAB", Math.fround(value)) ?? 0, "f32");
    words.forEach((word, offset) => ir.set(12 + offset, word));
  }

  setSpeeds(first: number, second: number): void {
    this.registers.hr.set(41, hz(first));
    this.registers.hr.set(42, hz(second));
  }

  /** Devices read, outputs adopted, mode enforcing, and the AI holds its lease. */
  start(): this {
    this.run(600 * MS);
    this.beat(1);
    return this;
  }

  give(input: Input): readonly Effect[] {
    const before = this.effects.length;
    const { state, effects, records } = step(this.profile, this.state, input, this.nowUs);
    this.state = state;
    this.records.push(...records);
    this.effects.push(...effects);
    for (const effect of effects) this.#carryOut(effect);
    const last = records.at(-1);
    if (last !== undefined && this.held.durable !== true) {
      this.give({ kind: "evidence-durable", seq: last.seq });
    }
    return this.effects.slice(before);
  }

  /** Scans every 50 ms and polls at the device's pace for so long. */
  run(us: number): void {
    const endUs = this.nowUs + us;
    while (this.nowUs + SCAN_US <= endUs) {
      this.nowUs += SCAN_US;
      if (this.polling && this.nowUs >= this.#nextPollUs) {
        this.poll();
        this.#nextPollUs = this.nowUs + 250 * MS;
      }
      this.scan();
    }
    this.nowUs = Math.max(this.nowUs, endUs);
  }

  scan(latenessUs = 0): readonly Effect[] {
    return this.give({ kind: "scan", latenessUs });
  }

  poll(sentUs = this.nowUs): void {
    if (this.counting) this.registers.ir.set(99, ((this.registers.ir.get(99) ?? 0) + 1) & 0xffff);
    planReads(this.profile.model).forEach((blocks, device) => {
      blocks.forEach((block, index) => {
        const words = this.read(block.table, block.address, block.quantity);
        this.give({ kind: "block-read", device, block: index, sentUs, words });
      });
    });
  }

  read(table: Table, address: number, quantity: number): number[] {
    return Array.from(
      { length: quantity },
      (_, at) => this.registers[table].get(address + at) ?? 0,
    );
  }

  beat(value: number, controller: number = CONTROLLERS.ai): void {
    this.give({ kind: "beat", controller, value });
  }

  /** A write of one output as the AI would send it; the ticket it was given. */
  ask(output: number, raw: number, controller: number = CONTROLLERS.ai): number {
    const at = this.profile.model.outputs[output]?.at;
    if (at === undefined) throw new Error(`no output ${output}`);
    const data: WriteRequest["data"] =
      at.table === "co"
        ? { kind: "bits", bits: [raw === 1] }
        : at.bit === null
          ? { kind: "words", words: [raw] }
          : { kind: "mask", and: 0xffff & ~(1 << at.bit), or: raw << at.bit };
    return this.request(
      {
        device: 0,
        table: at.table === "co" ? "co" : "hr",
        address: at.register,
        function: at.table === "co" ? 5 : at.bit === null ? 6 : 22,
        data,
      },
      { controller },
    );
  }

  request(
    request: WriteRequest | null,
    as: { readonly controller?: number; readonly arrivedUs?: number } = {},
  ): number {
    const ticket = (this.#ticket += 1);
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(12, ticket);
    this.give({
      kind: "command",
      ticket,
      id,
      controller: as.controller ?? CONTROLLERS.ai,
      door: "modbus-tcp",
      auth: "address",
      bytes: Uint8Array.of(6, 0, ticket & 0xff),
      bytesHash: null,
      arrivedUs: as.arrivedUs ?? this.nowUs,
      request,
      refusal: null,
    });
    return ticket;
  }

  bodies<T extends EntryBody["type"]>(type: T): Extract<EntryBody, { readonly type: T }>[] {
    const is = (body: EntryBody): body is Extract<EntryBody, { readonly type: T }> =>
      body.type === type;
    return this.records.map(({ body }) => body).filter(is);
  }

  did<K extends Effect["kind"]>(kind: K): Extract<Effect, { readonly kind: K }>[] {
    const is = (effect: Effect): effect is Extract<Effect, { readonly kind: K }> =>
      effect.kind === kind;
    return this.effects.filter(is);
  }

  replyTo(ticket: number): Extract<Effect, { readonly kind: "reply" }> | undefined {
    const replies = this.did("reply").filter((reply) => reply.ticket === ticket);
    if (replies.length > 1)
      throw new Error(`ticket ${ticket} was answered ${replies.length} times`);
    return replies[0];
  }

  get mode(): string {
    return this.state.folded.mode;
  }

  get latched(): readonly string[] {
    return this.state.folded.latched.map(({ id }) => id);
  }

  outcomes(): readonly string[] {
    return this.bodies("outcome").map(({ outcome }) => outcome);
  }

  /** From here on only what follows counts. */
  forget(): this {
    this.effects.length = 0;
    this.records.length = 0;
    return this;
  }

  apply(write: SouthWrite): void {
    if (!this.effective) return;
    const { table, address, data } = write;
    const memory = this.registers[table];
    if (data.kind === "bits") data.bits.forEach((bit, at) => memory.set(address + at, bit ? 1 : 0));
    else if (data.kind === "words")
      data.words.forEach((word, at) => memory.set(address + at, word));
    else memory.set(address, ((memory.get(address) ?? 0) & data.and) | (data.or & ~data.and));
  }

  #carryOut(effect: Effect): void {
    if ((this.#handled += 1) > EFFECTS_MAX) throw new Error("effects that do not end");
    if (this.held[effect.kind] === true) return;
    switch (effect.kind) {
      case "line-wanted":
        this.give({ kind: "line-free", device: effect.device });
        return;
      case "send":
        if (this.answer.kind === "acknowledged") this.apply(effect.write);
        this.nowUs += MS;
        this.give({
          kind: "write-settled",
          device: effect.device,
          seq: effect.seq,
          result: this.answer,
        });
        return;
      case "read-back": {
        const { device, seq, table, address, quantity } = effect;
        this.nowUs += MS;
        const read = { sentUs: this.nowUs, words: this.read(table, address, quantity) };
        this.give({ kind: "read-back", device, seq, read });
        return;
      }
      case "safe-write": {
        const { device, output, attempt } = effect;
        if (this.safeAnswer.kind === "acknowledged") this.apply(effect.write);
        this.nowUs += MS;
        this.give({ kind: "safe-write-settled", device, output, attempt, result: this.safeAnswer });
        return;
      }
      case "safe-read-back": {
        const { device, output, attempt, table, address } = effect;
        this.nowUs += MS;
        const read = { sentUs: this.nowUs, raw: this.registers[table].get(address) ?? 0 };
        this.give({ kind: "safe-read-back", device, output, attempt, read });
        return;
      }
      case "clear-line":
      case "reply":
      case "alarm":
      case "checkpoint":
        return;
    }
  }
}

/** The default inputs, but believed however fast they change. */
export const quickInputs = (): ProfileModel["inputs"] =>
  buildModel().inputs.map((input) => ({ ...input, maxRatePerS: null }));

export const ACKNOWLEDGED: WriteResult = { kind: "acknowledged", reply: new Uint8Array(0) };
export const TIMED_OUT: WriteResult = { kind: "unknown", why: "timeout" };

export function bootEntry(profile: CompiledProfile, state: FoldedState, nowUs: number): Entry {
  return {
    seq: state.nextSeq,
    monoUs: nowUs,
    cause: null,
    body: {
      type: "boot",
      boot: state.boot + 1,
      software: new Uint8Array(32),
      profile: profile.model.digest,
      site: new Uint8Array(32),
      recovery: { found: "clean", fromSeq: 0, cutBytes: 0, cutHash: null },
      semantics: 1,
      key: "file",
      splitEnforced: false,
      nv: null,
      parachute: null,
    },
  };
}

export { OUT, hz, CONTROLLERS };
