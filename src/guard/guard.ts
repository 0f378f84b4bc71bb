import type { Claim, Order } from "../codec/door/message.js";
import { planReads, type Block } from "../kernel/image/read-plan.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { ProfileModel } from "../kernel/profile/model.js";
import type { Entry, EntryBody } from "../kernel/record/entry.js";
import type { Effect } from "../kernel/step/effect.js";
import type { Input, OperatorAct } from "../kernel/step/input.js";
import type { KernelState } from "../kernel/step/kernel-state.js";
import { MS, type Us } from "../kernel/units.js";
import { CommandDesk, type DoorSession } from "./command-desk.js";
import { DeviceLine } from "./device-line.js";
import { makeDoorConfig, type DoorSite } from "./door-config.js";
import { GapWatch, shortestCommandAge } from "./gap-watch.js";
import type { HostClock } from "./host-clock.js";
import { ImageCopy } from "./image-copy.js";
import { KernelLoop, type Moment } from "./kernel-loop.js";
import { Lateness, type LatenessSummary } from "./lateness.js";
import { OwnUnitBoard } from "./own-unit-board.js";
import { isMapped, planReplica } from "./replica-plan.js";
import { ReplyGate } from "./reply-gate.js";
import { startScans, TIMER_GRAIN_US } from "./scan-timer.js";
import type { EvidenceStore, PlcLink } from "./ports.js";
import { SigningWatch, type SigningKey } from "./signing-watch.js";
import { Tally } from "./tally.js";
import { Wakefulness } from "./wakefulness.js";
import { WallClockWatch } from "./wall-clock-watch.js";

const SCAN_US: Us = 50 * MS;
const SHUTDOWN_MS_MOST = 5_000;

export type GuardNeeds = {
  readonly profile: CompiledProfile;
  /** As recovered, with this run's boot entry folded in. */
  readonly state: KernelState;
  readonly clock: HostClock;
  readonly store: EvidenceStore;
  /** By position of the device. */
  readonly links: readonly { readonly link: PlcLink; readonly safeLink: PlcLink | null }[];
  readonly door: DoorSite;
  readonly key: SigningKey;
  /** 16 bytes, never the same twice. */
  readonly newId: () => Uint8Array;
  readonly alarm: (id: string, raised: boolean, text: string) => void;
  /** What is still to be recorded when a run ends; bounded. */
  readonly beforeClose?: () => Promise<void>;
  /** A fault of ours where nobody else would see it. The guard is to be halted, and the process to end. */
  readonly failed: (error: unknown) => void;
};

/**
 * The enforcing process without its sockets: kernel, lines, image, doors' sessions, evidence. Everything
 * that happens outside becomes an input of the kernel here, and every effect of it is carried out here.
 */
export class Guard {
  readonly tally: Tally = new Tally();
  readonly alarms: Map<string, string> = new Map<string, string>();
  readonly #needs: GuardNeeds;
  readonly #model: ProfileModel;
  readonly #plan: readonly (readonly Block[])[];
  readonly #loop: KernelLoop;
  readonly #desk: CommandDesk;
  readonly #gate: ReplyGate;
  readonly #lines: readonly DeviceLine[];
  readonly #image: ImageCopy;
  readonly #own: OwnUnitBoard;
  readonly #gaps: GapWatch;
  readonly #lateness: Lateness = new Lateness();
  readonly #signing: SigningWatch;
  readonly #wakefulness: Wakefulness = new Wakefulness(() => performance.now());
  readonly #doors = new Set<(order: Order) => void>();
  readonly #listeners: ((entry: Entry) => void)[] = [];
  readonly #answering: (boolean | undefined)[] = [];
  readonly #stops: (() => void)[] = [];
  readonly #wallClock: WallClockWatch;
  #evidenceSound = true;
  #halted = false;
  #settledOnce: (() => void) | null = null;

  constructor(needs: GuardNeeds) {
    this.#needs = needs;
    this.#model = needs.profile.model;
    this.#plan = planReads(this.#model);
    const { clock, store } = needs;
    this.#wallClock = new WallClockWatch(clock, this.#model.valid, this.#tell);
    this.#gaps = new GapWatch(clock.nowUs, shortestCommandAge(this.#model), (gapUs) => {
      this.#loop.tell({ kind: "loop-gap", gapUs });
    });
    this.#loop = new KernelLoop(needs.state, {
      profile: needs.profile,
      nowUs: clock.nowUs,
      append: this.#append,
      act: this.#act,
      settled: this.#afterInputs,
      failed: needs.failed,
    });
    this.#image = new ImageCopy(this.#plan, clock, this.#broadcast);
    const seen = needs.door.listeners.flatMap(({ peers }) => peers.map(([, who]) => who));
    this.#own = new OwnUnitBoard(needs.profile, new Set(seen), this.#broadcast);
    this.#desk = this.#makeDesk();
    this.#gate = new ReplyGate((reply) => {
      const controller = this.#desk.deliver(reply);
      this.#wakefulness.expect();
      if (controller !== null) this.#own.remember(controller, reply.why);
    });
    this.#lines = needs.links.map((links, device) => this.#makeLine(device, links));
    store.onDurable((seq) => {
      // A store whose listener throws writes nothing any more, and the last entry is still to come.
      try {
        this.#gaps.observe();
        this.#loop.tell({ kind: "evidence-durable", seq });
        this.#gate.open(seq);
      } catch (error) {
        needs.failed(error);
      }
    });
    store.onFailed((why) => {
      this.#evidenceSound = false;
      this.#loop.tell({ kind: "evidence-failed", why });
      this.#gate.fail();
    });
    this.#signing = new SigningWatch(needs.key, store, this.#tell);
  }

  get state(): KernelState {
    return this.#loop.state;
  }

  get profile(): CompiledProfile {
    return this.#needs.profile;
  }

  get model(): ProfileModel {
    return this.#model;
  }

  /** The present time, on the clock of everything in {@link state}. */
  get nowUs(): Us {
    return this.#needs.clock.nowUs();
  }

  get openCommands(): number {
    return this.#desk.open;
  }

  /** Requests of clients that the profile does not know: refused, and no controller's record. */
  get strangers(): number {
    return this.#desk.strangers;
  }

  /** Every entry as it is recorded, after it went to the store. */
  onEntry(run: (entry: Entry) => void): void {
    this.#listeners.push(run);
  }

  start(): void {
    const { clock } = this.#needs;
    this.#signing.begin();
    const scan = (latenessUs: Us): void => {
      this.#scan(latenessUs);
    };
    this.#stops.push(startScans(clock, SCAN_US, scan, TIMER_GRAIN_US));
    this.#model.devices.forEach(({ pollUs }, device) => {
      this.#stops.push(
        startScans(clock, pollUs, () => {
          this.#gaps.observe();
          this.#lines[device]?.poll();
        }),
      );
    });
  }

  /** Records entries that the guard itself has to make, outside any step of the kernel. */
  record(make: (now: Moment) => readonly EntryBody[]): void {
    this.#loop.record(make);
  }

  act(act: OperatorAct): void {
    this.#loop.tell(act);
  }

  /** No permit while the log may not grow, and why; null: it may again, unless it has failed. */
  withhold(why: string | null): void {
    if (why !== null) this.#loop.tell({ kind: "evidence-failed", why });
    else if (this.#evidenceSound) this.#loop.tell({ kind: "evidence-restored" });
  }

  /** Called before anything is looked at that came in while the loop may have stood still. */
  observe(): void {
    this.#gaps.observe();
  }

  /** A door: its first orders are sent before this returns. */
  openDoor(send: (order: Order) => void): DoorSession {
    send(
      makeDoorConfig(this.#model, this.#needs.door, {
        boot: this.state.folded.boot,
        scale: this.#needs.clock.scale,
      }),
    );
    this.#image.sendAll(send);
    this.#answering.forEach((answering, device) => {
      send({ kind: "device", device, answering: answering === true });
    });
    this.#doors.add(send);
    const session = this.#desk.openSession(send);
    return {
      receive: (claim: Claim) => session.receive(claim),
      close: () => {
        this.#doors.delete(send);
        session.close();
      },
    };
  }

  /** After the claims of one piece of a door's stream: what came is given to the kernel at once. */
  pause(): void {
    this.#desk.drain();
  }

  scans(): LatenessSummary {
    return this.#lateness.summary();
  }

  overruns(device: number): number {
    return this.#lines[device]?.overruns ?? 0;
  }

  /**
   * For a fault of ours, and for good: nothing is scanned, polled, judged or sent any more, and what is told from
   * outside is ignored. Links and log stay open, for the last resort.
   */
  halt(): void {
    this.#halted = true;
    this.#loop.halt();
    for (const stop of this.#stops.splice(0)) stop();
    for (const line of this.#lines) line.halt();
  }

  /**
   * Withdraws what was not sent, waits a bounded time for what was, then flushes evidence with a last
   * checkpoint. The lines are closed last. A guard that is halted leaves all that to the last resort.
   */
  async stop(why: string): Promise<void> {
    this.#loop.tell({ kind: "shutdown", why });
    if (this.#busyLines()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SHUTDOWN_MS_MOST);
        this.#settledOnce = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const stop of this.#stops.splice(0)) stop();
    if (this.#halted) return;
    await this.#needs.beforeClose?.();
    await this.#needs.store.close();
    for (const line of this.#lines) line.close();
  }

  #makeDesk(): CommandDesk {
    const { clock, door, newId } = this.#needs;
    const blocks = planReplica(this.#model, this.#plan, clock.scale);
    return new CommandDesk({
      clock,
      listeners: door.listeners,
      ownUnit: door.ownUnit,
      leaseRegisters: this.#model.controllers.map(({ lease }) =>
        lease?.beat.kind === "register" && lease.beat.unit === door.ownUnit
          ? lease.beat.register
          : null,
      ),
      beatMaxAgesUs: this.#model.controllers.map(({ commandMaxAgeUs }) => commandMaxAgeUs),
      newId,
      tell: this.#tell,
      mayRead: (device, read) => isMapped(blocks, device, read),
      readSouth: (device, read, done) => {
        const line = this.#lines[device];
        if (line === undefined) done(null);
        else line.addRead(read, done);
      },
    });
  }

  #makeLine(
    device: number,
    links: { readonly link: PlcLink; readonly safeLink: PlcLink | null },
  ): DeviceLine {
    return new DeviceLine({
      device,
      ...links,
      blocks: this.#plan[device] ?? [],
      nowUs: this.#needs.clock.nowUs,
      tell: (input) => {
        this.#gaps.observe();
        this.#loop.tell(input);
      },
      busy: () => this.#loop.busy,
      waiting: () => this.#loop.state.live.queues[device]?.length ?? 0,
      next: () => this.#loop.state.live.queues[device]?.[0]?.permit.south ?? null,
      polled: (block, read) => {
        this.#image.refresh(device, block, read);
      },
      patched: (read, words) => {
        this.#image.patch(device, read, words);
      },
    });
  }

  readonly #tell = (input: Input): void => {
    this.#loop.tell(input);
  };

  readonly #broadcast = (order: Order): void => {
    for (const send of this.#doors) send(order);
  };

  readonly #append = (entry: Entry): void => {
    this.#needs.store.append(entry);
    this.tally.add(entry);
    for (const run of this.#listeners) run(entry);
  };

  readonly #act = (effect: Effect): void => {
    switch (effect.kind) {
      case "send":
        this.#lines[effect.device]?.send(effect.seq, effect.write, this.#deadlineOf(effect.seq));
        this.#wakefulness.expect();
        return;
      case "read-back":
        this.#readBack(effect);
        return;
      case "safe-write":
        this.#lines[effect.device]?.addSafe(effect);
        this.#lines[effect.device]?.pumpSafe();
        return;
      case "safe-read-back":
        this.#lines[effect.device]?.addSafe(effect);
        return;
      case "reply":
        this.#gate.add(effect);
        return;
      case "alarm":
        if (effect.raised) this.alarms.set(effect.id, effect.text);
        else this.alarms.delete(effect.id);
        this.#needs.alarm(effect.id, effect.raised, effect.text);
        return;
      case "checkpoint":
        this.#needs.store.checkpoint(effect.why);
        return;
      // The line asks the kernel whenever it is free, and holds no command writes of its own.
      case "line-wanted":
      case "clear-line":
        return;
    }
  };

  #deadlineOf(seq: number): Us {
    return this.#loop.state.live.flights.get(seq)?.permit.deadlineUs ?? 0;
  }

  #readBack(effect: Extract<Effect, { kind: "read-back" }>): void {
    const { device, seq, table, address, quantity } = effect;
    const line = this.#lines[device];
    if (line === undefined) return;
    this.#wakefulness.expect();
    line.addRead({ table, address, quantity }, (read) => {
      this.#loop.tell({ kind: "read-back", device, seq, read });
    });
  }

  readonly #afterInputs = (): void => {
    for (const line of this.#lines) line.pump();
    this.#answerDevices();
    if (this.#settledOnce !== null && !this.#busyLines()) this.#settledOnce();
  };

  /** Reads of a device that is not surely there and itself are answered "silent" at once. */
  #answerDevices(): void {
    this.#loop.state.folded.devices.forEach(({ condition }, device) => {
      const answering = condition === "up";
      if (this.#answering[device] === answering) return;
      this.#answering[device] = answering;
      this.#broadcast({ kind: "device", device, answering });
    });
  }

  #scan(latenessUs: Us): void {
    const { clock } = this.#needs;
    this.#gaps.observe();
    this.#lateness.add(latenessUs);
    this.#wallClock.look();
    this.#loop.tell({ kind: "scan", latenessUs });
    this.#own.push(this.#loop.state, { us: clock.nowUs(), evidenceSound: this.#evidenceSound });
  }

  #busyLines(): boolean {
    return this.#loop.state.live.flights.size > 0;
  }
}
