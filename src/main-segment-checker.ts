import { parentPort, workerData } from "node:worker_threads";
import { checkSegmentFile, type ProfileModels, type SegmentJob } from "./cli/segment-checking.js";
import { hex } from "./evidence/hex.js";
import { compileProfile } from "./kernel/profile/compile.js";
import type { CompiledProfile } from "./kernel/profile/compiled.js";

/** Composition root of a thread that checks segments of a log, one after another, each for itself. */
const given: unknown = workerData;
const findProfile = areModels(given) ? compileAll(given) : null;

parentPort?.on("message", (job: SegmentJob) => {
  checkSegmentFile(job, findProfile)
    .then((answer) => {
      parentPort?.postMessage(answer);
    })
    .catch((error: unknown) => {
      throw error;
    });
});

function compileAll(
  models: NonNullable<ProfileModels>,
): (digest: Uint8Array) => CompiledProfile | null {
  const profiles = new Map<string, CompiledProfile>();
  for (const [digest, model] of models) profiles.set(digest, compileProfile(model));
  return (digest) => profiles.get(hex(digest)) ?? null;
}

/** What `SegmentChecking` gives its threads; without it nothing is replayed. */
function areModels(value: unknown): value is NonNullable<ProfileModels> {
  return value instanceof Map;
}
