import { createRandom } from "../random.js";
import type { Us } from "../../src/kernel/units.js";
import { BAD_ACTS, EXPECTATIONS, isExpected } from "./acts.js";
import type { ActName, BadAct, Expectation, Schedule, Why } from "./acts.js";
import { describeFrame } from "./frame.js";
import type { Frame, Outcome } from "./frame.js";
import { SCRIPTS } from "./misdeeds.js";
import type { Reply, View } from "./observation.js";
import { createOptimiser } from "./optimiser.js";
import { SECOND_US } from "./script.js";
import type { Move, Script } from "./script.js";

/** One thing to send. `act` is null for what the sound optimiser wants. */
export type Request = {
  readonly id: number;
  readonly act: ActName | null;
  readonly frame: Frame;
  /** In a person's words. */
  readonly meant: string;
  readonly bad: boolean;
  /** Ask the gateway's own unit why, once it is answered. Not in a flood: that would slow it. */
  readonly asksWhy: boolean;
};

/** What became of one bad request. */
export type ActRecord = {
  readonly act: BadAct;
  /** Since the controller's start. */
  readonly atUs: Us;
  readonly sent: string;
  readonly meant: string;
  readonly outcome: Outcome;
  readonly why: Why | null;
  readonly expected: Expectation;
  readonly asExpected: boolean;
};

/** Sound requests. A refusal is not a fault: dwell times are the station's to know. */
export type Tally = { readonly asked: number; readonly granted: number; readonly refused: number };

/**
 * A level optimiser that turns bad by a schedule. Pure but for its own memory: same seed, schedule and views, same
 * requests. Call `next` about every half second of its time; answers to its requests belong into the next view.
 */
export type Controller = {
  readonly next: (view: View) => readonly Request[];
  /** Value for the lease register, a new one every second; null once it is dead. */
  readonly beat: (nowUs: Us) => number | null;
  readonly isDead: () => boolean;
  /** The first 2,000 answers to bad requests, in order. */
  readonly records: () => readonly ActRecord[];
  readonly tally: () => Tally;
};

const DENIALS_PER_MINUTE = 15;
const RECORDS_MAX = 2_000;
const PENDING_MAX = 1_000;

export function createController(seed: number, schedule: Schedule): Controller {
  const optimiser = createOptimiser();
  const jitter = createRandom(seed, "controller");
  // A tenth of a second either way: no two seeds ask at quite the same moments.
  const acts = schedule.map(({ atS, act }) => ({
    atUs: Math.round((atS + jitter.between(0, 0.1)) * SECOND_US),
    act,
  }));
  const bookkeeping = createBookkeeping();
  let at = 0;
  let running: { readonly act: ActName; readonly script: Script } | null = null;
  let held: Ask | null = null;
  let turnedBad = false;
  let dead = false;

  const begin = (nowUs: Us): void => {
    const due = acts[at];
    if (running !== null || due === undefined || due.atUs > nowUs) return;
    at += 1;
    turnedBad ||= isBad(due.act);
    if (due.act === "death") dead = true;
    else running = { act: due.act, script: SCRIPTS[due.act]() };
  };
  /** The running script's next move; a bad one waits while the last minute has seen enough denials. */
  const moveOn = (script: Script, view: View, isPatient: boolean): Move | null => {
    const move = held ?? takeMove(script, view);
    const tooMany =
      move?.kind === "ask" &&
      move.bad &&
      isPatient &&
      bookkeeping.denialsSince(view.nowUs - 60 * SECOND_US) >= DENIALS_PER_MINUTE;
    held = tooMany ? move : null;
    return tooMany ? { kind: "wait" } : move;
  };
  const misbehave = (view: View): readonly Request[] | null => {
    begin(view.nowUs);
    if (running === null) return dead ? [] : null;
    const { act, script } = running;
    const move = moveOn(script, view, act !== "flood");
    if (move === null) running = null;
    if (move?.kind !== "ask") return move === null ? null : [];
    const asksWhy = move.bad && act !== "flood";
    return move.frames.map((frame) =>
      bookkeeping.open({ act, frame, meant: move.meant, bad: move.bad, asksWhy }),
    );
  };

  return {
    next: (view) => {
      bookkeeping.settle(view);
      const misdeeds = misbehave(view);
      if (misdeeds !== null) return misdeeds;
      const wish = optimiser.wish(view.plant, view.nowUs, !turnedBad);
      if (wish === null) return [];
      return [bookkeeping.open({ act: null, ...wish, bad: false, asksWhy: false })];
    },
    beat: (nowUs) => (dead ? null : (Math.floor(nowUs / SECOND_US) + 1) & 0xffff),
    isDead: () => dead,
    records: bookkeeping.records,
    tally: bookkeeping.tally,
  };
}

type Ask = Extract<Move, { readonly kind: "ask" }>;

function takeMove(script: Script, view: View): Move | null {
  const taken = script.next(view);
  return taken.done === true ? null : taken.value;
}

function isBad(act: ActName): act is BadAct {
  return BAD_ACTS.some((bad) => bad === act);
}

type Bookkeeping = {
  readonly open: (request: Omit<Request, "id">) => Request;
  readonly settle: (view: View) => void;
  readonly denialsSince: (us: Us) => number;
  readonly records: () => readonly ActRecord[];
  readonly tally: () => Tally;
};

function createBookkeeping(): Bookkeeping {
  const pending = new Map<number, Request>();
  const records: ActRecord[] = [];
  let denials: Us[] = [];
  let tally = { asked: 0, granted: 0, refused: 0 };
  let id = 0;

  const settleOne = (reply: Reply, nowUs: Us): void => {
    const request = pending.get(reply.id);
    if (request === undefined) return;
    pending.delete(reply.id);
    const isDone = reply.outcome.kind === "done";
    if (!isDone) denials.push(nowUs);
    const { act } = request;
    if (request.bad && act !== null && isBad(act)) {
      if (records.length < RECORDS_MAX) records.push(toRecord({ ...request, act }, reply, nowUs));
      return;
    }
    tally = {
      ...tally,
      granted: tally.granted + (isDone ? 1 : 0),
      refused: tally.refused + (isDone ? 0 : 1),
    };
  };

  return {
    open: (wanted) => {
      const request = { id: (id += 1), ...wanted };
      // Whoever never answers does not make it grow: the oldest question is forgotten.
      for (const oldest of pending.keys()) {
        if (pending.size < PENDING_MAX) break;
        pending.delete(oldest);
      }
      pending.set(request.id, request);
      if (!request.bad) tally = { ...tally, asked: tally.asked + 1 };
      return request;
    },
    settle: (view) => {
      for (const reply of view.replies) settleOne(reply, view.nowUs);
      denials = denials.filter((at) => at > view.nowUs - 60 * SECOND_US);
    },
    denialsSince: (us) => denials.filter((at) => at > us).length,
    records: () => [...records],
    tally: () => tally,
  };
}

function toRecord(request: Request & { readonly act: BadAct }, reply: Reply, atUs: Us): ActRecord {
  const expected = EXPECTATIONS[request.act];
  return {
    act: request.act,
    atUs,
    sent: describeFrame(request.frame),
    meant: request.meant,
    outcome: reply.outcome,
    why: reply.why,
    expected,
    asExpected: isExpected(reply.outcome, reply.why, expected),
  };
}
