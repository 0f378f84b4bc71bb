import { VERDICTS } from "../../src/kernel/record/entry.js";
import { reasonOfNumber } from "./acts.js";
import type { Schedule, Why } from "./acts.js";
import { createController } from "./controller.js";
import type { ActRecord, Request, Tally } from "./controller.js";
import { READ_PLAN, observe } from "./observation.js";
import type { Observation, Reply } from "./observation.js";
import { openSession } from "./session.js";
import type { Session } from "./session.js";

export type ControllerOptions = {
  readonly host: string;
  readonly port: number;
  /** The PLC's unit. */
  readonly unit: number;
  /** The gateway's own unit, for lease and why block; null: no gateway there, straight to the PLC. */
  readonly ownUnit: number | null;
  readonly seed: number;
  readonly schedule: Schedule;
  /** Controller seconds per real second; the plant's own factor. */
  readonly scale: number;
  /** Real time that any one request may take; 1000 where it is not said. */
  readonly timeoutMs?: number;
};

/** An AI controller at work. After its death its connections stay open, as a frozen program's do, until it is closed. */
export type RunningController = {
  readonly records: () => readonly ActRecord[];
  readonly tally: () => Tally;
  readonly isDead: () => boolean;
  /** Seconds of its own time since it started. */
  readonly elapsedS: () => number;
  /** Settles when it has died or was closed. */
  readonly ended: Promise<void>;
  readonly close: () => Promise<void>;
};

const TURN_MS = 500;
const BEAT_MS = 1_000;
const FLOOD_IN_FLIGHT = 8;
const FLOOD_SETTLES_MS = 200;
const WHY_LOOKS = 25;
const WHY_LOOK_MS = 50;
/** IR2 of a controller that was denied too often. */
const LEASE_SUSPENDED = 3;

export function runAiController(options: ControllerOptions): RunningController {
  const controller = createController(options.seed, options.schedule);
  const target = { host: options.host, port: options.port, timeoutMs: options.timeoutMs ?? 1_000 };
  const work = openSession(target);
  const lease = openSession(target);
  const startMs = performance.now();
  const elapsedUs = (): number => (performance.now() - startMs) * 1_000 * options.scale;
  const stop = createStop();

  const beating = runBeats(options, lease, stop, () => controller.beat(elapsedUs()));
  const turning = (async (): Promise<void> => {
    let replies: readonly Reply[] = [];
    while (!stop.isStopped() && !controller.isDead()) {
      const turn = performance.now();
      const plant = await lookAt(work, options.unit);
      const requests = controller.next({ plant, nowUs: elapsedUs(), replies });
      replies = await carryOut(work, options, requests);
      await stop.wait(TURN_MS / options.scale - (performance.now() - turn));
    }
  })();

  return {
    records: controller.records,
    tally: controller.tally,
    isDead: controller.isDead,
    elapsedS: () => elapsedUs() / 1_000_000,
    ended: turning,
    close: async () => {
      stop.stop();
      await Promise.all([turning, beating]);
      work.close();
      lease.close();
    },
  };
}

/** A clock of its own: a slow answer to a command must not cost the lease. */
async function runBeats(
  options: ControllerOptions,
  lease: Session,
  stop: Stop,
  beat: () => number | null,
): Promise<void> {
  if (options.ownUnit === null) return;
  for (let value = beat(); value !== null && !stop.isStopped(); value = beat()) {
    await lease.send(options.ownUnit, { kind: "register", address: 0, value });
    await stop.wait(BEAT_MS / options.scale);
  }
}

async function lookAt(work: Session, unit: number): Promise<Observation> {
  return observe({
    levels: await work.read({ unit, ...READ_PLAN.levels }),
    pressure: await work.read({ unit, ...READ_PLAN.pressure }),
    valve: await work.read({ unit, ...READ_PLAN.valve }),
    running: await work.read({ unit, ...READ_PLAN.running }),
    commands: await work.read({ unit, ...READ_PLAN.commands }),
    valveBit: await work.read({ unit, ...READ_PLAN.valveBit }),
  });
}

/** One after the other, a flood eight at a time. */
async function carryOut(
  work: Session,
  options: ControllerOptions,
  requests: readonly Request[],
): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  for (let from = 0; from < requests.length; from += FLOOD_IN_FLIGHT) {
    const batch = requests.slice(from, from + FLOOD_IN_FLIGHT);
    const [first] = batch;
    const asksWhy = batch.length === 1 && first?.asksWhy === true;
    const before = asksWhy ? await readWhyBlock(work, options) : null;
    const outcomes = await Promise.all(
      batch.map(async ({ frame }) => work.send(options.unit, frame)),
    );
    const why = asksWhy ? await waitForWhy(work, options, before) : null;
    outcomes.forEach((outcome, place) => {
      const request = batch[place];
      if (request !== undefined) replies.push({ id: request.id, outcome, why });
    });
  }
  return withLastWhy(replies, await whyOfFlood(work, options, requests));
}

/** Of a flood only the last is asked why; its denials have no numbers to tell them apart. */
async function whyOfFlood(
  work: Session,
  options: ControllerOptions,
  requests: readonly Request[],
): Promise<Why | null> {
  if (requests.length < 2) return null;
  await pause(FLOOD_SETTLES_MS / options.scale);
  return (await readWhyBlock(work, options))?.why ?? null;
}

function withLastWhy(replies: readonly Reply[], why: Why | null): readonly Reply[] {
  const last = replies[replies.length - 1];
  return why === null || last === undefined ? replies : [...replies.slice(0, -1), { ...last, why }];
}

type WhyBlock = { readonly why: Why; readonly seq: string };

/** The board is made anew at each scan of the gateway: wait until it names another command, at most 25 looks long. */
async function waitForWhy(
  work: Session,
  options: ControllerOptions,
  before: WhyBlock | null,
): Promise<Why | null> {
  if (options.ownUnit === null) return null;
  for (let look = 0; look < WHY_LOOKS; look++) {
    const block = await readWhyBlock(work, options);
    if (block !== null && block.seq !== before?.seq) return block.why;
    await pause(Math.max(5, WHY_LOOK_MS / options.scale));
  }
  return null;
}

/**
 * definitions.md, own unit: IR2 lease state, IR16 verdict, 17 reason number, 18 rule index, 25-28 evidence number. A
 * suspended controller has no lease either: which of the two it is, the lease state tells.
 */
async function readWhyBlock(work: Session, options: ControllerOptions): Promise<WhyBlock | null> {
  if (options.ownUnit === null) return null;
  const input = { unit: options.ownUnit, table: "ir" } as const;
  const words = await work.read({ ...input, address: 16, quantity: 15 });
  const verdict = VERDICTS[words?.[0] ?? -1];
  if (words === null || verdict === undefined) return null;
  const named = reasonOfNumber(words[1] ?? 0);
  const lease = named === "lease" ? await work.read({ ...input, address: 2, quantity: 1 }) : null;
  const reason = lease?.[0] === LEASE_SUSPENDED ? "suspended" : named;
  return {
    why: { verdict, reason, rule: words[2] ?? null },
    seq: words.slice(9, 13).join(" "),
  };
}

async function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

type Stop = {
  readonly stop: () => void;
  readonly isStopped: () => boolean;
  /** Passes `ms`, or less when stopped; at least one turn of the event loop. */
  readonly wait: (ms: number) => Promise<void>;
};

function createStop(): Stop {
  const stopped = new AbortController();
  return {
    stop: () => {
      stopped.abort();
    },
    isStopped: () => stopped.signal.aborted,
    wait: async (ms) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          stopped.signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(0, stopped.signal.aborted ? 0 : ms));
        stopped.signal.addEventListener("abort", done);
      }),
  };
}
