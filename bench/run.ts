/**
 * `npm run bench`: our gateway beside a bare pipe and beside modbus-serial as proxy, the same load put to each in
 * turns. Prints the ratios and the figures behind them and writes them as JSON. Exit code 1: a promise is not met.
 *
 * --quick        fewer scenes, shorter runs: to see that it runs, not to quote
 * --rounds N     turns each subject gets at each load (5; quick: 3)
 * --dir FOLDER   where evidence and the fdatasync yardstick are written; must be a disk (default: the build folder)
 * --json FILE    where the findings go (default: bench.json in that folder)
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runToEnd } from "./child-process.js";
import { numberAt, readJsonLine } from "./json-line.js";
import { measureDecisions } from "./decision.js";
import { type LatenessFindings, measureLateness } from "./lateness.js";
import { describeMachine } from "./machine.js";
import { measureOnce, measureScenes, type Pace, type Subject } from "./measurement.js";
import { median } from "./median.js";
import { type MemoryFindings, watchMemory } from "./memory.js";
import { compileNative } from "./native.js";
import { type FsyncRound, writeReport } from "./report.js";
import { listScenes, memoryScene, warmScenes } from "./scene.js";
import { startSubjects } from "./subject.js";
import { isMet, judgeDecisions, judgeLateness, judgeMemory, judgeTargets } from "./target.js";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    dir: { type: "string" },
    json: { type: "string" },
  },
});
const quick = values.quick;
const dir = values.dir ?? fileURLToPath(new URL("../bench-data", import.meta.url));
const pace: Pace = {
  rounds: readRounds(values.rounds, quick ? 3 : 5),
  warmMs: quick ? 300 : 700,
  runMs: quick ? 500 : 1_500,
};

mkdirSync(dir, { recursive: true });
const machine = await describeMachine(
  dir,
  `npm run bench -- ${process.argv.slice(2).join(" ")}`.trim(),
);
const scratch = mkdtempSync(join(tmpdir(), "holdpoint-bench-"));
const native = await compileNative(scratch);
const scenes = listScenes(quick);
const decisions = measureDecisions(quick ? 50_000 : 200_000);
const { subjects, rules, stop } = await startSubjects(native, dir);
try {
  for (const subject of subjects) await warm(subject);
  const fsync = [await measureFsync(quick)];
  const runs = await measureScenes(native.load, scenes, subjects, {
    pace,
    onRun: ({ scene, subject, round, p50Us, perSecond }) => {
      process.stderr.write(
        `${scene.padEnd(20)} ${subject.padEnd(22)} round ${round + 1}  p50 ${p50Us.toFixed(0)} us  ${perSecond.toFixed(0)}/s\n`,
      );
    },
  });
  fsync.push(await measureFsync(quick));
  const lateness = await measureScans(subjects);
  const memory = await measureMemory(subjects);
  const targets = [
    ...judgeDecisions(decisions),
    ...judgeTargets(runs, median(fsync.map(({ p50Us }) => p50Us))),
    ...(lateness === null ? [] : [judgeLateness(lateness)]),
    ...(memory === null ? [] : judgeMemory(memory)),
  ];
  const findings = { machine, rules, fsync, runs, decisions, lateness, memory, targets };
  const json = values.json ?? join(dir, "bench.json");
  writeFileSync(json, `${JSON.stringify(findings, null, 1)}\n`);
  console.log(writeReport(findings, scenes));
  console.log(`\nall figures: ${json}`);
  process.exitCode = targets.every(isMet) ? 0 : 1;
} finally {
  await stop();
  rmSync(scratch, { recursive: true, force: true });
}

/** So that every subject's code is compiled before the first figure is taken: the gateway has most to compile. */
async function warm(subject: Subject): Promise<void> {
  const warming: Pace = { rounds: 1, warmMs: 0, runMs: quick ? 2_000 : 4_000 };
  for (const scene of warmScenes(subject.siteFile !== null)) {
    await measureOnce(native.load, scene, subject, { pace: warming, round: 0 });
  }
}

/** Takes a minute that a quick run does not have. */
async function measureScans(present: readonly Subject[]): Promise<LatenessFindings | null> {
  const gateway = present.find(({ name }) => name === "gateway");
  if (quick || gateway?.siteFile == null) return null;
  return await measureLateness(native, { ...gateway, siteFile: gateway.siteFile });
}

/** Long enough for 180,000 commands at the rates promised. */
async function measureMemory(present: readonly Subject[]): Promise<MemoryFindings | null> {
  const gateway = present.find(({ name }) => name === "gateway");
  if (quick || gateway === undefined) return null;
  const long: Pace = { rounds: 1, warmMs: 1_000, runMs: 120_000 };
  const load = measureOnce(native.load, memoryScene(), gateway, { pace: long, round: 0 });
  return await watchMemory(gateway.pids, load);
}

async function measureFsync(short: boolean): Promise<FsyncRound> {
  const program = fileURLToPath(new URL("fsync.js", import.meta.url));
  const line = readJsonLine(
    await runToEnd(process.execPath, [program, dir, short ? "200" : "1000"]),
  );
  return { p50Us: numberAt(line, "p50Us"), p99Us: numberAt(line, "p99Us") };
}

function readRounds(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    console.error("--rounds takes a number from 1 to 100");
    process.exit(2);
  }
  return rounds;
}
