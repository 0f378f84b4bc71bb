import { fileURLToPath } from "node:url";
import { runToEnd } from "../child-process.js";
import { numberAt, readJsonLine } from "../json-line.js";
import { CLI } from "./cli.js";
import { watchRun, type WatchedRun } from "./watched-run.js";

/** What it takes to check a log. */
export type CheckFindings = {
  readonly records: number;
  readonly bytes: number;
  /** Strict, on one core, on all there are, and with every decision judged again. */
  readonly oneCore: CheckRun;
  readonly allCores: CheckRun;
  readonly replay: CheckRun;
  /** Hashing alone, on one core. */
  readonly ceilingPerSecond: number;
  /** Reading the log at a start of the guard. */
  readonly recoveryS: number;
};

export type CheckRun = {
  readonly perSecond: number;
  readonly wallS: number;
  readonly cpuS: number;
  readonly peakMiB: number;
};

/** The whole log, four times over, with the commands a person has. Throws when a check fails. */
export async function checkLog(
  directory: string,
  siteFile: string,
  onRun: (says: string) => void,
): Promise<CheckFindings> {
  const ceiling = readJsonLine(
    await runToEnd(process.execPath, [programAt("hash-ceiling.js"), directory]),
  );
  const records = numberAt(ceiling, "records");
  const recovery = readJsonLine(
    await runToEnd(process.execPath, [programAt("recovery.js"), siteFile]),
  );
  const command = [process.execPath, CLI, "evidence", "verify", directory, "--json"];
  const run = async (says: string, words: readonly string[]): Promise<WatchedRun> => {
    const [program = "", ...args] = words;
    const watched = await watchRun(program, args);
    onRun(`${says}: ${watched.wallS.toFixed(1)} s, at most ${watched.peakMiB.toFixed(0)} MiB`);
    return watched;
  };
  const oneCore = await run("verify, one core", ["taskset", "-c", "0", ...command]);
  const allCores = await run("verify, all cores", command);
  const replay = await run("verify --replay", [...command, "--replay"]);
  const checkRun = ({ wallS, cpuS, peakMiB }: WatchedRun): CheckRun => ({
    perSecond: records / wallS,
    wallS,
    cpuS,
    peakMiB,
  });
  return {
    records,
    bytes: numberAt(ceiling, "bytes"),
    oneCore: checkRun(oneCore),
    allCores: checkRun(allCores),
    replay: checkRun(replay),
    ceilingPerSecond: records / numberAt(ceiling, "seconds"),
    recoveryS: numberAt(recovery, "seconds"),
  };
}

function programAt(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
