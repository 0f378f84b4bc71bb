import { InvalidArgumentError, type Command } from "commander";
import { exportEvidence } from "./evidence-export.js";
import { showEvidence, tailEvidence } from "./evidence-tail.js";
import { verifyEvidence } from "./evidence-verify.js";
import type { CliStreams } from "./output.js";

export type EvidenceDeps = {
  readonly streams: CliStreams;
  /** Path of the Python verifier that goes with every export. */
  readonly verifier: string;
  /** Ends `tail --follow`. */
  readonly stop: AbortSignal;
  /** What the process is to exit with. */
  readonly exit: (code: number) => void;
};

/** `holdpoint evidence verify | export | tail | show`. Refusals are thrown to the caller, which prints them. */
export function addEvidenceCommands(program: Command, deps: EvidenceDeps): void {
  const evidence = program
    .command("evidence")
    .description("check and read the evidence of a gateway");
  evidence
    .command("verify")
    .description("check that nothing was altered, dropped or reordered, line by line")
    .argument("<path>", "evidence directory, or a proof bundle")
    .option("--replay", "also judge every decision again", false)
    .option("--profile <file>", "judge by this profile instead of those in the log")
    .option(
      "--trust <file>",
      "public key (PEM or DER) that must have signed; for a bundle also root certificates (PEM)",
    )
    .option("--json", "report as JSON", false)
    .action(async (directory: string, options: VerifyFlags) => {
      const { replay, json } = options;
      const profile = options.profile ?? null;
      const trust = options.trust ?? null;
      deps.exit(await verifyEvidence({ directory, replay, profile, trust, json }, deps.streams));
    });
  addExportCommand(evidence, deps);
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
    .description("prove one entry, and what belongs to it, to somebody who has nothing else")
    .argument("<dir>", "evidence directory")
    .requiredOption("--seq <n>", "evidence number", parseCount)
    .option("--out <file>", "bundle to write (holdpoint-proof-N.cbor)")
    .option("--receipt", "also an RFC 9942 receipt, for other tools", false)
    .option("--key-bundle <file>", "what says that the key is in a TPM, to go with it")
    .option("--with-profile", "the profile's exact bytes with it", false)
    .option("--json", "report as JSON", false)
    .action(async (directory: string, options: ExportFlags) => {
      const { seq, receipt, withProfile, json } = options;
      const out = options.out ?? `holdpoint-proof-${seq}.cbor`;
      const { verifier } = deps;
      const keyBundle = options.keyBundle ?? null;
      const command = { directory, seq, out, receipt, withProfile, json, keyBundle, verifier };
      deps.exit(await exportEvidence(command, deps.streams));
    });
}

type ExportFlags = {
  readonly seq: number;
  readonly out?: string;
  readonly receipt: boolean;
  readonly withProfile: boolean;
  readonly keyBundle?: string;
  readonly json: boolean;
};
type VerifyFlags = {
  readonly replay: boolean;
  readonly profile?: string;
  readonly trust?: string;
  readonly json: boolean;
};
type TailFlags = { readonly count: number; readonly follow: boolean };

function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("not a whole number");
  return Number(text);
}
