import { basename, dirname, join } from "node:path";
import { carryConsistency, type Checkpoint } from "../evidence/checkpoint.js";
import type { ReadEntry } from "../evidence/decode-entry.js";
import { hex } from "../evidence/hex.js";
import { readEarlier, type Period } from "../evidence/verify-growth.js";
import { utcText } from "./bundle-verify.js";
import { LATER, makeBundle } from "./evidence-export.js";
import { listSegments } from "./evidence-files.js";
import { readNamed } from "./evidence-keys.js";
import { entryLine } from "./evidence-tail.js";
import { writeFiles } from "./export-files.js";
import { addKeyBundle, isSoftware, kindLines } from "./export-key.js";
import type { NewFile, Shown } from "./export-parts.js";
import { chooseOutside, NO_WISH, type Chosen, type OutsideWish } from "./outside-choice.js";
import { jsonText, Refusal, type CliStreams } from "./output.js";
import { describePeriod, periodFiles, type ShownPeriod } from "./period-parts.js";
import {
  gatherPeriod,
  PeriodSurvey,
  type Gathered,
  type PeriodAsk,
  type Source,
} from "./period-reading.js";
import { readVerifier } from "./python-verifier.js";
import { pageFiles } from "./verifier-page.js";

export type PeriodCommand = {
  readonly directory: string;
  readonly ask: PeriodAsk;
  /** File to write; null: named by the period. */
  readonly out: string | null;
  /** Checkpoint or bundle that somebody kept: the proof leads from it. Null: from the last one before the period. */
  readonly earlier: string | null;
  readonly withProfile: boolean;
  /** File of the key bundle to go with it. */
  readonly keyBundle?: string | null;
  readonly wish?: OutsideWish;
  readonly json: boolean;
  readonly verifier: string;
  readonly page?: string | undefined;
};

/** Each has its own path of up to 53 hashes: a bundle of so many is some 20 MB. */
export const PERIOD_ENTRIES_MAX = 16_384;

/**
 * `holdpoint evidence export --from --to`: proves every entry of a period, that none is left out, and that the log
 * only grew since the checkpoint before. Nothing is written that does not verify. Throws a Refusal when there is
 * nothing to prove, when it is not signed to its end, and when it is too long.
 */
export async function exportPeriod(command: PeriodCommand, streams: CliStreams): Promise<0> {
  const { directory, ask } = command;
  const kept = command.earlier === null ? null : await readKept(command.earlier);
  const source = { directory, segments: await listSegments(directory), err: streams.err };
  const survey = new PeriodSurvey(ask, kept?.claim.size ?? 0);
  await survey.read(source);
  const period = demandPeriod(source, ask, survey);
  const covering = demandSigned(source, period, { survey, kept });
  const from = { ...source, covering, watch: survey.outside };
  const chosen = await chooseOutside(from, command.wish ?? NO_WISH);
  const { checkpoint } = chosen;
  const earlier = kept ?? survey.earlier;
  const ends = { first: period.from, last: period.to };
  const gathered = await gatherPeriod(source, { ...ends, checkpoint, earlier });
  if (kept !== null && gathered.consistency === null) {
    const begins = `the log here begins with entry ${survey.oldest?.entry.seq ?? 0}, after it`;
    throw new Refusal(`${command.earlier ?? ""}: no proof can lead from it: ${begins}`, 1);
  }
  const found = { source, survey, period, chosen, earlier, gathered };
  const shown = await addKeyBundle(show(command, found), command.keyBundle ?? null);
  const bundle = makeBundle(shown, {
    directory,
    consistency: gathered.consistency,
    earlier: shown.earlier === null ? null : carryConsistency(shown.earlier, null),
    period,
  });
  const files: readonly NewFile[] = [
    { path: shown.bundle, content: bundle },
    { path: `${shown.stem}.verify.py`, content: await readVerifier(command.verifier) },
    ...(await pageFiles(shown.stem, command.page)),
    { path: `${shown.stem}.README.md`, content: describePeriod(shown, bundle.length) },
    ...periodFiles(shown),
  ];
  const folder = dirname(command.out ?? shown.bundle);
  await writeFiles(folder, files);
  const size = bundle.length;
  streams.out.write(
    command.json ? renderJson(folder, shown, size) : renderText(shown, bundle.length),
  );
  return 0;
}

type Found = {
  readonly source: Source;
  readonly survey: PeriodSurvey;
  readonly period: Period;
  readonly chosen: Chosen;
  readonly earlier: Checkpoint | null;
  readonly gathered: Gathered;
};

async function readKept(path: string): Promise<Checkpoint> {
  const read = readEarlier(new Uint8Array(await readNamed(path)));
  if (read.ok) return read.checkpoint;
  throw new Refusal(`${path}: neither a checkpoint nor a proof bundle: ${read.why}`, 2);
}

/** Numbers of the period. A Refusal where nothing is in it, or not all that was named, or too much. */
function demandPeriod({ directory }: Source, ask: PeriodAsk, survey: PeriodSurvey): Period {
  const { first, last, oldest, newest } = survey;
  if (oldest === null || newest === null) {
    throw new Refusal(`${directory}: the log has no entry that can be read`, 1);
  }
  const here = { from: oldest.entry.seq, to: newest.entry.seq };
  if (ask.kind === "numbers" && ask.to > here.to) {
    throw new Refusal(`${directory}: there is no entry ${ask.to}; the newest is ${here.to}`, 1);
  }
  if (ask.kind === "numbers" && ask.from < here.from) {
    const gone = `entry ${ask.from} is in an older segment that is not here`;
    throw new Refusal(`${directory}: ${gone} (they begin at ${here.from})`, 1);
  }
  if (first === null || last === null) {
    const span = `the log's times are from ${utcOf(oldest)} to ${utcOf(newest)}`;
    throw new Refusal(`${directory}: no entry is in this period; ${span}`, 1);
  }
  const period = ask.kind === "numbers" ? ask : { from: first, to: last };
  const count = period.to - period.from + 1;
  if (count > PERIOD_ENTRIES_MAX) {
    const middle = period.from + PERIOD_ENTRIES_MAX - 1;
    const parts = `export it in parts, --from-seq ${period.from} --to-seq ${middle} and on from ${middle + 1}`;
    const link = "with --earlier BUNDLE each proves that it continues the one before";
    throw new Refusal(
      `${directory}: the period has ${count} entries, a bundle at most ${PERIOD_ENTRIES_MAX}: ${parts}; ${link}`,
      1,
    );
  }
  return { from: period.from, to: period.to };
}

function demandSigned(
  { directory }: Source,
  { from, to }: Period,
  by: { readonly survey: PeriodSurvey; readonly kept: Checkpoint | null },
): Checkpoint {
  const { covering, newestSigned } = by.survey;
  if (covering !== null) return covering;
  if (newestSigned === null) {
    throw new Refusal(`${directory}: nothing of the log is signed yet. ${LATER}`, 1);
  }
  const { size, issuedUtcS } = newestSigned.claim;
  const newest = `the newest checkpoint, of ${utcText(issuedUtcS)}, covers entries up to ${size - 1}`;
  if (size > to) {
    const over = by.kept?.claim.size ?? 0;
    const refused = `no checkpoint is newer than the one that --earlier names, over ${over} entries`;
    throw new Refusal(`${directory}: ${refused}: ${newest}. ${LATER}`, 1);
  }
  const shorter = size > from ? `, or end the period with --to-seq ${size - 1}` : "";
  throw new Refusal(
    `${directory}: entry ${to}, the last of the period, is not signed yet: ${newest}. ${LATER}${shorter}`,
    1,
  );
}

function show(command: PeriodCommand, found: Found): ShownPeriod {
  const { source, survey, period, chosen, gathered } = found;
  const { checkpoint, outside } = chosen;
  const spki = survey.keys.get(hex(checkpoint.claim.kid));
  if (spki === undefined) {
    throw new Refusal(`${source.directory}: the log does not hold the key that signed it`, 1);
  }
  const bundle = basename(command.out ?? `holdpoint-proof-${period.from}-${period.to}.cbor`);
  const { earlier, notes } = readEarlierOf(found);
  const shown: Shown = {
    bundle,
    stem: bundle.replace(/\.cbor$/, ""),
    checkpoint,
    items: gathered.items,
    spki,
    software: isSoftware(survey.keyKinds.get(checkpoint.claim.boot)),
    profile: command.withProfile ? findProfile(source.directory, found) : null,
    receipt: false,
    page: command.page,
    lines: shortenLines(gathered.entries),
    notes: [...notes, ...noteTimes(command.ask, found), ...chosen.notes],
    outside,
  };
  return { ...shown, period, earlier, consistency: gathered.consistency };
}

/** The earlier checkpoint where the proof leads from it and the same key signed it; else why not. */
function readEarlierOf({ survey, period, chosen: { checkpoint }, earlier, gathered }: Found): {
  readonly earlier: Checkpoint | null;
  readonly notes: readonly string[];
} {
  if (period.from === 0 && earlier === null) {
    return { earlier: null, notes: ["The period begins with the log: nothing is before it."] };
  }
  if (earlier === null || gathered.consistency === null) {
    const begins = `the log here begins with entry ${survey.oldest?.entry.seq ?? 0}`;
    const none = `No checkpoint from before the period is here (${begins}): no consistency proof.`;
    return { earlier: null, notes: [none] };
  }
  if (hex(earlier.claim.kid) === hex(checkpoint.claim.kid)) return { earlier, notes: [] };
  const other = `The checkpoint before the period is signed by another key, ${hex(earlier.claim.kid)}`;
  return { earlier: null, notes: [`${other}, and is not with this export; the proof is.`] };
}

function noteTimes(ask: PeriodAsk, { survey, period }: Found): readonly string[] {
  if (ask.kind === "numbers") return [];
  const strays = `${survey.strays} entries among these bear a time outside the period: the clock was set meanwhile.`;
  const open = `The log ends within the period: what came after entry ${period.to} is not in it.`;
  return [...(survey.strays > 0 ? [strays] : []), ...(survey.isClosed ? [] : [open])];
}

/** Exact bytes of the one profile that all decisions of the period name. */
function findProfile(directory: string, { survey, gathered }: Found): Uint8Array {
  const named = new Set(
    gathered.entries.flatMap(({ entry: { body } }) =>
      body.type === "decision" ? [hex(body.profile)] : [],
    ),
  );
  const [digest = ""] = named;
  const profile = survey.profiles.get(digest);
  if (named.size === 1 && profile !== undefined) return profile;
  const why =
    named.size > 1
      ? `its decisions name ${named.size} profiles`
      : "it has no decision whose profile the log holds";
  const advice = "leave --with-profile out, or choose another period";
  throw new Refusal(`${directory}: no profile can go with this period: ${why}; ${advice}`, 1);
}

const LINES_MAX = 40;

function shortenLines(entries: readonly ReadEntry[]): readonly string[] {
  const lines = (some: readonly ReadEntry[]): readonly string[] =>
    some.map((read) => entryLine(read));
  if (entries.length <= LINES_MAX) return lines(entries);
  const half = LINES_MAX / 2;
  const between = `... ${entries.length - LINES_MAX} more`;
  return [...lines(entries.slice(0, half)), between, ...lines(entries.slice(-half))];
}

function utcOf({ stamp }: ReadEntry): string {
  return new Date(stamp.utcUs / 1000).toISOString();
}

function renderText(shown: ShownPeriod, bytes: number): string {
  const { period, items, checkpoint, consistency, software } = shown;
  const { size, issuedUtcS } = checkpoint.claim;
  const lines = [
    ...shown.lines,
    "",
    ...shown.notes,
    `entries ${period.from} to ${period.to}, all ${items.length} of them`,
    `under a checkpoint over ${size} entries, ${utcText(issuedUtcS)}`,
    ...(consistency === null ? [] : [`which continues the one over ${consistency.size1} entries`]),
    ...kindLines(software),
    `${shown.bundle}: ${bytes} bytes; how to check it: ${shown.stem}.README.md`,
  ];
  return `${lines.join("\n")}\n`;
}

function renderJson(folder: string, shown: ShownPeriod, bytes: number): string {
  const { size, issuedUtcS, gateway, log, kid } = shown.checkpoint.claim;
  const { stem, period, consistency } = shown;
  const summary = {
    bundle: join(folder, shown.bundle),
    bytes,
    period,
    entries: shown.items.length,
    checkpoint: { size, issuedUtcS, gateway, log, kid: hex(kid) },
    earlier: consistency === null ? null : { size: consistency.size1 },
    software: shown.software,
    notes: shown.notes,
    readme: join(folder, `${stem}.README.md`),
  };
  return `${jsonText(summary, 2)}\n`;
}
