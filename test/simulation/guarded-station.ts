import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { observeWith } from "../../simulators/ai-controller/observation.js";
import type { Reply } from "../../simulators/ai-controller/observation.js";
import type { Controller, Request } from "../../simulators/ai-controller/controller.js";
import type { Frame } from "../../simulators/ai-controller/frame.js";
import type { LiftStation } from "../../simulators/lift-station/station.js";
import type { SouthWrite, WriteRequest } from "../../src/kernel/command/request.js";
import { planReads } from "../../src/kernel/image/read-plan.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Table } from "../../src/kernel/profile/model.js";
import type { DecisionBody, Entry } from "../../src/kernel/record/entry.js";
import { foldEntry, initialState } from "../../src/kernel/state/fold.js";
import type { Effect, Reply as Answer } from "../../src/kernel/step/effect.js";
import type { Input, WriteResult } from "../../src/kernel/step/input.js";
import type { KernelState } from "../../src/kernel/step/kernel-state.js";
import { initialKernelState, step } from "../../src/kernel/step/step.js";
import { loadProfile } from "../../src/profile/load.js";

const MS = 1_000;
const SCAN_US = 50 * MS;
const TURN_US = 500 * MS;

/** The station's own profile, as shipped. */
export function loadStationProfile(): CompiledProfile {
  const file = "profiles/lift-station.yaml";
  const bytes = readFileSync(new URL(`../../${file}`, import.meta.url));
  const digest = new Uint8Array(createHash("sha256").update(bytes).digest());
  const load = loadProfile(bytes.toString("utf8"), file, digest);
  if (!load.ok) throw new Error(load.rendered.join("\n"));
  return compileProfile(load.model);
}

/**
 * Kernel, plant and controller in one process on the plant's own clock: the disk is at once durable, the PLC answers
 * each request after a millisecond. What doors, links and the log's bytes do is tested where they are.
 */
export class GuardedStation {
  readonly station: LiftStation;
  readonly records: Entry[] = [];
  readonly #profile: CompiledProfile;
  readonly #controller: Controller;
  readonly #ai: number;
  readonly #answers = new Map<number, Answer>();
  readonly #beat: () => number | null;
  #state: KernelState;
  #nowUs = 0;
  #ticket = 0;
  #replies: readonly Reply[] = [];
  #lastBeat = -1;

  constructor(profile: CompiledProfile, station: LiftStation, controller: Controller) {
    this.#profile = profile;
    this.station = station;
    this.#controller = controller;
    this.#ai = profile.model.controllers.findIndex(({ name }) => name === "ai");
    this.#beat = () => controller.beat(this.#nowUs);
    const boot = bootEntry(profile);
    this.#state = initialKernelState(profile, foldEntry(profile, initialState(profile), boot), 0);
    // The gateway is up for some seconds before the controller comes.
    this.#pass(3_000 * MS, false);
  }

  get mode(): string {
    return this.#state.folded.mode;
  }

  get latched(): readonly string[] {
    return this.#state.folded.latched.map(({ id }) => id);
  }

  /** Verdicts with the first reason of each, on record. */
  decisions(): readonly DecisionBody[] {
    return this.records.flatMap(({ body }) => (body.type === "decision" ? [body] : []));
  }

  run(us: number): void {
    this.#pass(us, true);
  }

  #pass(us: number, withController: boolean): void {
    const endUs = this.#nowUs + us;
    for (let atUs = this.#nowUs; atUs < endUs;) {
      atUs += SCAN_US;
      this.#moveTo(atUs);
      if (withController) this.#beatLease();
      if (atUs % (250 * MS) === 0) this.#poll();
      if (withController && atUs % TURN_US === 0) this.#letControllerAct();
      this.#give({ kind: "scan", latenessUs: 0 });
    }
  }

  #moveTo(us: number): void {
    this.#nowUs = Math.max(this.#nowUs, us);
    this.station.advance(Math.max(0, this.#nowUs - this.station.nowUs()));
  }

  #beatLease(): void {
    const value = this.#beat();
    if (value === null || value === this.#lastBeat) return;
    this.#lastBeat = value;
    this.#give({ kind: "beat", controller: this.#ai, value });
  }

  #poll(): void {
    planReads(this.#profile.model).forEach((blocks, device) => {
      blocks.forEach(({ table, address, quantity }, block) => {
        const sentUs = this.#nowUs;
        const words = this.#read(table, address, quantity);
        this.#give({ kind: "block-read", device, block, sentUs, words });
      });
    });
  }

  #letControllerAct(): void {
    const plant = observeWith((table, address, quantity) => this.#read(table, address, quantity));
    const requests = this.#controller.next({ plant, nowUs: this.#nowUs, replies: this.#replies });
    this.#replies = requests.map((request) => this.#ask(request));
  }

  #ask(request: Request): Reply {
    const ticket = (this.#ticket += 1);
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(12, ticket);
    const write = toWriteRequest(request.frame);
    this.#give({
      kind: "command",
      ticket,
      id,
      controller: this.#ai,
      door: "modbus-tcp",
      auth: "address",
      bytes: Uint8Array.of(ticket & 0xff),
      bytesHash: null,
      arrivedUs: this.#nowUs,
      request: write,
      refusal: write === null ? "function" : null,
    });
    const answer = this.#answers.get(ticket);
    if (answer === undefined) throw new Error(`${request.meant}: not answered`);
    const { exception, why } = answer;
    return {
      id: request.id,
      outcome: exception === null ? { kind: "done" } : { kind: "exception", code: exception },
      why: { verdict: why.verdict, reason: this.#reasonOf(answer), rule: why.rule },
    };
  }

  /** As the controller's client does: without a lease because it is suspended is suspended. */
  #reasonOf({ why }: Answer): Answer["why"]["code"] {
    const isSuspended =
      (this.#state.folded.controllers[this.#ai]?.suspendedUntilUs ?? 0) > this.#nowUs;
    return why.code === "lease" && isSuspended ? "suspended" : why.code;
  }

  #give(input: Input): void {
    const { state, effects, records } = step(this.#profile, this.#state, input, this.#nowUs);
    this.#state = state;
    this.records.push(...records);
    for (const effect of effects) this.#carryOut(effect);
    const last = records.at(-1);
    if (last !== undefined) this.#give({ kind: "evidence-durable", seq: last.seq });
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "line-wanted":
        this.#give({ kind: "line-free", device: effect.device });
        return;
      case "send": {
        const result = this.#write(effect.write);
        this.#give({ kind: "write-settled", device: effect.device, seq: effect.seq, result });
        return;
      }
      case "read-back": {
        const { device, seq, table, address, quantity } = effect;
        this.#moveTo(this.#nowUs + MS);
        const read = { sentUs: this.#nowUs, words: this.#read(table, address, quantity) };
        this.#give({ kind: "read-back", device, seq, read });
        return;
      }
      case "safe-write": {
        const { device, output, attempt, write } = effect;
        const result = this.#write(write);
        this.#give({ kind: "safe-write-settled", device, output, attempt, result });
        return;
      }
      case "safe-read-back": {
        const { device, output, attempt, table, address } = effect;
        this.#moveTo(this.#nowUs + MS);
        const read = { sentUs: this.#nowUs, raw: this.#read(table, address, 1)[0] ?? 0 };
        this.#give({ kind: "safe-read-back", device, output, attempt, read });
        return;
      }
      case "reply":
        this.#answers.set(effect.ticket, effect);
        return;
      case "clear-line":
      case "alarm":
      case "checkpoint":
        return;
    }
  }

  #read(table: Table, address: number, quantity: number): readonly number[] {
    const reply = this.station.read(table, address, quantity);
    if (reply.kind !== "read") throw new Error(`${table} ${address} is not served`);
    return reply.words;
  }

  #write({ table, address, data }: SouthWrite): WriteResult {
    this.#moveTo(this.#nowUs + MS);
    if (data.kind === "mask") return { kind: "exception", code: 1, reply: new Uint8Array(0) };
    const words = data.kind === "words" ? data.words : data.bits.map(Number);
    const reply = this.station.write({ table, address, words });
    return reply.kind === "exception"
      ? { kind: "exception", code: reply.code, reply: new Uint8Array(0) }
      : { kind: "acknowledged", reply: new Uint8Array(0) };
  }
}

/** Null: a function that is not served. */
function toWriteRequest(frame: Frame): WriteRequest | null {
  switch (frame.kind) {
    case "coil": {
      const { address, value } = frame;
      const data = { kind: "bits", bits: [value] } as const;
      return { device: 0, table: "co", address, function: 5, data };
    }
    case "register": {
      const { address, value } = frame;
      const data = { kind: "words", words: [value] } as const;
      return { device: 0, table: "hr", address, function: 6, data };
    }
    case "mask": {
      const { address, and, or } = frame;
      return { device: 0, table: "hr", address, function: 22, data: { kind: "mask", and, or } };
    }
    case "raw":
      return null;
  }
}

function bootEntry(profile: CompiledProfile): Entry {
  return {
    seq: 0,
    monoUs: 0,
    cause: null,
    body: {
      type: "boot",
      boot: 1,
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
