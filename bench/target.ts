import type { DecisionFindings } from "./decision.js";
import { median } from "./median.js";
import type { LatenessFindings } from "./lateness.js";
import type { MemoryFindings } from "./memory.js";
import type { Run } from "./measurement.js";
import type { PathFindings } from "./path.js";
import type { SubjectName } from "./scene.js";

/** A promise, what was measured for it, and whether it is met. NaN (not measured) never counts as met. */
export type Target = {
  readonly says: string;
  readonly value: number;
  readonly bound: number;
  readonly better: "at most" | "at least";
  readonly unit: string;
};

/** Medians this close to each other are the same. */
const ADDED_LEAST_US = 1;

/** Above this share of refused requests a run counts as not measured. */
const REFUSED_SHARE_MAX = 0.001;

export function isMet({ value, bound, better }: Target): boolean {
  return better === "at most" ? value <= bound : value >= bound;
}

/** The promises about the path of a command. */
export function judgePath(path: PathFindings): readonly Target[] {
  const { decisions, runs, fsync, lateness, memory } = path;
  return [
    ...judgeDecisions(decisions),
    ...judgeTargets(runs, median(fsync.map(({ p50Us }) => p50Us))),
    ...(lateness === null ? [] : [judgeLateness(lateness)]),
    ...(memory === null ? [] : judgeMemory(memory)),
  ];
}

/** The promise about the decision itself, in this process. */
function judgeDecisions({ permit, deny }: DecisionFindings): readonly Target[] {
  const target = (says: string, value: number): Target => ({
    says,
    value,
    bound: 5,
    better: "at most",
    unit: "us",
  });
  return [
    target("one decision by 20 rules, permitted: p50", permit.p50Us),
    target(`one decision by 20 rules, ${deny.reasons} reasons reported: p50`, deny.p50Us),
  ];
}

/** How much later than a plain C process the guard's scan may wake. */
function judgeLateness({ guardP99Us, timerP99Us }: LatenessFindings): Target {
  return {
    says: "saturated door: scan lateness p99 beyond that of a C timer",
    value: (guardP99Us - timerP99Us) / 1_000,
    bound: 2,
    better: "at most",
    unit: "ms",
  };
}

/**
 * The promises about memory, which are for 180,000 commands: fewer say nothing. A flat line is less than 1 MiB a
 * minute.
 */
function judgeMemory({ commands, peakMiB, slopeMiBPerMin }: MemoryFindings): readonly Target[] {
  return [
    {
      says: "commands that memory was watched over",
      value: commands,
      bound: 180_000,
      better: "at least",
      unit: "commands",
    },
    {
      says: "guard and door, resident: 200 MB",
      value: peakMiB,
      bound: 190.7,
      better: "at most",
      unit: "MiB",
    },
    {
      says: "growth over the last half",
      value: slopeMiBPerMin,
      bound: 1,
      better: "at most",
      unit: "MiB/min",
    },
  ];
}

/** The promises about latency and throughput, each from the medians over the rounds of this one run. */
function judgeTargets(runs: readonly Run[], fsyncP50Us: number): readonly Target[] {
  return [
    ...[1, 16, 32].map((n) => readTarget(runs, n)),
    atLeast(
      "reads answered",
      50_000,
      Math.max(rate(runs, "FC3 x16, 8 deep"), rate(runs, "FC3 x64")),
    ),
    ...[6, 16].map((fc) => ({
      says: `FC${fc} at 1: what durable evidence adds, in async append + fdatasync`,
      value:
        (p50(runs, `FC${fc} x1`, "gateway") - p50(runs, `FC${fc} x1`, "gateway, no evidence")) /
        fsyncP50Us,
      bound: 2,
      better: "at most" as const,
      unit: "x",
    })),
    atLeast("durable writes into one device, 1 in flight", 1_000, rate(runs, "FC6 x1")),
    atLeast("durable writes into one device, 16 in flight", 2_500, rate(runs, "FC6 x16")),
    atLeast("durable writes over 8 devices, 16 in flight", 6_000, rate(runs, "FC6 x16, 8 devices")),
    atLeast(
      "durable writes over 8 devices, 64 in flight on 64 connections",
      10_000,
      rate(runs, "FC6 x64, 8 devices"),
    ),
    atLeast(
      "durable writes over 8 devices, 64 in flight on 8 connections",
      10_000,
      rate(runs, "FC6 x8, 8 deep, 8 devices"),
    ),
    fewer(runs, "FC3 x1", "gateway", 5),
    fewer(runs, "FC6 x1", "gateway, no evidence", 5),
    fewer(runs, "FC16 x1", "gateway, no evidence", 5),
    fewer(runs, "FC6 x1", "gateway", 1),
    fewer(runs, "FC16 x1", "gateway", 1),
  ];
}

/** What a subject adds to the median latency of the same load put to the device itself; median over the rounds. */
export function addedUs(runs: readonly Run[], scene: string, subject: SubjectName): number {
  const direct = runsOf(runs, scene, "direct");
  return median(
    runsOf(runs, scene, subject).map(
      (run) => run.p50Us - (direct.find(({ round }) => round === run.round)?.p50Us ?? Number.NaN),
    ),
  );
}

function p50(runs: readonly Run[], scene: string, subject: SubjectName): number {
  return median(runsOf(runs, scene, subject).map((run) => run.p50Us));
}

function rate(runs: readonly Run[], scene: string): number {
  return median(runsOf(runs, scene, "gateway").map(({ perSecond }) => perSecond));
}

/** Only runs whose replies were permits: a refusal is cheaper than a write and proves nothing about one. */
function runsOf(runs: readonly Run[], scene: string, subject: SubjectName): readonly Run[] {
  return runs.filter(
    (run) =>
      run.scene === scene &&
      run.subject === subject &&
      Object.values(run.exceptions).reduce((sum, count) => sum + count, 0) <=
        run.requests * REFUSED_SHARE_MAX,
  );
}

function readTarget(runs: readonly Run[], connections: number): Target {
  const scene = `FC3 x${connections}`;
  return {
    says: `reads at ${connections}: added p50 over what a bare pipe adds`,
    value: addedUs(runs, scene, "gateway") / addedUs(runs, scene, "pipe"),
    bound: 1,
    better: "at most",
    unit: "x",
  };
}

function fewer(runs: readonly Run[], scene: string, subject: SubjectName, bound: number): Target {
  return {
    says: `${scene}: fewer added microseconds than modbus-serial as proxy (${subject})`,
    // A door that answers from its own memory may add less than nothing: then less than can be told apart counts.
    value:
      addedUs(runs, scene, "modbus-serial") /
      Math.max(ADDED_LEAST_US, addedUs(runs, scene, subject)),
    bound,
    better: "at least",
    unit: "x",
  };
}

function atLeast(says: string, bound: number, value: number): Target {
  return { says, value, bound, better: "at least", unit: "/s" };
}
