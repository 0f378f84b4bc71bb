import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runToEnd } from "./child-process.js";
import { type DecisionFindings, measureDecisions } from "./decision.js";
import { numberAt, readJsonLine } from "./json-line.js";
import { type LatenessFindings, measureLateness } from "./lateness.js";
import { measureOnce, measureScenes, type Pace, type Run, type Subject } from "./measurement.js";
import { type MemoryFindings, watchMemory } from "./memory.js";
import type { Native } from "./native.js";
import { memoryScene, type Scene, warmScenes } from "./scene.js";
import { startSubjects } from "./subject.js";

/** What stands between a client and its device, and what it costs. */
export type PathFindings = {
  readonly scenes: readonly Scene[];
  readonly rules: string;
  readonly fsync: readonly FsyncRound[];
  readonly runs: readonly Run[];
  readonly decisions: DecisionFindings;
  /** Null: a quick run, which does not take the time. */
  readonly lateness: LatenessFindings | null;
  readonly memory: MemoryFindings | null;
};

export type FsyncRound = { readonly p50Us: number; readonly p99Us: number };

export type PathPlan = {
  readonly quick: boolean;
  readonly pace: Pace;
  readonly scenes: readonly Scene[];
};

/** Our gateway beside a bare pipe and beside modbus-serial as proxy, the same load put to each in turns. */
export async function measurePath(
  native: Native,
  dir: string,
  { quick, pace, scenes }: PathPlan,
): Promise<PathFindings> {
  mkdirSync(dir, { recursive: true });
  const decisions = measureDecisions(quick ? 50_000 : 200_000);
  const { subjects, rules, stop } = await startSubjects(native, dir);
  try {
    for (const subject of subjects) await warm(native, subject, quick ? 2_000 : 4_000);
    const fsync = [await measureFsync(dir, quick)];
    const runs = await measureScenes(native.load, scenes, subjects, {
      pace,
      onRun: ({ scene, subject, round, p50Us, perSecond }) => {
        process.stderr.write(
          `${scene.padEnd(20)} ${subject.padEnd(22)} round ${round + 1}  p50 ${p50Us.toFixed(0)} us  ${perSecond.toFixed(0)}/s\n`,
        );
      },
    });
    fsync.push(await measureFsync(dir, quick));
    const lateness = quick ? null : await measureScans(native, subjects);
    const memory = quick ? null : await measureMemory(native, subjects);
    return { scenes, rules, fsync, runs, decisions, lateness, memory };
  } finally {
    await stop();
  }
}

/** So that every subject's code is compiled before the first figure is taken: the gateway has most to compile. */
async function warm(native: Native, subject: Subject, runMs: number): Promise<void> {
  const pace: Pace = { rounds: 1, warmMs: 0, runMs };
  for (const scene of warmScenes(subject.siteFile !== null)) {
    await measureOnce(native.load, scene, subject, { pace, round: 0 });
  }
}

/** Takes a minute that a quick run does not have. */
async function measureScans(
  native: Native,
  present: readonly Subject[],
): Promise<LatenessFindings | null> {
  const gateway = present.find(({ name }) => name === "gateway");
  if (gateway?.siteFile == null) return null;
  return await measureLateness(native, { ...gateway, siteFile: gateway.siteFile });
}

/** Long enough for 180,000 commands at the rates promised. */
async function measureMemory(
  native: Native,
  present: readonly Subject[],
): Promise<MemoryFindings | null> {
  const gateway = present.find(({ name }) => name === "gateway");
  if (gateway === undefined) return null;
  const long: Pace = { rounds: 1, warmMs: 1_000, runMs: 120_000 };
  const load = measureOnce(native.load, memoryScene(), gateway, { pace: long, round: 0 });
  return await watchMemory(gateway.pids, load);
}

async function measureFsync(dir: string, short: boolean): Promise<FsyncRound> {
  const program = fileURLToPath(new URL("fsync.js", import.meta.url));
  const line = readJsonLine(
    await runToEnd(process.execPath, [program, dir, short ? "200" : "1000"]),
  );
  return { p50Us: numberAt(line, "p50Us"), p99Us: numberAt(line, "p99Us") };
}
