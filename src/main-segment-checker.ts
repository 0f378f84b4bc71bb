import { parentPort } from "node:worker_threads";
import { checkSegmentFile, type SegmentJob } from "./cli/segment-checking.js";

/** Composition root of a thread that checks segments of a log, one after another, each for itself. */
parentPort?.on("message", (job: SegmentJob) => {
  checkSegmentFile(job)
    .then((answer) => {
      parentPort?.postMessage(answer);
    })
    .catch((error: unknown) => {
      throw error;
    });
});
