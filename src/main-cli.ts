#!/usr/bin/env node
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import type { DemoTpms } from "./cli/demo-key.js";
import { Refusal } from "./cli/output.js";
import { addRunCommand } from "./cli/run.js";

/** Composition root of the command line. */
const INTERNAL_FAULT = 70;

const stopping = new AbortController();
const exit = (code: number): void => {
  process.exitCode = code;
};
const programs = {
  guard: fileURLToPath(new URL("main-guard.js", import.meta.url)),
  door: fileURLToPath(new URL("main-door-modbus.js", import.meta.url)),
};
const tpmProgram = fileURLToPath(new URL("main-tpm.js", import.meta.url));
/** Making a key takes some chips many seconds; the other requests are answered in one. */
const TPM_LIMITS_MS = { provision: 60_000, report: 5_000, look: 2_000 };

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
// Whoever read our output has had enough of it.
process.stdout.on("error", () => process.exit(0));
process.stderr.on("error", () => undefined);

const program = new Command("holdpoint")
  .description(
    "judges every command of an AI controller before the PLC sees it, and proves every decision",
  )
  .version("0.1.0")
  .exitOverride()
  .showHelpAfterError("(holdpoint --help lists the commands)");
addRunCommand(program, { programs, exit });
// The launcher lives as long as the gateway does: it carries nothing of what the other commands need.
if (process.argv[2] !== "run") await addOtherCommands();

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}

async function addOtherCommands(): Promise<void> {
  const { addOperatorCommands } = await import("./cli/status.js");
  const { addProfileCommands } = await import("./cli/profile-check.js");
  const { addEvidenceCommands } = await import("./cli/evidence-commands.js");
  const { addCaCommands } = await import("./cli/ca.js");
  const { addSimCommands } = await import("../simulators/command.js");
  const { addDemoCommand } = await import("./cli/demo.js");
  const { demoParts } = await import("../simulators/demo.js");
  addDemoCommand(program, { parts: demoParts, programs, tpms: await demoTpms(), exit });
  addOperatorCommands(program);
  addProfileCommands(program);
  addEvidenceCommands(program, {
    streams: { out: process.stdout, err: process.stderr },
    verifier: fileURLToPath(new URL("../../clients/verifier/verify_bundle.py", import.meta.url)),
    page: fileURLToPath(new URL("../verifier-page.html", import.meta.url)),
    checker: new URL("main-segment-checker.js", import.meta.url),
    stop: stopping.signal,
    exit,
  });
  addCaCommands(program, { out: process.stdout, err: process.stderr });
  addSimCommands(program);
  await addTpmCommands();
}

/** A hardware TPM is never asked for anything here but by the keys that `key provision` recorded. */
async function demoTpms(): Promise<DemoTpms> {
  const { startSoftwareTpm } = await import("./adapters/swtpm/software-tpm.js");
  const { findDevice } = await import("./adapters/tpm/place.js");
  const { provisionKeys, reportKeys } = await import("./adapters/tpm/provision.js");
  const { readRecord } = await import("./adapters/tpm/record-file.js");
  return {
    recorded: async (directory) => {
      const found = await readRecord(directory);
      if (found.kind !== "there") return found;
      const ask = { directory, program: tpmProgram, deadlineMs: TPM_LIMITS_MS.look };
      const reported = await reportKeys(ask);
      if (!reported.ok) return { kind: "bad", says: reported.says };
      return { kind: "there", report: reported.report };
    },
    device: findDevice,
    software: async (directory) => {
      const started = await startSoftwareTpm(join(directory, "tpm"));
      if (!started.ok) return started;
      const { socket, certificate, end } = started.tpm;
      const keys = join(directory, "keys");
      const ask = { directory: keys, program: tpmProgram, deadlineMs: TPM_LIMITS_MS.report };
      const made = await provisionKeys(ask, { kind: "socket", path: socket });
      if (made.ok) return { ok: true, keys, certificate, end };
      await end();
      return { ok: false, says: made.says };
    },
  };
}

async function addTpmCommands(): Promise<void> {
  const { addKeyCommands } = await import("./cli/key-commands.js");
  const { parsePlace } = await import("./adapters/tpm/place.js");
  const { provisionKeys, reportKeys } = await import("./adapters/tpm/provision.js");
  const { rotateKey } = await import("./adapters/tpm/rotate.js");
  const { addAttestCommands } = await import("./cli/key-attest.js");
  const { attestRecorded, openRecorded, readCertificates, readForEnrolment } =
    await import("./adapters/tpm/enrolment.js");
  addKeyCommands(program, {
    streams: { out: process.stdout, err: process.stderr },
    exit,
    isPlace: (text) => parsePlace(text) !== null,
    provision: async (directory, tpm) => {
      const ask = { directory, program: tpmProgram, deadlineMs: TPM_LIMITS_MS.provision };
      return await provisionKeys(ask, tpm === null ? null : parsePlace(tpm));
    },
    rotate: async (directory, giveUp) => {
      const ask = { directory, program: tpmProgram, deadlineMs: TPM_LIMITS_MS.provision };
      return await rotateKey({ ...ask, giveUp });
    },
    report: async (directory) =>
      await reportKeys({ directory, program: tpmProgram, deadlineMs: TPM_LIMITS_MS.report }),
  });
  const askOf = (directory: string) => ({
    directory,
    program: tpmProgram,
    deadlineMs: TPM_LIMITS_MS.report,
  });
  addAttestCommands(program, {
    out: process.stdout,
    read: async (directory, handle) => await readForEnrolment(askOf(directory), handle),
    certificates: async (directory) => await readCertificates(askOf(directory)),
    open: async (directory, handle, credential) =>
      await openRecorded(askOf(directory), handle, credential),
    attest: async (directory) => await attestRecorded(askOf(directory)),
  });
}

function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong; its help and version end with 0.
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
  if (error instanceof Refusal) {
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`holdpoint: internal fault: ${message}\n`);
  if (process.env["HOLDPOINT_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
  process.exit(INTERNAL_FAULT);
}
