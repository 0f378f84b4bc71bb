import { runToEnd } from "./child-process.js";
import { numberAt, numbersAt, readJsonLine } from "./json-line.js";
import type { Scene, SubjectName } from "./scene.js";

/** A subject that runs and listens on loopback. */
export type Subject = {
  readonly name: SubjectName;
  readonly port: number;
  /** Of a gateway: guard and door, not what started them. */
  readonly pids: readonly number[];
  /** Of a gateway, to ask it for its status by. */
  readonly siteFile: string | null;
  readonly stop: () => Promise<void>;
};

/** One run of one scene against one subject. */
export type Run = {
  readonly scene: string;
  readonly subject: SubjectName;
  readonly round: number;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Replies that were no permit, by exception code. */
  readonly exceptions: Readonly<Record<string, number>>;
};

export type Pace = { readonly rounds: number; readonly warmMs: number; readonly runMs: number };

/**
 * Puts each scene to each of its subjects, `pace.rounds` times, taking turns: within a round every subject meets
 * the same minute of the machine, and each round begins with another subject. `settle` runs before each round.
 */
export async function measureScenes(
  load: string,
  scenes: readonly Scene[],
  subjects: readonly Subject[],
  turns: { readonly pace: Pace; readonly onRun: (run: Run) => void },
): Promise<readonly Run[]> {
  const runs: Run[] = [];
  for (const scene of scenes) {
    const present = subjects.filter(({ name }) => scene.subjects.includes(name));
    for (let round = 0; round < turns.pace.rounds; round += 1) {
      for (const subject of rotate(present, round)) {
        const run = await measureOnce(load, scene, subject, { pace: turns.pace, round });
        runs.push(run);
        turns.onRun(run);
      }
    }
  }
  return runs;
}

/** One run. Throws when replies come for requests that were never made. */
export async function measureOnce(
  load: string,
  scene: Scene,
  subject: Subject,
  turn: { readonly pace: Pace; readonly round: number },
): Promise<Run> {
  const { connections, inFlight, units, address, spread, quantity, low, high } = scene;
  const { warmMs, runMs } = turn.pace;
  const fields = [subject.port, scene.function, connections, inFlight, warmMs, runMs];
  const output = await runToEnd(
    load,
    [...fields, units, address, spread, quantity, low, high].map(String),
  );
  const line = readJsonLine(output);
  if (numberAt(line, "mismatched") > 0) {
    throw new Error(`${scene.id}, ${subject.name}: replies that match no request`);
  }
  return {
    scene: scene.id,
    subject: subject.name,
    round: turn.round,
    requests: numberAt(line, "requests"),
    perSecond: numberAt(line, "perSecond"),
    p50Us: numberAt(line, "p50Us"),
    p90Us: numberAt(line, "p90Us"),
    p99Us: numberAt(line, "p99Us"),
    maxUs: numberAt(line, "maxUs"),
    exceptions: numbersAt(line, "exceptions"),
  };
}

function rotate<Item>(list: readonly Item[], by: number): readonly Item[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
