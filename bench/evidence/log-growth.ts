import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../child-process.js";
import { evidenceOf, startGateway } from "../gateway.js";
import { measureOnce, type Subject } from "../measurement.js";
import type { Native } from "../native.js";
import { growthScene, singleScene } from "../scene.js";
import { type BundleSize, measureBundle } from "./bundle-size.js";
import { CLI } from "./cli.js";

/** A long log, made by a gateway under load, and what its commands cost while they came one by one. */
export type LogGrowth = {
  readonly directory: string;
  readonly siteFile: string;
  /** Bytes of log a released command with its outcome takes, one in flight: commits and checkpoints with it. */
  readonly bytesPerCommand: number;
  /** Bundle of one permit and its outcome, exported when the log was young. */
  readonly young: BundleSize;
};

const DEVICES = 8;
/** One decision and one outcome a command: the log is past 4,096 leaves then. */
const SINGLES_MS = 6_000;
const STRETCH_MS = 10_000;
const STRETCHES_MAX = 1_000;

/**
 * Runs a gateway until its log holds some `records` entries; its folder stays. Throws when commands are not permitted: a
 * log of refusals is another log.
 */
export async function growLog(
  native: Native,
  dir: string,
  records: number,
  onProgress: (entries: number) => void,
): Promise<LogGrowth> {
  const directory = evidenceOf(dir);
  const plc = await startChild(native.plc, [String(DEVICES)]);
  try {
    const ports = plc.ready.split(" ").slice(1).map(Number);
    const command = (siteFile: string): readonly string[] => [CLI, "run", "--site", siteFile];
    const gateway = await startGateway("gateway", ports, { dir, command });
    try {
      const before = bytesIn(directory);
      const singles = await load(native, gateway, { single: true, runMs: SINGLES_MS });
      const bytesPerCommand = (bytesIn(directory) - before) / singles;
      const young = await measureBundle(directory);
      let commands = singles;
      for (let n = 0; n < STRETCHES_MAX && 2 * commands < records; n += 1) {
        commands += await load(native, gateway, { single: false, runMs: STRETCH_MS });
        onProgress(2 * commands);
      }
      return { directory, siteFile: join(dir, "site.yaml"), bytesPerCommand, young };
    } finally {
      await gateway.stop();
    }
  } finally {
    await plc.stop();
  }
}

/** Commands that were carried out. */
async function load(
  native: Native,
  gateway: Subject,
  { single, runMs }: { readonly single: boolean; readonly runMs: number },
): Promise<number> {
  const scene = single ? singleScene() : growthScene();
  const pace = { rounds: 1, warmMs: 0, runMs };
  const run = await measureOnce(native.load, scene, gateway, { pace, round: 0 });
  const refused = Object.values(run.exceptions).reduce((sum, count) => sum + count, 0);
  if (refused > run.requests / 100) throw new Error(`${refused} commands were not permitted`);
  return run.requests - refused;
}

function bytesIn(directory: string): number {
  return readdirSync(directory)
    .map((name) => statSync(join(directory, name)).size)
    .reduce((sum, size) => sum + size, 0);
}
