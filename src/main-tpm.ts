#!/usr/bin/env node
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openChannelAt, parsePlace } from "./adapters/tpm/place.js";
import { serveTpm } from "./adapters/tpm/serve.js";
import { openTpm } from "./adapters/tpm/tpm.js";

/**
 * Composition root of the process that has the TPM: `--tpm PLACE --timeout-ms N [--root NAME]`. It is asked on
 * its stdin, answers on its stdout, and ends with its parent, whose pipes these are. No secret is in its arguments.
 */
const USED_WRONGLY = 2;
const INTERNAL_FAULT = 70;
/** For giving its sessions back; a TPM that hangs keeps them. */
const RELEASE_WITHIN_MS = 500;
const QUEUE_MAX = 4;
const TIMEOUT_MAX_MS = 600_000;

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
// Ctrl-C reaches the whole group: the parent ends this process when it has what it wants.
process.on("SIGINT", () => undefined);
// Whoever read the answers is gone; so is its end of the other pipe.
process.stdout.on("error", () => undefined);

const { values } = parseArgs({
  options: {
    tpm: { type: "string" },
    "timeout-ms": { type: "string" },
    root: { type: "string" },
  },
});
const place = parsePlace(values.tpm ?? "");
const timeoutMs = parseTimeout(values["timeout-ms"] ?? "");
const rootName = parseName(values.root);
if (place === null || timeoutMs === null || rootName === undefined) {
  process.stderr.write("holdpoint tpm: --tpm PLACE --timeout-ms N [--root NAME] are not right\n");
  process.exit(USED_WRONGLY);
}

const tpm = openTpm({ channel: openChannelAt(place, timeoutMs), rootName, queueMax: QUEUE_MAX });
serveTpm({
  tpm,
  input: process.stdin,
  write: (frame) => process.stdout.write(frame),
  over: (how) => {
    if (how === "broken") process.stderr.write("holdpoint tpm: was asked what it cannot do\n");
    Promise.race([tpm.release(), wait(RELEASE_WITHIN_MS)]).then(end, end);
  },
});

/** A thread that is stuck in a device would hold up an orderly exit for as long as the chip pleases. */
function end(): void {
  process.kill(process.pid, "SIGKILL");
}

function parseTimeout(text: string): number | null {
  const ms = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return ms >= 1 && ms <= TIMEOUT_MAX_MS ? ms : null;
}

/** Null: none is pinned. Undefined: no Name of an object under SHA-256. */
function parseName(text: string | undefined): Uint8Array | null | undefined {
  if (text === undefined) return null;
  return /^000b[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : undefined;
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`holdpoint: internal fault in the TPM's process: ${message}\n`);
  if (process.env["HOLDPOINT_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
  process.exit(INTERNAL_FAULT);
}
