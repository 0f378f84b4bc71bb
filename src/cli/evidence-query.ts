import { readSegmentName } from "../evidence/segment.js";
import { EntryLines, entryCells, utcText } from "./entry-lines.js";
import {
  countBytes,
  listSegments,
  readSegment,
  visitEntries,
  type FoundEntry,
} from "./evidence-files.js";
import { plainValue } from "./evidence-tail.js";
import { jsonText, wantsColor, type CliStreams } from "./output.js";
import { Progress } from "./progress.js";
import { QueryMatcher } from "./query-match.js";
import { readFilter, type WrittenFilter } from "./query-filter.js";
import { resolveNames } from "./query-names.js";

export type QueryCommand = {
  readonly directory: string;
  readonly filter: WrittenFilter;
  /** `newest`: the last so many that match. `oldest`: the first so many. `all`: every one. */
  readonly take: "newest" | "oldest" | "all";
  /** At least 1; without meaning for `all`. */
  readonly limit: number;
  readonly json: boolean;
};

/**
 * `holdpoint evidence query`: entries that satisfy a filter, oldest first, and how many they are of how many that
 * were read. Checks nothing. Keeps at most `limit` entries and one segment in memory. Throws a Refusal (exit code 2)
 * for a filter that cannot mean anything in this log.
 */
export async function queryEvidence(command: QueryCommand, streams: CliStreams): Promise<0> {
  const { directory, take } = command;
  const filter = readFilter(command.filter);
  const segments = await listSegments(directory);
  const outputs = await resolveNames(filter, directory, segments);
  const printer = new Printer(command, streams);
  const progress = new Progress(streams.err, await countBytes(directory, segments));
  const reading = new Reading(command, segments, progress);
  const newMatcher = (): QueryMatcher => new QueryMatcher(filter, outputs);
  try {
    if (take === "newest") printer.add(await findNewest(reading, command.limit, newMatcher));
    else await printForward(reading, newMatcher(), { printer, progress, command });
  } finally {
    progress.end();
  }
  printer.close(reading);
  return 0;
}

/** Outcomes at the beginning of a segment whose permit is in the one before: there are a few. */
const ORPHANS_MAX = 4_096;

/** Segments backwards, each forwards, until nothing older could still belong to the newest `limit`. */
async function findNewest(
  reading: Reading,
  limit: number,
  newMatcher: () => QueryMatcher,
): Promise<readonly FoundEntry[]> {
  let newest: FoundEntry[] = [];
  let orphans: readonly FoundEntry[] = [];
  for (const name of [...reading.segments].reverse()) {
    const matcher = newMatcher();
    const begin = readSegmentName(name) ?? 0;
    const strays: FoundEntry[] = [];
    let matching: FoundEntry[] = [];
    await reading.segment(name, (found) => {
      const match = matcher.judge(found);
      if (match === "yes") matching.push(found);
      else if (match === "elsewhere" && mayPrecede(found, begin)) strays.push(found);
      if (strays.length > ORPHANS_MAX) reading.leaveOut(strays.splice(0, 1).length);
      if (matching.length > 2 * limit) matching = matching.slice(-limit);
    });
    const again = orphans.map((found) => ({ found, match: matcher.judgeAgain(found) }));
    matching.push(...again.flatMap(({ found, match }) => (match === "yes" ? [found] : [])));
    const homeless = again.flatMap(({ found, match }) => (match === "elsewhere" ? [found] : []));
    orphans = [...strays, ...homeless.filter((found) => mayPrecede(found, begin))];
    newest = [...newest, ...matching].sort((a, b) => a.entry.seq - b.entry.seq).slice(-limit);
    if (newest.length === limit && orphans.length === 0) break;
  }
  return newest;
}

/** Whether the permit of this outcome may be before the segment that begins at this number. */
function mayPrecede({ entry }: FoundEntry, begin: number): boolean {
  return begin > 0 && (entry.cause === null || entry.cause < begin);
}

async function printForward(
  reading: Reading,
  matcher: QueryMatcher,
  to: {
    readonly printer: Printer;
    readonly progress: Progress;
    readonly command: QueryCommand;
  },
): Promise<void> {
  const { take, limit } = to.command;
  const most = take === "all" ? Number.MAX_SAFE_INTEGER : limit;
  let matched = 0;
  for (const name of reading.segments) {
    const matching: FoundEntry[] = [];
    await reading.segment(name, (found) => {
      if (matched >= most || matcher.judge(found) !== "yes") return;
      matched += 1;
      matching.push(found);
      if (matching.length === LINES_MAX) to.printer.add(matching.splice(0), to.progress);
    });
    to.printer.add(matching, to.progress);
    if (matched >= most) return;
  }
}

/** Lines that are aligned with one another, and held back for that. */
const LINES_MAX = 256;

/** Reads segments and counts what it met. */
class Reading {
  readonly segments: readonly string[];
  entries = 0;
  /** Bytes that are no entry and no other frame. */
  strayBytes = 0;
  /** Of the group that is being written, or was when the power went. */
  uncommitted = 0;
  read = 0;
  /** Outcomes that may or may not match: too many waited for their permits at once. */
  undecided = 0;
  readonly #directory: string;
  readonly #progress: Progress;

  constructor(command: QueryCommand, segments: readonly string[], progress: Progress) {
    this.#directory = command.directory;
    this.segments = segments;
    this.#progress = progress;
  }

  leaveOut(outcomes: number): void {
    this.undecided += outcomes;
  }

  /** Every entry of a segment; of the newest those before the last commit: the rest may never have been durable. */
  async segment(name: string, take: (found: FoundEntry) => void): Promise<void> {
    const bytes = await readSegment(this.#directory, name);
    const isNewest = name === this.segments.at(-1);
    let group: FoundEntry[] = [];
    const pass = (): void => {
      this.entries += group.length;
      for (const found of group) take(found);
      group = [];
    };
    visitEntries(name, bytes, {
      entry: (found) => {
        group.push(found);
        if (!isNewest) pass();
      },
      commit: pass,
      gap: (length) => {
        this.strayBytes += length;
      },
    });
    this.read += 1;
    this.uncommitted += group.length;
    this.#progress.add(bytes.length);
  }
}

/** Lines for people with a closing line; or a JSON object a line, and the closing line where errors go. */
class Printer {
  readonly #command: QueryCommand;
  readonly #streams: CliStreams;
  readonly #lines: EntryLines;
  #matched = 0;

  constructor(command: QueryCommand, streams: CliStreams) {
    this.#command = command;
    this.#streams = streams;
    this.#lines = new EntryLines(wantsColor(streams.out));
  }

  add(found: readonly FoundEntry[], progress: Progress | null = null): void {
    if (found.length === 0) return;
    progress?.end();
    this.#matched += found.length;
    const text = this.#command.json ? found.map(jsonLine).join("") : this.#lines.render(found);
    this.#streams.out.write(text);
  }

  close({ entries, strayBytes, uncommitted, undecided, read, segments }: Reading): void {
    const { directory, take, limit, json } = this.#command;
    const parts = [`${this.#matched} of ${entries} entries read match`];
    if (this.#matched === 0) parts[0] = `nothing matches in ${entries} entries read`;
    else if (take !== "all" && this.#matched === limit) {
      parts.push(`these are the ${take} ${limit}, there may be more (--limit N, --all)`);
    }
    if (read < segments.length) parts.push(`${segments.length - read} segments were not needed`);
    if (strayBytes > 0) parts.push(`${strayBytes} bytes are no entry and were passed over`);
    if (undecided > 0) parts.push(`${undecided} outcomes whose permits are far were left out`);
    if (uncommitted > 0) parts.push(`${uncommitted} newer entries are not committed yet`);
    parts.push(`query reads and does not verify: holdpoint evidence verify ${directory} does`);
    (json ? this.#streams.err : this.#streams.out).write(`${parts.join("; ")}\n`);
  }
}

/** Names that stay: a program may rely on them. Bytes are hex. */
function jsonLine(found: FoundEntry): string {
  const { entry, stamp, prev, segment, offset, leafHash } = found;
  const { seq, monoUs, cause, body } = entry;
  const says = entryCells(found).at(-1);
  const utc = utcText(stamp.utcUs);
  const where = { segment, offset, leafHash, prev };
  const shown = { seq, utc, type: body.type, cause, says, monoUs, stamp, ...where, body };
  return `${jsonText(shown, undefined, plainValue)}\n`;
}
