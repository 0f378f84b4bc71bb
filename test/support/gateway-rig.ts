import { createHash } from "node:crypto";
import type { Order } from "../../src/codec/door/message.js";
import { encodeRequest } from "../../src/codec/modbus/encode-request.js";
import { openEvidence } from "../../src/guard/evidence/open.js";
import { Guard } from "../../src/guard/guard.js";
import type { DoorSession } from "../../src/guard/command-desk.js";
import type {
  EvidenceStore,
  PlcLink,
  SouthRead,
  SouthWrite,
  WriteResult,
} from "../../src/guard/ports.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { foldEntry } from "../../src/kernel/state/fold.js";
import { initialState } from "../../src/kernel/state/initial.js";
import { initialKernelState } from "../../src/kernel/step/step.js";
import { testCommitKeys } from "./commit-keys.js";
import { boot } from "./entries.js";
import type { ForgetfulDisk } from "./forgetful-disk.js";
import { createManualClock, type ManualClock } from "./host-clock.js";

/** Lets everything that the loop has been promised happen, disk calls excepted. */
export async function settleLoop(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

export type GatewayRig = {
  readonly guard: Guard;
  readonly session: DoorSession;
  readonly store: EvidenceStore;
  readonly clock: ManualClock;
  readonly orders: Order[];
  /** What the guard says of faults of its own. */
  readonly faults: readonly unknown[];
  /** One write as Modbus FC5 or FC6 over the door. */
  readonly ask: (unit: number, address: number, value: number | boolean) => void;
};

/** The real guard on the real store over a {@link ForgetfulDisk}, with devices given as ports. */
export async function startRig(
  profile: CompiledProfile,
  forgetful: ForgetfulDisk,
  links: readonly PlcLink[],
): Promise<GatewayRig> {
  const clock = createManualClock();
  const opening = openEvidence({
    disk: forgetful.disk(),
    clock,
    signer: {
      kind: "file",
      spki: new Uint8Array(91),
      kid: new Uint8Array(32),
      raise: null,
      sign: async (bytes) => await Promise.resolve(stretch(bytes)),
    },
    commitKeys: testCommitKeys(),
    gateway: "rig",
    bootId: new Uint8Array(16).fill(3),
    visitor: { snapshot: () => undefined, entry: () => undefined },
    rotate: () => undefined,
    report: () => undefined,
  });
  const { store } = await pump(forgetful, opening);
  const first = bootEntry(profile);
  store.append(first);
  const state = initialKernelState(profile, foldEntry(profile, initialState(profile), first), 0);
  const listeners = [
    {
      host: "127.0.0.1",
      port: 0,
      units: [
        [1, 0],
        [2, 1],
      ] as const,
      peers: [["*", 0]] as const,
    },
  ];
  const limits = { connections: 10, inFlight: 32, guardInFlight: 64, patienceMs: 1000 };
  let ids = 0;
  const faults: unknown[] = [];
  const guard = new Guard({
    profile,
    state,
    clock: { ...clock, hostUs: clock.nowUs, scale: 1 },
    store,
    links: links.map((link) => ({ link, safeLink: null })),
    door: { listeners, ownUnit: 247, limits, identity: ["", "", ""] },
    key: { spki: new Uint8Array(91), need: "none" },
    newId: () => {
      const id = new Uint8Array(16);
      new DataView(id.buffer).setUint32(0, (ids += 1));
      return id;
    },
    alarm: () => undefined,
    failed: (error) => {
      faults.push(error);
    },
  });
  const orders: Order[] = [];
  const session = guard.openDoor((order) => void orders.push(order));
  session.receive({ kind: "hello", version: 1, door: 0 });
  session.receive({ kind: "open", connection: 1, listener: 0, peer: "127.0.0.1" });
  guard.start();
  let ticket = 0;
  return {
    guard,
    session,
    store,
    clock,
    orders,
    faults,
    ask: (unit, address, value) => {
      const pdu = encodeRequest(
        typeof value === "boolean"
          ? { kind: "write-bits", function: 5, address, bits: [value] }
          : { kind: "write-words", function: 6, address, words: [value] },
      );
      if (pdu === null) throw new Error("no such request");
      const receivedHostUs = clock.nowUs();
      session.receive({
        kind: "request",
        ticket: (ticket += 1),
        connection: 1,
        unit,
        pdu,
        receivedHostUs,
      });
      guard.pause();
    },
  };
}

/** A device whose requests wait until the test answers them; what was written is what is read. */
export class StillDevice {
  readonly waiting: (() => void)[] = [];
  readonly #values: Map<string, number>;
  readonly #onWrite: (write: SouthWrite) => void;
  #busy = false;
  readonly #idle: (() => void)[] = [];
  readonly #up: ((up: boolean, why: string) => void)[] = [];

  constructor(values: ReadonlyMap<string, number>, onWrite: (write: SouthWrite) => void) {
    this.#values = new Map(values);
    this.#onWrite = onWrite;
  }

  answer(): boolean {
    const next = this.waiting.shift();
    next?.();
    return next !== undefined;
  }

  connect(): void {
    for (const run of this.#up) run(true, "connected");
  }

  /** Asked anew each time: whoever was told last may have taken the line. */
  #isIdle(): boolean {
    return !this.#busy;
  }

  link(clock: () => number): PlcLink {
    const ask = (act: () => void): void => {
      this.#busy = true;
      this.waiting.push(() => {
        this.#busy = false;
        act();
        for (const run of this.#idle) if (this.#isIdle()) run();
      });
    };
    return {
      idle: () => !this.#busy,
      write: (write, settled: (result: WriteResult) => void) => {
        this.#onWrite(write);
        this.#take(write);
        ask(() => {
          settled({ kind: "acknowledged", reply: Uint8Array.of(6) });
        });
      },
      read: (read, settled) => {
        const sentUs = clock();
        ask(() => {
          settled({ kind: "read", sentUs, words: this.#read(read) });
        });
      },
      onLink: (run) => void this.#up.push(run),
      onIdle: (run) => void this.#idle.push(run),
      close: () => undefined,
    };
  }

  #take(write: SouthWrite): void {
    const { data } = write;
    const values =
      data.kind === "words" ? data.words : data.kind === "bits" ? data.bits.map(Number) : [];
    values.forEach((value, offset) => {
      this.#values.set(`${write.table}${write.address + offset}`, value);
    });
  }

  #read({ table, address, quantity }: SouthRead): number[] {
    return Array.from(
      { length: quantity },
      (_, offset) => this.#values.get(`${table}${address + offset}`) ?? 0,
    );
  }
}

/** Runs the disk until `work` is done. */
export async function pump<T>(forgetful: ForgetfulDisk, work: Promise<T>): Promise<T> {
  const state = { done: false };
  const end = (): void => {
    state.done = true;
  };
  work.then(end, end);
  for (let turns = 0; !state.done; turns += 1) {
    if (turns > 10_000) throw new Error("the disk never came to rest");
    forgetful.goOn();
    await settleLoop();
  }
  return await work;
}

/** Reads until every device has been polled whole, so that the guard enforces. */
export async function untilEnforcing(
  rig: GatewayRig,
  forgetful: ForgetfulDisk,
  devices: readonly StillDevice[],
): Promise<void> {
  for (const device of devices) device.connect();
  for (let turns = 0; rig.guard.state.folded.mode !== "enforcing"; turns += 1) {
    if (turns > 500) throw new Error(`still ${rig.guard.state.folded.mode}`);
    rig.clock.advance(10_000);
    for (const device of devices) device.answer();
    forgetful.goOn();
    await settleLoop();
  }
}

function bootEntry(profile: CompiledProfile): Entry {
  return { seq: 0, monoUs: 0, cause: null, body: boot(1, { profile: profile.model.digest }) };
}

function stretch(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}
