import { availableParallelism, freemem } from "node:os";
import { Worker } from "node:worker_threads";
import { replaySegment, type SegmentFound } from "../evidence/segment-replay.js";
import { recordSegment } from "../evidence/segment-tape.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { ProfileModel } from "../kernel/profile/model.js";
import { readSegment, sha256 } from "./evidence-files.js";

export type SegmentJob = {
  readonly directory: string;
  readonly name: string;
  readonly isFirst: boolean;
};

/** Less than this is checked sooner than threads have started. */
const WORTH_BYTES = 8 * 1024 * 1024;
/** A segment, what is found in it and the thread itself take less. */
const THREAD_BYTES = 256 * 1024 * 1024;
/** What a segment's entries leave behind is gone before it is copied twice. */
const YOUNG_MB = 96;
/** Tapes that may wait for those of segments before them, for each thread. */
const AHEAD = 2;

/** Profiles of the log by digest in hex, as they can be sent to a thread; null: nothing is replayed. */
export type ProfileModels = ReadonlyMap<string, ProfileModel> | null;

/** What a checking thread does with one job. `profileOf`: null when nothing is to be replayed. */
export async function checkSegmentFile(
  job: SegmentJob,
  profileOf: ((digest: Uint8Array) => CompiledProfile | null) | null,
): Promise<SegmentFound> {
  const { name, isFirst } = job;
  const segment = { name, bytes: await readSegment(job.directory, name), isFirst };
  if (profileOf !== null) return replaySegment(segment, { sha256, profileOf });
  return { tape: recordSegment(segment, sha256), replayed: null };
}

/** What the machine has to spare. */
export type Spare = { readonly cores: number; readonly memoryBytes: number };

/** How many threads are worth it; 0: none. */
export function chooseThreads(
  segments: number,
  bytes: number,
  spare: Spare = { cores: availableParallelism(), memoryBytes: freemem() },
): number {
  const most = Math.min(spare.cores, segments, Math.floor(spare.memoryBytes / THREAD_BYTES));
  return bytes < WORTH_BYTES || most < 2 ? 0 : most;
}

/**
 * Checks segments in threads, a bounded number of them ahead of the one that is asked for. Where a thread ends before
 * its time, what it should have told is null, and the caller checks that segment itself.
 */
export class SegmentChecking {
  readonly #jobs: readonly SegmentJob[];
  readonly #threads: readonly Worker[];
  readonly #idle: Worker[];
  readonly #under = new Map<Worker, SegmentJob>();
  readonly #answers = new Map<string, Answer>();
  readonly #aheadMax: number;
  #given = 0;
  #taken = 0;
  #ended = 0;

  constructor(
    program: URL,
    jobs: readonly SegmentJob[],
    threads: number,
    profiles: ProfileModels = null,
  ) {
    this.#jobs = jobs;
    this.#aheadMax = threads * AHEAD;
    const options = {
      workerData: profiles,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    };
    this.#threads = Array.from({ length: threads }, () => new Worker(program, options));
    this.#idle = [...this.#threads];
    for (const thread of this.#threads) this.#listen(thread);
  }

  /** In the order of the jobs, each once. */
  async take(name: string): Promise<SegmentFound | null> {
    this.#taken += 1;
    this.#giveOut();
    const found = await this.#answer(name).found;
    this.#answers.delete(name);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map(async (thread) => await thread.terminate()));
  }

  #listen(thread: Worker): void {
    thread.on("message", (found: SegmentFound) => {
      this.#settle(thread, found);
      this.#idle.push(thread);
      this.#giveOut();
    });
    thread.on("messageerror", () => {
      thread.terminate().catch(() => undefined);
    });
    // What it died of shows again when the segment is checked here.
    thread.on("error", () => undefined);
    thread.on("exit", () => {
      this.#ended += 1;
      this.#settle(thread, null);
      this.#giveOut();
    });
  }

  #giveOut(): void {
    const limit = Math.min(this.#jobs.length, this.#taken + this.#aheadMax);
    const isOver = this.#ended === this.#threads.length;
    for (const job of this.#jobs.slice(this.#given, limit)) {
      const thread = isOver ? null : this.#idle.pop();
      if (thread === undefined) return;
      this.#given += 1;
      if (thread === null) {
        this.#answer(job.name).settle(null);
        continue;
      }
      this.#under.set(thread, job);
      thread.postMessage(job);
    }
  }

  #settle(thread: Worker, found: SegmentFound | null): void {
    const job = this.#under.get(thread);
    this.#under.delete(thread);
    if (job !== undefined) this.#answer(job.name).settle(found);
  }

  #answer(name: string): Answer {
    const answer = this.#answers.get(name) ?? newAnswer();
    this.#answers.set(name, answer);
    return answer;
  }
}

type Answer = {
  readonly found: Promise<SegmentFound | null>;
  readonly settle: (found: SegmentFound | null) => void;
};

function newAnswer(): Answer {
  let settle: Answer["settle"] = () => undefined;
  const found = new Promise<SegmentFound | null>((resolve) => {
    settle = resolve;
  });
  return { found, settle };
}
