import { InvalidArgumentError, type Command } from "commander";
import { addCheckpointCommand } from "./evidence-checkpoint.js";
import type { Period } from "../evidence/verify-growth.js";
import { exportEvidence } from "./evidence-export.js";
import { exportPeriod } from "./export-period.js";
import { addStampCommand } from "./evidence-stamp.js";
import { showEvidence, tailEvidence } from "./evidence-tail.js";
import { verifyEvidence } from "./evidence-verify.js";
import { Refusal, type CliStreams } from "./output.js";
import { readAsk, type AskFlags } from "./period-ask.js";
import { addQueryCommand } from "./query-command.js";

export type EvidenceDeps = {
  readonly streams: CliStreams;
  /** Path of the Python verifier that goes with every export. */
  readonly verifier: string;
  /** The verifier page, likewise. */
  readonly page?: string;
  /** Program of a thread that checks segments; without it they are all checked in this one. */
  readonly checker?: URL;
  /** Ends `tail --follow`. */
  readonly stop: AbortSignal;
  /** What the process is to exit with. */
  readonly exit: (code: number) => void;
};

/** `holdpoint evidence verify | export | query | checkpoint | stamp | tail | show`. Refusals are thrown to the caller, which prints them. */
export function addEvidenceCommands(program: Command, deps: EvidenceDeps): void {
  const evidence = program
    .command("evidence")
    .description("check and read the evidence of a gateway");
  evidence
    .command("verify")
    .description("check that nothing was altered, dropped or reordered, line by line")
    .argument("<path>", "evidence directory, or a proof bundle")
    .option(
      "--replay",
      "also judge every decision again; in a bundle by its profile or --profile",
      false,
    )
    .option("--profile <file>", "judge by this profile instead of those in the log")
    .option(
      "--trust <file>",
      "public key that must have signed (DER, or PEM: several, where one was given up); for a bundle also root certificates (PEM)",
    )
    .option("--earlier <file>", "checkpoint or bundle you kept: the log must continue it")
    .option("--key-bundle <file>", "of a log: whose attestation key signed the TPM's anchors")
    .option("--time-authority <file>", "root certificates (PEM) that must vouch for time stamps")
    .option("--period <first-last>", "numbers of entries that a bundle must have all", parsePeriod)
    .option("--json", "report as JSON", false)
    .action(async (directory: string, options: VerifyFlags) => {
      const { replay, json } = options;
      const bundle = { earlier: options.earlier ?? null, period: options.period ?? null };
      const profile = options.profile ?? null;
      const trust = options.trust ?? null;
      const { checker } = deps;
      const keyBundle = options.keyBundle ?? null;
      const of = { keyBundle, timeAuthority: options.timeAuthority ?? null };
      const command = { directory, replay, profile, trust, json, checker, ...of, ...bundle };
      deps.exit(await verifyEvidence(command, deps.streams));
    });
  addExportCommand(evidence, deps);
  addCheckpointCommand(evidence, deps);
  addStampCommand(evidence, deps);
  addQueryCommand(evidence, deps);
  evidence
    .command("tail")
    .description("the newest entries, a line each")
    .argument("<dir>", "evidence directory")
    .option("-n, --count <n>", "how many", parseCount, 20)
    .option("-f, --follow", "go on with what comes", false)
    .action(async (directory: string, options: TailFlags) => {
      deps.exit(await tailEvidence({ directory, ...options }, deps.streams, deps.stop));
    });
  evidence
    .command("show")
    .description("one entry with everything in it")
    .argument("<dir>", "evidence directory")
    .argument("<seq>", "evidence number", parseCount)
    .action(async (directory: string, seq: number) => {
      deps.exit(await showEvidence({ directory, seq }, deps.streams));
    });
}

function addExportCommand(evidence: Command, deps: EvidenceDeps): void {
  evidence
    .command("export")
    .description(
      "prove one entry and what belongs to it, or a whole period, to somebody who has nothing else",
    )
    .argument("<dir>", "evidence directory")
    .option("--seq <n>", "one entry, by its evidence number", parseCount)
    .option("--from <time>", "period: first UTC time in it (2026-11-23T14:05:00Z, 2026-11-23)")
    .option("--to <time>", "period: last UTC time in it")
    .option("--from-seq <n>", "period: first evidence number in it", parseCount)
    .option("--to-seq <n>", "period: last evidence number in it", parseCount)
    .option("--earlier <file>", "period: checkpoint or bundle that the proof is to lead from")
    .option("--out <file>", "bundle to write (holdpoint-proof-N.cbor)")
    .option("--receipt", "also an RFC 9942 receipt of the one entry, for other tools", false)
    .option("--key-bundle <file>", "what says that the key is in a TPM, to go with it")
    .option("--anchored", "under the first checkpoint that has a TPM's anchor in the log", false)
    .option(
      "--stamped",
      "under the first that has a time stamp in the log, which goes along",
      false,
    )
    .option("--with-profile", "the profile's exact bytes with it", false)
    .option("--json", "report as JSON", false)
    .action(async (directory: string, options: ExportFlags) => {
      const { receipt, withProfile, json, anchored, stamped } = options;
      const ask = readAsk(options);
      const { verifier, page, streams } = deps;
      const keyBundle = options.keyBundle ?? null;
      const wish = { anchored, stamped };
      const shared = { directory, withProfile, json, keyBundle, wish, verifier, page };
      if (ask.kind !== "entry") {
        if (receipt) throw new Refusal("--receipt is for one entry: name it with --seq", 2);
        const [out, earlier] = [options.out ?? null, options.earlier ?? null];
        deps.exit(await exportPeriod({ ...shared, ask, out, earlier }, streams));
        return;
      }
      if (options.earlier !== undefined) {
        throw new Refusal("--earlier is for a period: name one with --from and --to", 2);
      }
      const { seq } = ask;
      const out = options.out ?? `holdpoint-proof-${seq}.cbor`;
      deps.exit(await exportEvidence({ ...shared, seq, out, receipt }, streams));
    });
}

type ExportFlags = AskFlags & {
  readonly earlier?: string;
  readonly out?: string;
  readonly receipt: boolean;
  readonly withProfile: boolean;
  readonly keyBundle?: string;
  readonly anchored: boolean;
  readonly stamped: boolean;
  readonly json: boolean;
};
type VerifyFlags = {
  readonly replay: boolean;
  readonly profile?: string;
  readonly trust?: string;
  readonly earlier?: string;
  readonly keyBundle?: string;
  readonly timeAuthority?: string;
  readonly period?: Period;
  readonly json: boolean;
};
type TailFlags = { readonly count: number; readonly follow: boolean };

function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("not a whole number");
  return Number(text);
}

function parsePeriod(text: string): Period {
  const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  const period = { from: Number(first), to: Number(last) };
  if (period.from <= period.to) return period;
  throw new InvalidArgumentError("not FIRST-LAST, two whole numbers");
}
