import { InvalidArgumentError, type Command } from "commander";
import { queryEvidence } from "./evidence-query.js";
import { Refusal, type CliStreams } from "./output.js";
import type { WrittenFilter } from "./query-filter.js";

const LIMIT = 100;
/** So many entries are kept in memory to find the newest. */
const LIMIT_MAX = 10_000;

type QueryFlags = WrittenFilter & {
  readonly limit: number;
  readonly oldest: boolean;
  readonly all: boolean;
  readonly json: boolean;
};

/** `holdpoint evidence query`. Refusals are thrown to the caller, which prints them. */
export function addQueryCommand(
  evidence: Command,
  deps: { readonly streams: CliStreams; readonly exit: (code: number) => void },
): void {
  evidence
    .command("query")
    .description("entries that satisfy every option given, oldest first; several names: a,b")
    .argument("<dir>", "evidence directory")
    .option("--type <types>", "decision, outcome, trip, lease, mode, ...")
    .option("--verdict <verdicts>", "permit, clamp, deny, hold")
    .option("--outcome <outcomes>", "done, exception, unknown, withdrawn, ...")
    .option("--reason <codes>", "reason codes: ramp, stale, ...")
    .option("--rule <ids>", "rules of the profile: P-01, ...")
    .option("--controller <names>", "who asked; a client that nobody knows is # and a number")
    .option("--output <names>", "output of the profile, or its number")
    .option("--from <time>", "at or after this UTC time, as 2026-03-31 or 2026-03-31T14:05Z")
    .option("--to <time>", "before this UTC time")
    .option("--limit <n>", `the newest so many, at most ${LIMIT_MAX}`, parseLimit, LIMIT)
    .option("--oldest", "the oldest so many instead", false)
    .option("--all", "all of them", false)
    .option("--json", "a JSON object a line", false)
    .addHelpText(
      "after",
      "\nAn outcome has the controller, verdict, outputs and reasons of its command.",
    )
    .action(async (directory: string, flags: QueryFlags) => {
      const { limit, oldest, all, json, ...filter } = flags;
      if (all && oldest) throw new Refusal("--all or --oldest, not both: --all is oldest first", 2);
      const take = all ? "all" : oldest ? "oldest" : "newest";
      deps.exit(await queryEvidence({ directory, filter, take, limit, json }, deps.streams));
    });
}

function parseLimit(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`not a number from 1 to ${LIMIT_MAX}; --all has no limit`);
}
