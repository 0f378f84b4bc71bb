import type { ReadEntry } from "../evidence/decode-entry.js";
import { hex } from "../evidence/hex.js";
import { listSegments, readEntries, readSegment, type FoundEntry } from "./evidence-files.js";
import { entryCells, EntryLines } from "./entry-lines.js";
import { jsonText, Refusal, showPlain, wantsColor, type CliStreams } from "./output.js";

export type TailCommand = {
  readonly directory: string;
  /** How many of the newest entries to begin with. */
  readonly count: number;
  /** Go on with what comes, until `stop`. */
  readonly follow: boolean;
};

/** How often the log is looked at again. */
const POLL_MS = 500;

/** `holdpoint evidence tail`: the newest entries, a line each. Checks nothing. */
export async function tailEvidence(
  command: TailCommand,
  streams: CliStreams,
  stop: AbortSignal,
): Promise<0> {
  const { directory, count, follow } = command;
  let newest: FoundEntry[] = [];
  for (const name of [...(await listSegments(directory))].reverse()) {
    newest = [...readEntries(name, await readSegment(directory, name)), ...newest];
    if (newest.length >= count) break;
  }
  const shown = count === 0 ? [] : newest.slice(-count);
  const lines = new EntryLines(wantsColor(streams.out));
  streams.out.write(lines.render(shown));
  let seq = newest.at(-1)?.entry.seq ?? -1;
  while (follow && !stop.aborted) {
    await pause(stop);
    const names = await listSegments(directory);
    // What came since is in the newest segment, and in the one before when that has just begun.
    for (const name of names.slice(-2)) {
      for (const found of readEntries(name, await readSegment(directory, name))) {
        if (found.entry.seq <= seq) continue;
        streams.out.write(lines.render([found]));
        seq = found.entry.seq;
      }
    }
  }
  return 0;
}

export type ShowCommand = { readonly directory: string; readonly seq: number };

/** `holdpoint evidence show`: one entry with everything in it. A Refusal when the log does not hold it. */
export async function showEvidence(command: ShowCommand, streams: CliStreams): Promise<0> {
  const { directory, seq } = command;
  for (const name of [...(await listSegments(directory))].reverse()) {
    const found = readEntries(name, await readSegment(directory, name)).find(
      ({ entry }) => entry.seq === seq,
    );
    if (found === undefined) continue;
    const { entry, prev, stamp, segment, offset, leafHash } = found;
    const shown = { segment, offset, leafHash, prev, stamp, ...entry };
    streams.out.write(`${entryLine(found)}\n${jsonText(shown, 2, plainValue)}\n`);
    return 0;
  }
  throw new Refusal(`${directory}: there is no entry ${seq}`, 1);
}

/** One line for people, without what a terminal would obey. */
export function entryLine(read: ReadEntry): string {
  return entryCells(read).map(showPlain).join("  ");
}

/** For JSON: bytes as hex, maps as lists of pairs. */
export function plainValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Map) return [...value];
  return value;
}

async function pause(stop: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, POLL_MS);
    stop.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    }
  });
}
