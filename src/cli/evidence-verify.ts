import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { CheckResult, Finding } from "../evidence/findings.js";
import { hex } from "../evidence/hex.js";
import { Replay, type ReplayCounts } from "../evidence/replay.js";
import { JoinedReplay, type SegmentFound } from "../evidence/segment-replay.js";
import type { SegmentSteps } from "../evidence/segment-steps.js";
import { LogVerifier, type VerifyReport } from "../evidence/verify.js";
import type { Period } from "../evidence/verify-growth.js";
import type { Attester } from "../evidence/verify-anchors.js";
import type { HeldCheckpoint } from "../evidence/verify-held.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { Entry } from "../kernel/record/entry.js";
import { readBundle, verifyBundleFile } from "./bundle-verify.js";
import { countBytes, listSegments, readEntryAt, readSegment, sha256 } from "./evidence-files.js";
import { collectProfiles, compileBytes, type LogProfiles } from "./log-profiles.js";
import { readAttester } from "./attester.js";
import { readNamed, readPublicKeys, signatureVerifier, commitVerifier } from "./evidence-keys.js";
import { checkStamps } from "./stamp-check.js";
import {
  alignTable,
  jsonText,
  Refusal,
  showPlain,
  type CliStreams,
  type TextSink,
} from "./output.js";
import { Progress } from "./progress.js";
import { chooseThreads, SegmentChecking, type ProfileModels } from "./segment-checking.js";

export type VerifyCommand = {
  /** Evidence directory, or the file of a proof bundle. */
  readonly directory: string;
  readonly replay: boolean;
  /** Judge by this profile instead of the ones in the log. */
  readonly profile: string | null;
  /** Public keys (PEM or DER) that alone are trusted; null: those the log names. */
  readonly trust: string | null;
  readonly json: boolean;
  /** Program of a checking thread; without it everything is checked in this one. */
  readonly checker?: URL | undefined;
  /** Checkpoint or bundle kept elsewhere, that this log, or that of this bundle, must continue. */
  readonly earlier?: string | null;
  /** Of a log: the key bundle whose attestation key signed its anchors. */
  readonly keyBundle?: string | null;
  /** Root certificates (PEM) that must vouch for time stamps. */
  readonly timeAuthority?: string | null;
  /** Of a bundle: the numbers of entries that must all be in it. */
  readonly period?: Period | null;
};

/**
 * `holdpoint evidence verify`: a line per check. 0: nothing is wrong; 1: a check failed. Throws a Refusal
 * (exit code 2) when there is nothing to check or a file that was named cannot be used.
 */
export async function verifyEvidence(command: VerifyCommand, streams: CliStreams): Promise<0 | 1> {
  const there = await stat(command.directory).catch(() => null);
  if (there?.isFile() === true) {
    if (command.keyBundle == null) return await verifyBundleFile(command, streams);
    throw new Refusal("--key-bundle is for a log: a proof bundle has its own in it", 2);
  }
  if (command.period != null) {
    throw new Refusal("--period is for a proof bundle, not for a whole log", 2);
  }
  const segments = await listSegments(command.directory);
  const named = await readNamedFiles(command, streams.err);
  const { substitute } = named;
  const total = await countBytes(command.directory, segments);
  const needsProfiles = command.replay && substitute === null;
  const progress = new Progress(streams.err, needsProfiles ? 2 * total : total);
  const log = { command, segments, total };
  let run: Run;
  try {
    const profiles: LogProfiles = needsProfiles
      ? await collectProfiles(command.directory, segments, {
          read: (bytes) => {
            progress.add(bytes);
          },
          tell: (line) => {
            streams.err.write(line);
          },
        })
      : new Map();
    run = startRun(command, { ...named, profiles });
    await readLog(log, run, progress);
  } finally {
    progress.end();
  }
  await checkStamps(run.verifier, command.timeAuthority ?? null);
  const report = run.verifier.finish();
  const counts = run.replay?.counts() ?? null;
  const result: Result = { command, report, counts, faults: run.faults };
  streams.out.write(command.json ? renderJson(result) : renderText(result));
  return report.ok ? 0 : 1;
}

type Log = {
  readonly command: VerifyCommand;
  readonly segments: readonly string[];
  /** Bytes. */
  readonly total: number;
};

/**
 * A long log in as many threads as there are cores: each checks, and replays, segments for themselves, and here only
 * remains what needs them all. By another profile than the log's own nothing can be replayed from the middle.
 */
async function readLog({ command, segments, total }: Log, run: Run, done: Progress): Promise<void> {
  const { directory, checker } = command;
  const { replay, profiles } = run;
  const isByOther = replay !== null && profiles === null;
  const threads = checker === undefined || isByOther ? 0 : chooseThreads(segments.length, total);
  const jobs = segments.map((name, i) => ({ directory, name, isFirst: i === 0 }));
  const checking =
    checker === undefined || threads === 0
      ? null
      : new SegmentChecking(checker, jobs, threads, profiles);
  try {
    for (const name of segments) {
      const found = (await checking?.take(name)) ?? null;
      done.add(await joinSegment(directory, { name, found }, run));
    }
  } finally {
    await checking?.stop();
  }
}

/** Takes what a thread found in a segment as far as that holds, and checks the rest here. Gives its bytes. */
async function joinSegment(
  directory: string,
  { name, found }: { readonly name: string; readonly found: SegmentFound | null },
  { verifier, replay }: Run,
): Promise<number> {
  const isPlain = replay === null;
  if (isPlain && found !== null && verifier.checked(found.tape)) return found.tape.bytes;
  const bytes = await readSegment(directory, name);
  if (replay !== null && found !== null) {
    const entryAt = (offset: number): Entry => readEntryAt(join(directory, name), bytes, offset);
    const through = (steps: SegmentSteps): SegmentSteps =>
      new JoinedReplay(steps, { found, replay, entryAt });
    if (verifier.checked(found.tape, through)) return found.tape.bytes;
  }
  verifier.segment(name, bytes);
  return bytes.length;
}

type NamedFiles = {
  readonly trusted: readonly Uint8Array[] | null;
  readonly held: readonly HeldCheckpoint[];
  readonly attester: Attester | null;
  readonly substitute: CompiledProfile | null;
};

/** What a person named beside the log, each refused unless it can be used. */
async function readNamedFiles(command: VerifyCommand, err: TextSink): Promise<NamedFiles> {
  const { trust, profile, earlier = null, keyBundle = null } = command;
  return {
    trusted: trust === null ? null : await readPublicKeys(trust),
    substitute: profile === null ? null : await readProfileFile(profile, err),
    held: await readHeld(earlier),
    attester: keyBundle === null ? null : await readAttester(keyBundle),
  };
}

async function readHeld(path: string | null): Promise<readonly HeldCheckpoint[]> {
  return path === null ? [] : [{ name: path, body: await readBundle(path) }];
}

type Result = {
  readonly command: VerifyCommand;
  readonly report: VerifyReport;
  readonly counts: ReplayCounts | null;
  readonly faults: readonly Finding[];
};

/** Faults listed one by one in the JSON report; the rest is only counted. */
const FAULTS_MAX = 1000;

type Run = {
  readonly verifier: LogVerifier;
  readonly replay: Replay | null;
  /** Of the log, for a replay by them; null: it is by another, or there is none. */
  readonly profiles: ProfileModels;
  readonly faults: readonly Finding[];
};

function startRun(
  command: VerifyCommand,
  of: NamedFiles & { readonly profiles: LogProfiles },
): Run {
  const faults: Finding[] = [];
  const wantsReplay = command.replay || of.substitute !== null;
  const holder: { replay: Replay | null } = { replay: null };
  const verifier = new LogVerifier({
    sha256,
    verifySignature: signatureVerifier(),
    verifyCommit: commitVerifier(),
    trusted: of.trusted,
    held: of.held,
    attester: of.attester,
    entry: (entry, place) => {
      holder.replay?.entry(entry, place);
    },
    snapshot: (state, entry, place) => {
      holder.replay?.snapshot(state, entry, place);
    },
    finding: (finding) => {
      if (faults.length < FAULTS_MAX) faults.push(finding);
    },
  });
  if (wantsReplay) {
    holder.replay = new Replay({
      findings: verifier.findings,
      profileOf: (digest) => of.profiles.get(hex(digest)) ?? null,
      substitute: of.substitute,
    });
    verifier.findings.note(
      "facts",
      of.substitute === null
        ? "plant readings as recorded"
        : "as recorded: another profile was named to judge by",
    );
  }
  const profiles =
    wantsReplay && of.substitute === null
      ? new Map([...of.profiles].map(([digest, { model }]) => [digest, model]))
      : null;
  return { verifier, replay: holder.replay, profiles, faults };
}

async function readProfileFile(path: string, err: TextSink): Promise<CompiledProfile> {
  const bytes = await readNamed(path);
  const profile = compileBytes(bytes, path, (line) => {
    err.write(line);
  });
  if (profile === null) throw new Refusal(`${path}: this profile cannot be loaded`, 2);
  return profile;
}

function renderText({ command, report, counts }: Result): string {
  const { entries, firstSeq, lastSeq, segments, runs } = report;
  const lines = [
    `${command.directory}: ${plural(segments, "segment")}, ${plural(entries, "entry", "entries")} (seq ${firstSeq ?? "-"} to ${lastSeq ?? "-"}), ${plural(runs, "run")}`,
    "",
    ...report.checks.flatMap(renderCheck),
    "",
  ];
  if (entries === 0) lines.push("FAIL: the log has no entry");
  if (report.uncovered > 0) {
    const under = report.underSignedCommit;
    const told = under === 0 ? "" : `; ${under} of them are under a commit signed by its key`;
    lines.push(
      `the newest ${report.uncovered} entries are not under a signed checkpoint yet${told}`,
    );
  }
  if (counts !== null) {
    const { permit, clamp, deny, hold, secondLooks, unfolded } = counts;
    lines.push(
      `replayed: ${plural(permit, "permit")}, ${plural(clamp, "clamp")}, ${plural(deny, "denial")}, ${hold} held, ${plural(secondLooks, "second look")}`,
    );
    if (unfolded > 0)
      lines.push(`${unfolded} decisions: kernel facts as recorded (no snapshot before them)`);
  }
  if (command.trust === null) lines.push("keys: taken from the log itself (--trust names others)");
  if (report.keyKinds.length === 0) {
    lines.push("key: kind of key not known here: no run begins in what was given");
  }
  if (report.keyKinds.some((kind) => kind !== "tpm")) lines.push("key: software, not hardware");
  lines.push(report.ok ? "PASS" : "FAIL");
  return `${lines.join("\n")}\n`;
}

function renderCheck(check: CheckResult): readonly string[] {
  const note = check.note === null ? "" : `; ${check.note}`;
  const counted = check.looked === 0 ? "" : ` (${check.looked})`;
  const line = alignTable([[check.status.padEnd(11), `${check.label}${counted}${note}`]]);
  if (check.first === null) return [showPlain(line)];
  const { place, why } = check.first;
  const more = check.faults > 1 ? ` (and ${check.faults - 1} more)` : "";
  // What was kept elsewhere has no place in the log.
  const where =
    check.id === "held"
      ? place.segment
      : `${place.segment}, byte ${place.offset}, seq ${place.seq}`;
  return [line, `             ${where}: ${why}${more}`].map(showPlain);
}

function renderJson({ report, counts, faults }: Result): string {
  return `${jsonText({ ...report, replay: counts, faults }, 2)}\n`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
