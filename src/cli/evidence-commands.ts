import { InvalidArgumentError, type Command } from "commander";
import { showEvidence, tailEvidence } from "./evidence-tail.js";
import { verifyEvidence, type CliStreams } from "./evidence-verify.js";

export type EvidenceDeps = {
  readonly streams: CliStreams;
  /** Ends `tail --follow`. */
  readonly stop: AbortSignal;
  /** What the process is to exit with. */
  readonly exit: (code: number) => void;
};

/** `holdpoint evidence verify | tail | show`. Refusals are thrown to the caller, which prints them. */
export function addEvidenceCommands(program: Command, deps: EvidenceDeps): void {
  const evidence = program
    .command("evidence")
    .description("check and read the evidence of a gateway");
  evidence
    .command("verify")
    .description("check that nothing was altered, dropped or reordered, line by line")
    .argument("<dir>", "evidence directory")
    .option("--replay", "also judge every decision again", false)
    .option("--profile <file>", "judge by this profile instead of those in the log")
    .option("--trust <file>", "public key (PEM or DER) that must have signed")
    .option("--json", "report as JSON", false)
    .action(async (directory: string, options: VerifyFlags) => {
      const { replay, json } = options;
      const profile = options.profile ?? null;
      const trust = options.trust ?? null;
      deps.exit(await verifyEvidence({ directory, replay, profile, trust, json }, deps.streams));
    });
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
