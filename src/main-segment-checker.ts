import { parentPort, workerData } from "node:worker_threads";
import { hex } from "./evidence/hex.js";
import { checkSegmentFile, type ProfileBytes, type SegmentJob } from "./cli/segment-checking.js";
import type { CompiledProfile } from "./kernel/profile/compiled.js";

/** Composition root of a thread that checks segments of a log, one after another, each for itself. */
const given: ProfileBytes = workerData;
const profiles = given === null ? null : await compileAll(given);
const profileOf =
  profiles === null
    ? null
    : (digest: Uint8Array): CompiledProfile | null => profiles.get(hex(digest)) ?? null;

parentPort?.on("message", (job: SegmentJob) => {
  checkSegmentFile(job, profileOf)
    .then((answer) => {
      parentPort?.postMessage(answer);
    })
    .catch((error: unknown) => {
      throw error;
    });
});

/** Those that cannot be loaded were told of before; here they are missing as there. */
async function compileAll(
  given: ReadonlyMap<string, Uint8Array>,
): Promise<ReadonlyMap<string, CompiledProfile>> {
  const { compileBytes } = await import("./cli/log-profiles.js");
  const compiled = new Map<string, CompiledProfile>();
  for (const [digest, bytes] of given) {
    const profile = compileBytes(bytes, digest, () => undefined);
    if (profile !== null) compiled.set(digest, profile);
  }
  return compiled;
}
