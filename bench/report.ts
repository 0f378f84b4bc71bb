import { alignTable } from "../src/cli/output.js";
import type { EvidenceFindings } from "./evidence/evidence.js";
import { writeEvidence } from "./evidence/report.js";
import type { Machine } from "./machine.js";
import type { Run } from "./measurement.js";
import { median } from "./median.js";
import type { PathFindings } from "./path.js";
import type { Scene, SubjectName } from "./scene.js";
import { addedUs, isMet, type Target } from "./target.js";

/** Everything a run found, as it is written to the JSON file; null: that part was not asked for. */
export type Findings = {
  readonly machine: Machine;
  readonly path: PathFindings | null;
  readonly evidence: EvidenceFindings | null;
  readonly targets: readonly Target[];
};

/** The table a person reads: promises first, then every figure behind them. */
export function writeReport({ machine, path, evidence, targets }: Findings): string {
  return [
    ...writeMachine(machine),
    ...(path === null ? [] : writeYardsticks(path)),
    "",
    alignTable([["promise", "bound", "measured", ""], ...targets.map(writeTarget)]),
    "",
    ...(evidence === null ? [] : writeEvidence(evidence)),
    ...(path === null ? [] : writePath(path)),
  ].join("\n");
}

function writePath(path: PathFindings): readonly string[] {
  return [
    ...writeLateness(path.lateness),
    "medians over the rounds, microseconds; `added` is over the same load put to the device itself",
    alignTable([
      ["load", "subject", "requests/s", "p50", "added", "p90", "p99", "not permitted"],
      ...path.scenes.flatMap((scene) =>
        scene.subjects.flatMap((name) => writeRow(path, scene, name)),
      ),
    ]),
  ];
}

function writeMachine(machine: Machine): readonly string[] {
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, Linux ${machine.kernel}, Node ${machine.node}`,
    `${machine.date}  ${machine.command}  (load average before: ${machine.loadBefore.toFixed(1)})`,
    `disk: ${machine.disk}`,
  ];
}

function writeYardsticks({ fsync, rules }: PathFindings): readonly string[] {
  return [
    `append + fdatasync, 1 ms apart: p50 ${micro(median(fsync.map(({ p50Us }) => p50Us)))} us, p99 ${micro(median(fsync.map(({ p99Us }) => p99Us)))} us`,
    `profile: ${rules}`,
  ];
}

function writeLateness(lateness: PathFindings["lateness"]): readonly string[] {
  if (lateness === null) return [];
  const { scans, guardP50Us, guardP99Us, timerP50Us, timerP99Us, requestsPerSecond } = lateness;
  return [
    `${scans} scans under ${micro(requestsPerSecond)} reads/s: late p50 ${micro(guardP50Us)} us, p99 ${micro(guardP99Us)} us; C timer p50 ${micro(timerP50Us)} us, p99 ${micro(timerP99Us)} us`,
    "",
  ];
}

function writeTarget(target: Target): readonly string[] {
  const { says, value, bound, better, unit } = target;
  const digits = unit === "/s" ? 0 : 2;
  const measured = Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}` : "not measured";
  return [says, `${better} ${bound} ${unit}`, measured, isMet(target) ? "met" : "NOT MET"];
}

function writeRow(
  { runs }: PathFindings,
  scene: Scene,
  subject: SubjectName,
): readonly (readonly string[])[] {
  const mine = runs.filter((run) => run.scene === scene.id && run.subject === subject);
  if (mine.length === 0) return [];
  const middle = (read: (run: Run) => number): string => micro(median(mine.map(read)));
  return [
    [
      scene.id,
      subject,
      middle(({ perSecond }) => perSecond),
      middle(({ p50Us }) => p50Us),
      subject === "direct" ? "" : micro(addedUs(runs, scene.id, subject)),
      middle(({ p90Us }) => p90Us),
      middle(({ p99Us }) => p99Us),
      writeExceptions(mine),
    ],
  ];
}

function writeExceptions(runs: readonly Run[]): string {
  const counts = new Map<string, number>();
  for (const [code, count] of runs.flatMap(({ exceptions }) => Object.entries(exceptions))) {
    counts.set(code, (counts.get(code) ?? 0) + count);
  }
  return [...counts].map(([code, count]) => `exception ${code}: ${count}`).join(", ");
}

function micro(value: number): string {
  return Number.isFinite(value) ? value.toFixed(value < 100 ? 1 : 0) : "-";
}
