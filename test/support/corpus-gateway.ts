import type { Block } from "../../src/kernel/image/read-plan.js";
import { planReads } from "../../src/kernel/image/read-plan.js";
import { rawFromWords } from "../../src/kernel/image/scaling.js";
import { beginBoot, rotationBodies } from "../../src/guard/boot.js";
import { openEvidence } from "../../src/guard/evidence/open.js";
import { KernelLoop } from "../../src/guard/kernel-loop.js";
import type { Clock, EvidenceStore, Signer } from "../../src/guard/ports.js";
import { Recollection } from "../../src/guard/recollect.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Effect } from "../../src/kernel/step/effect.js";
import type { Input } from "../../src/kernel/step/input.js";
import type { KernelState } from "../../src/kernel/step/kernel-state.js";
import { initialKernelState } from "../../src/kernel/step/step.js";
import type { CorpusDisk } from "./corpus-disk.js";
import type { EventQueue } from "./corpus-events.js";
import type { CorpusPlant } from "./corpus-plant.js";
import { testCommitKeys } from "./commit-keys.js";
import type { Random } from "./seeded.js";

const MS = 1_000;
const SCAN_US = 100 * MS;
const UTC_US = 1_790_000_000_000_000;

export type GatewayNeeds = {
  readonly profile: CompiledProfile;
  readonly profileBytes: Uint8Array;
  readonly events: EventQueue;
  readonly random: Random;
  readonly plant: CorpusPlant;
  readonly disk: CorpusDisk;
  readonly signer: Signer;
  readonly segmentBytesMax: number;
  /** Kernel time is world time less this. */
  readonly originUs: number;
  /** Number of the machine's own start: with another one nobody can say how long the gateway was away. */
  readonly machine: number;
};

/** What the disk is like now. */
export type DiskWeather = { syncMs: number };

/** One run of the gateway: the guard's own kernel loop and log, on simulated time, devices and disk. */
export class CorpusGateway {
  readonly diskWeather: DiskWeather = { syncMs: 20 };
  readonly #needs: GatewayNeeds;
  readonly #blocks: readonly (readonly Block[])[];
  #store: EvidenceStore | null = null;
  #loop: KernelLoop | null = null;
  #alive = true;
  /** Why the store gave up though nothing was wrong with its disk. */
  #failure: string | null = null;
  /** Something was given to the store, or it was told something, and it has not come to rest since. */
  #stirred = false;
  readonly #busy: boolean[];

  constructor(needs: GatewayNeeds) {
    this.#needs = needs;
    this.#blocks = planReads(needs.profile.model);
    this.#busy = needs.profile.model.devices.map(() => false);
  }

  get state(): KernelState {
    if (this.#loop === null) throw new Error("not started");
    return this.#loop.state;
  }

  nowUs(): number {
    return this.#needs.events.nowUs - this.#needs.originUs;
  }

  tell(input: Input): void {
    if (this.#alive) this.#loop?.tell(input);
  }

  /** Calls back while this run lives. */
  after(us: number, run: () => void): void {
    this.#needs.events.after(us, () => {
      if (this.#alive) run();
    });
  }

  /** Opens the log, tells what it told of before, and begins. */
  async start(): Promise<void> {
    const { profile, profileBytes, disk, signer, machine } = this.#needs;
    const clock = this.#clock();
    const machineBoot = new Uint8Array(16).fill(machine);
    const recollection = new Recollection(profile);
    disk.gated = false;
    const { store, recovered } = await openEvidence({
      disk: disk.port(),
      clock,
      signer,
      commitKeys: testCommitKeys(),
      gateway: "corpus",
      bootId: this.#bytes(16),
      segmentBytesMax: this.#needs.segmentBytesMax,
      visitor: recollection.visitor,
      rotate: (link) => {
        this.#loop?.record((now) => rotationBodies(profile, now, link, { machineBoot }));
      },
      report: (text) => {
        throw new Error(text);
      },
    });
    this.#store = store;
    disk.gated = true;
    const before = recollection.finish(machineBoot);
    const facts = {
      software: new Uint8Array(32).fill(1),
      site: new Uint8Array(32).fill(2),
      key: signer.kind,
      spki: signer.spki,
      splitEnforced: false,
      nv: null,
      lost: null,
      profileBytes,
      machineBoot,
    } as const;
    const boot = beginBoot(profile, { ...before, recovered }, facts, clock);
    for (const entry of boot.entries) store.append(entry);
    const gapUs = before.lastUs === null ? null : clock.nowUs() - before.lastUs;
    this.#loop = new KernelLoop(initialKernelState(profile, boot.state, clock.nowUs(), gapUs), {
      profile,
      nowUs: clock.nowUs,
      append: (entry) => {
        store.append(entry);
        this.#stirred = true;
      },
      act: (effect) => {
        this.#act(effect);
      },
      settled: () => undefined,
      failed: (error) => {
        throw new Error("the kernel failed", { cause: error });
      },
    });
    store.onDurable((seq) => {
      this.tell({ kind: "evidence-durable", seq });
    });
    store.onFailed((why) => {
      if (disk.fault === null) this.#failure = why;
      this.tell({ kind: "evidence-failed", why });
    });
    this.#stirred = true;
    this.#beginRounds();
  }

  /** Lets the store do all it can do now, and makes its sync end after its time. */
  async settle(): Promise<void> {
    const { disk } = this.#needs;
    if (this.#failure !== null) throw new Error(this.#failure);
    if (!this.#stirred || disk.isSyncing()) return;
    this.#stirred = false;
    for (let turn = 0; turn < 5 && !disk.isSyncing(); turn += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    if (!disk.isSyncing()) return;
    this.after((1 + this.#needs.random.below(this.diskWeather.syncMs)) * MS, () => {
      disk.endSync();
      this.#stirred = true;
    });
  }

  /** As a guard stops: what waits is withdrawn, the log gets its last checkpoint. */
  async stop(): Promise<void> {
    const { disk } = this.#needs;
    this.tell({ kind: "shutdown", why: "test" });
    this.#alive = false;
    disk.gated = false;
    disk.endSync();
    await this.#store?.close();
  }

  /** The power fails: of what was not synced a part stays, or zeros in its place. */
  async crash(how: "torn" | "zeros"): Promise<void> {
    const { disk, random } = this.#needs;
    await this.settle();
    this.#alive = false;
    const keepBytes = how === "zeros" ? 0 : random.below(disk.unsynced + 1);
    disk.cutPower({ keepBytes, asZeros: how === "zeros" });
  }

  linkChanged(device: number, up: boolean): void {
    this.tell({ kind: "device-link", device, up, why: up ? "connected" : "connection refused" });
  }

  #beginRounds(): void {
    const { plant, profile } = this.#needs;
    plant.devices.forEach(({ weather }, device) => {
      if (!weather.linkUp) this.linkChanged(device, false);
    });
    profile.model.devices.forEach(({ pollUs }, device) => {
      this.#every(pollUs, () => {
        this.#poll(device);
      });
    });
    this.#every(SCAN_US, () => {
      this.tell({ kind: "scan", latenessUs: 0 });
    });
  }

  #every(periodUs: number, run: () => void): void {
    const round = (): void => {
      run();
      this.after(periodUs, round);
    };
    this.after(this.#needs.random.below(periodUs), round);
  }

  #poll(device: number): void {
    const { plant } = this.#needs;
    const { linkUp, answers } = plant.weather(device);
    this.#blocks[device]?.forEach(({ table, address, quantity }, block) => {
      if (!linkUp || !answers) {
        this.tell({ kind: "block-failed", device, block, why: linkUp ? "timeout" : "closed" });
        return;
      }
      const sentUs = this.nowUs();
      const words = plant.read(device, table, address, quantity);
      this.after(this.#needs.random.below(15) * MS, () => {
        this.tell({ kind: "block-read", device, block, sentUs, words });
      });
    });
  }

  #act(effect: Effect): void {
    switch (effect.kind) {
      case "line-wanted":
        this.#wait(effect.device, () => {
          if (this.#busy[effect.device] !== true) {
            this.tell({ kind: "line-free", device: effect.device });
          }
        });
        return;
      case "send":
        this.#send(effect);
        return;
      case "read-back":
        this.#readBack(effect);
        return;
      case "safe-write":
        this.#safeWrite(effect);
        return;
      case "safe-read-back":
        this.#safeReadBack(effect);
        return;
      case "checkpoint":
        this.#store?.checkpoint(effect.why);
        this.#stirred = true;
        return;
      case "clear-line":
      case "reply":
      case "alarm":
        return;
    }
  }

  #wait(device: number, run: () => void): void {
    const { plant, random } = this.#needs;
    this.after(random.below(plant.weather(device).lineMs) * MS, run);
  }

  #send({ device, seq, write }: Extract<Effect, { kind: "send" }>): void {
    this.#busy[device] = true;
    const fate = this.#needs.plant.send(device, write);
    this.after(fate.afterUs, () => {
      this.#busy[device] = false;
      this.tell({ kind: "write-settled", device, seq, result: resultOf(fate) });
    });
  }

  #readBack(effect: Extract<Effect, { kind: "read-back" }>): void {
    const { device, seq } = effect;
    this.#read(effect, (sentUs, words) => {
      const read = words === null ? null : { sentUs, words };
      this.tell({ kind: "read-back", device, seq, read });
    });
  }

  #safeWrite({ device, output, attempt, write }: Extract<Effect, { kind: "safe-write" }>): void {
    const fate = this.#needs.plant.send(device, write);
    this.after(fate.afterUs, () => {
      const result = resultOf(fate);
      this.tell({ kind: "safe-write-settled", device, output, attempt, result });
    });
  }

  #safeReadBack(effect: Extract<Effect, { kind: "safe-read-back" }>): void {
    const { device, output, attempt } = effect;
    const at = this.#needs.profile.model.outputs[output]?.at;
    const format = at?.bit !== null ? "u16" : at.format;
    this.#read(effect, (sentUs, words) => {
      const raw = words === null ? null : rawFromWords(words, 0, format);
      const read = raw === null ? null : { sentUs, raw };
      this.tell({ kind: "safe-read-back", device, output, attempt, read });
    });
  }

  #read(
    of: Extract<Effect, { kind: "read-back" | "safe-read-back" }>,
    done: (sentUs: number, words: readonly number[] | null) => void,
  ): void {
    const { plant, random } = this.#needs;
    const sentUs = this.nowUs();
    const { linkUp, answers } = plant.weather(of.device);
    const fails = !linkUp || !answers || random.below(40) === 0;
    const words = fails ? null : plant.read(of.device, of.table, of.address, of.quantity);
    this.after((fails && linkUp ? 400 : random.below(15)) * MS, () => {
      done(sentUs, words);
    });
  }

  #clock(): Clock {
    return {
      nowUs: () => this.nowUs(),
      utcUs: () => UTC_US + this.#needs.events.nowUs,
      quality: () => 1,
      at: (atUs, run) => {
        let cancelled = false;
        this.after(Math.max(0, atUs - this.nowUs()), () => {
          if (cancelled) return;
          run();
          this.#stirred = true;
        });
        return () => {
          cancelled = true;
        };
      },
    };
  }

  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#needs.random.below(256));
  }
}

function resultOf(
  fate: ReturnType<CorpusPlant["send"]>,
): Extract<Input, { kind: "write-settled" }>["result"] {
  switch (fate.kind) {
    case "acknowledged":
      return { kind: "acknowledged", reply: Uint8Array.of(6) };
    case "exception":
      return { kind: "exception", code: 4, reply: Uint8Array.of(0x86, 4) };
    case "unknown":
      return { kind: "unknown", why: fate.why };
    case "not-sent":
      return { kind: "not-sent", cause: "no-line", why: "closed" };
  }
}
