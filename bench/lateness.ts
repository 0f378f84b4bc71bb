import { runDirectoryOf } from "../src/cli/run-directory.js";
import { askStatus } from "../src/cli/status.js";
import { runToEnd } from "./child-process.js";
import { numberAt, readJsonLine } from "./json-line.js";
import { measureOnce, type Subject } from "./measurement.js";
import type { Native } from "./native.js";
import { floodScene } from "./scene.js";

/** How late the guard's scan woke while its door was flooded, beside a plain C process at the same time. */
export type LatenessFindings = {
  readonly scans: number;
  readonly guardP50Us: number;
  readonly guardP99Us: number;
  readonly timerP50Us: number;
  readonly timerP99Us: number;
  readonly requestsPerSecond: number;
};

const SCAN_US = 50_000;
/** The guard tells percentiles of its newest 1,024 scans: all of them must be of the flood. */
const FLOOD_S = 54;
const SCANS_LEAST = 1_024;

/** Takes most of a minute. Throws when the guard made fewer scans than its figures are of. */
export async function measureLateness(
  native: Native,
  gateway: Subject & { readonly siteFile: string },
): Promise<LatenessFindings> {
  const runDirectory = runDirectoryOf(gateway.siteFile);
  const before = await askStatus(runDirectory);
  const pace = { rounds: 1, warmMs: 500, runMs: FLOOD_S * 1_000 };
  const [flood, line] = await Promise.all([
    measureOnce(native.load, floodScene(), gateway, { pace, round: 0 }),
    runToEnd(native.timer, [String(SCAN_US), String(FLOOD_S)]),
  ]);
  const { scan } = await askStatus(runDirectory);
  const scans = scan.scans - before.scan.scans;
  if (scans < SCANS_LEAST) throw new Error(`the guard made only ${scans} scans in ${FLOOD_S} s`);
  const timer = readJsonLine(line);
  return {
    scans,
    guardP50Us: scan.p50Us,
    guardP99Us: scan.p99Us,
    timerP50Us: numberAt(timer, "p50Us"),
    timerP99Us: numberAt(timer, "p99Us"),
    requestsPerSecond: flood.perSecond,
  };
}
