import { parentPort, workerData } from "node:worker_threads";
import { Refusal } from "./cli/output.js";
import { readSiteFiles, type SiteMessage } from "./cli/site-files.js";

/**
 * Composition root of a thread that reads the guard's files and ends: parser and schema library, and the
 * memory they take, are gone before the guard enforces anything.
 */
function load(siteFile: unknown): SiteMessage {
  try {
    return { ok: true, loaded: readSiteFiles(String(siteFile)) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, message: error.message, exitCode: error.exitCode };
  }
}

parentPort?.postMessage(load(workerData));
