import { userInfo } from "node:os";
import type { Command } from "commander";
import type { GuardStatus } from "../guard/status.js";
import { askOperator } from "./operator-link.js";
import { alignTable, Refusal } from "./output.js";
import { runDirectoryOf } from "./run-directory.js";
import { describeSpace } from "./status-space.js";

type SiteOption = { readonly site: string };

/** `holdpoint status | stop-ai | reset | accept-log`: what people ask of a running gateway. */
export function addOperatorCommands(program: Command): void {
  program
    .command("status")
    .description("what a running gateway is doing")
    .requiredOption("--site <file>", "site file it was started with")
    .option("--json", "for programs: one JSON object", false)
    .action(async ({ site, json }: SiteOption & { readonly json: boolean }) => {
      const status = await askStatus(runDirectoryOf(site));
      process.stdout.write(json ? `${JSON.stringify(status)}\n` : `${describeStatus(status)}\n`);
    });
  addAct(program, "stop-ai", "revoke every lease at once; each lease's own consequence follows");
  addAct(program, "reset", "release a latched trip or a hold whose cause is gone", "trip");
  addAct(program, "accept-log", "take over a log that was found damaged or not ours");
}

export async function askStatus(runDirectory: string): Promise<GuardStatus> {
  const answer = await askOperator(runDirectory, { ask: "status" });
  if (!isStatus(answer)) throw new Refusal("the gateway answered what this command cannot read", 2);
  return answer;
}

function addAct(program: Command, act: string, says: string, argument: string | null = null): void {
  const command = program.command(act).description(says);
  if (argument !== null) command.argument(`<${argument}>`, `id of the ${argument}`);
  command.requiredOption("--site <file>", "site file the gateway was started with");
  command.requiredOption("--why <text>", "reason, for the record");
  command.option("--person <name>", "who does it; the record says UNSIGNED", userInfo().username);
  if (act === "stop-ai") command.option("--safe", "drive the safe state as well", false);
  command.action(async (...given: readonly unknown[]) => {
    const options: ActOptions = command.opts();
    const [trip] = given;
    await askOperator(runDirectoryOf(options.site), {
      ask: "act",
      act,
      person: options.person,
      why: options.why,
      ...(options.safe === undefined ? {} : { safe: options.safe }),
      ...(argument === null ? {} : { trip }),
    });
    process.stdout.write("given to the gateway, UNSIGNED\n");
  });
}

type ActOptions = SiteOption & {
  readonly why: string;
  readonly person: string;
  readonly safe?: boolean;
};

function isStatus(value: unknown): value is GuardStatus {
  return typeof value === "object" && value !== null && "mode" in value && "evidence" in value;
}

export function describeStatus(status: GuardStatus): string {
  const { evidence, verdicts, scan } = status;
  const joined = (parts: readonly string[]): string =>
    parts.length === 0 ? "none" : parts.join(", ");
  const open = status.doors.reduce((sum, { counts }) => sum + counts.connections, 0);
  const rows: readonly (readonly string[])[] = [
    ["site", `${status.site}, gateway ${status.gateway}, boot ${status.boot}, UNSIGNED`],
    ["profile", `${status.profile.name} revision ${status.profile.revision}, UNSIGNED`],
    ["mode", status.mode],
    ["split", status.split],
    ["devices", joined(status.devices.map(({ name, condition }) => `${name} ${condition}`))],
    ["controllers", joined(status.controllers.map(describeController))],
    ["tripped", joined(status.latched)],
    ["alarms", joined(status.alarms.map(({ id, text }) => `${id} (${text})`))],
    [
      "verdicts",
      Object.entries(verdicts)
        .map(([verdict, count]) => `${verdict} ${count}`)
        .join(", "),
    ],
    [
      "evidence",
      `${evidence.size} entries, head ${evidence.root.slice(0, 16)}, key: ${evidence.key}${describeStop(status)}`,
    ],
    ...(evidence.flash === null ? [] : [["TPM's flash", evidence.flash]]),
    ...describeSpace(evidence.space),
    [
      "scan",
      `late p99 ${(scan.p99Us / 1_000).toFixed(1)} ms, max ${(scan.maxUs / 1_000).toFixed(1)} ms`,
    ],
    ["doors", `${joined(status.doors.flatMap(({ listening }) => listening))}; ${open} clients`],
  ];
  return alignTable(rows);
}

/** Why nothing is permitted on it: the alarm of the disk is `evidence`. */
function describeStop({ evidence, alarms }: GuardStatus): string {
  const { writable, space } = evidence;
  if (writable) return "";
  if (space.withheld !== null) return `, NO PERMITS: ${space.withheld}`;
  const isDisk = alarms.some(({ id }) => id === "evidence");
  return isDisk ? ", CANNOT BE WRITTEN" : ", WAITS FOR A SIGNED CHECKPOINT";
}

function describeController(controller: GuardStatus["controllers"][number]): string {
  return `${controller.name} ${controller.suspended ? "suspended" : `lease ${controller.lease}`}`;
}
