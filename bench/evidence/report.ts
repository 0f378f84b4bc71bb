import { alignTable } from "../../src/cli/output.js";
import type { EvidenceFindings } from "./evidence.js";
import type { CheckRun } from "./log-checks.js";
import { sayShort } from "./target.js";

/** The figures behind the promises about evidence. */
export function writeEvidence(findings: EvidenceFindings): readonly string[] {
  const { tpm, checks } = findings;
  const short = sayShort(findings);
  return [
    `a governed write, key in a file: p50 ${tpm.fileP50Us.toFixed(0)} us; ${tpm.rounds} rounds in turns, added p50 with its 95 % interval`,
    alignTable([
      ["signed by", "p50", "added", "from", "to"],
      ...tpm.costs.map(({ name, p50Us, addedUs }) => [
        name,
        ...[p50Us, addedUs.mean, addedUs.low, addedUs.high].map((us) => us.toFixed(0)),
      ]),
    ]),
    "",
    `checking ${checks.records} records, ${(checks.bytes / 1e6).toFixed(0)} MB; hashing alone, one core: ${checks.ceilingPerSecond.toFixed(0)} records/s`,
    alignTable([
      ["", "records/s", "s", "s of processor", "MiB at most"],
      writeRun("strict, one core", checks.oneCore),
      writeRun("strict, all cores", checks.allCores),
      writeRun("with replay", checks.replay),
    ]),
    ...(short === null ? [] : [short]),
    "",
  ];
}

function writeRun(says: string, run: CheckRun): readonly string[] {
  return [
    says,
    run.perSecond.toFixed(0),
    run.wallS.toFixed(1),
    run.cpuS.toFixed(1),
    run.peakMiB.toFixed(0),
  ];
}
