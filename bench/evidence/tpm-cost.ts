import { join } from "node:path";
import { startChild } from "../child-process.js";
import { startGateway } from "../gateway.js";
import { measureOnce, measureScenes, type Pace, type Run, type Subject } from "../measurement.js";
import { median } from "../median.js";
import type { Native } from "../native.js";
import { singleScene, type Scene, type SubjectName, warmScenes } from "../scene.js";
import { CLI } from "./cli.js";
import { intervalOf, type Interval } from "./interval.js";
import { type Chip, startChip } from "./tpm-chip.js";

/** What a TPM costs a governed write: each against the same gateway with its key in a file, round by round. */
export type TpmCost = {
  readonly rounds: number;
  readonly fileP50Us: number;
  readonly costs: readonly {
    readonly name: SubjectName;
    readonly p50Us: number;
    readonly addedUs: Interval;
  }[];
};

const SIGN_MS = 1_000;
/** Of each round: turns so short that a machine that changes its speed changes it for all of them alike. */
const SLICES = 6;
const FILE: SubjectName = "gateway";
const WITH_TPM: readonly SubjectName[] = ["gateway, TPM", "gateway, slow TPM", "gateway, dead TPM"];

/** Four gateways at once, taking turns: file key, TPM, TPM that takes a second a signature, TPM that is gone. */
export async function measureTpmCost(native: Native, dir: string, pace: Pace): Promise<TpmCost> {
  const running: { readonly stop: () => Promise<unknown> }[] = [];
  try {
    const subjects: Subject[] = [];
    const chips = new Map<SubjectName, Chip>();
    for (const name of [FILE, ...WITH_TPM]) {
      const folder = join(dir, name.replaceAll(/[^a-z]+/gi, "-"));
      const plc = await startChild(native.plc, ["1"]);
      running.push(plc);
      const chip = name === FILE ? null : await startChip(join(folder, "tpm"));
      if (chip !== null) {
        chips.set(name, chip);
        running.push(chip);
      }
      const gateway = await startGateway(name, plc.ready.split(" ").slice(1).map(Number), {
        dir: folder,
        command: (siteFile) => [CLI, "run", "--site", siteFile],
        site: chip?.site ?? [],
      });
      running.push(gateway);
      subjects.push(gateway);
    }
    for (const subject of subjects) await warm(native, subject);
    chips.get("gateway, slow TPM")?.slow(SIGN_MS);
    await chips.get("gateway, dead TPM")?.stop();
    const scene: Scene = { ...singleScene(), subjects: [FILE, ...WITH_TPM] };
    const runs = await measureScenes(native.load, [scene], subjects, {
      pace: { ...pace, rounds: pace.rounds * SLICES },
      onRun: () => undefined,
    });
    const p50s = (name: SubjectName): readonly number[] => roundsOf(runs, name, pace.rounds);
    const file = p50s(FILE);
    return {
      rounds: pace.rounds,
      fileP50Us: median(file),
      costs: WITH_TPM.map((name) => ({
        name,
        p50Us: median(p50s(name)),
        addedUs: intervalOf(p50s(name).map((p50, round) => p50 - (file[round] ?? Number.NaN))),
      })),
    };
  } finally {
    for (const each of running.reverse()) await each.stop();
  }
}

/** The median of a round's slices. */
function roundsOf(runs: readonly Run[], name: SubjectName, rounds: number): readonly number[] {
  const own = runs.filter(({ subject }) => subject === name);
  return Array.from({ length: rounds }, (_, at) =>
    median(own.filter(({ round }) => Math.floor(round / SLICES) === at).map(({ p50Us }) => p50Us)),
  );
}

async function warm(native: Native, subject: Subject): Promise<void> {
  const pace: Pace = { rounds: 1, warmMs: 0, runMs: 2_000 };
  for (const scene of [...warmScenes(false), singleScene()]) {
    await measureOnce(native.load, scene, subject, { pace, round: 0 });
  }
}
