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

/** One after the other, a flood eight at a time. The last of a flood is asked why. */
async function carryOut(
  work: Session,
  options: ControllerOptions,
  requests: readonly Request[],
): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  for (let from = 0; from < requests.length; from += FLOOD_IN_FLIGHT) {
    const batch = requests.slice(from, from + FLOOD_IN_FLIGHT);
    const outcomes = await Promise.all(
      batch.map(async ({ frame }) => work.send(options.unit, frame)),
    );
    const isLast = from + FLOOD_IN_FLIGHT >= requests.length;
    for (const [place, request] of batch.entries()) {
      const outcome = outcomes[place];
      if (outcome === undefined) continue;
      const asks = request.asksWhy || (isLast && place === batch.length - 1 && request.bad);
      replies.push({ id: request.id, outcome, why: asks ? await readWhy(work, options) : null });
    }
  }
  return replies;
}

/** definitions.md, own unit: IR16 verdict, 17 reason number, 18 rule index. */
async function readWhy(work: Session, { ownUnit }: ControllerOptions): Promise<Why | null> {
  if (ownUnit === null) return null;
  const words = await work.read({ unit: ownUnit, table: "ir", address: 16, quantity: 15 });
  const [, reason, rule] = words ?? [];
  if (reason === undefined || rule === undefined) return null;
  return { reason: reasonOfNumber(reason), rule };
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
