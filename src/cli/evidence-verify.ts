import { stat } from "node:fs/promises";
import type { CheckResult, Finding } from "../evidence/findings.js";
import { hex } from "../evidence/hex.js";
import { PartJoiner } from "../evidence/parts.js";
import { Replay, type ReplayCounts } from "../evidence/replay.js";
import { LogVerifier, type VerifyReport } from "../evidence/verify.js";
import type { Period } from "../evidence/verify-growth.js";
import { compileProfile } from "../kernel/profile/compile.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import { loadProfile } from "../profile/load.js";
import { verifyBundleFile } from "./bundle-verify.js";
import { listSegments, readEntries, readSegment, sha256 } from "./evidence-files.js";
import { readNamed, readPublicKey, signatureVerifier } from "./evidence-keys.js";
import { alignTable, Refusal, type CliStreams, type TextSink } from "./output.js";

export type VerifyCommand = {
  /** Evidence directory, or the file of a proof bundle. */
  readonly directory: string;
  readonly replay: boolean;
  /** Judge by this profile instead of the ones in the log. */
  readonly profile: string | null;
  /** Public keys (PEM or DER) that alone are trusted; null: those the log names. */
  readonly trust: string | null;
  readonly json: boolean;
  /** Of a bundle: what its log must continue, and the numbers of entries that must all be in it. */
  readonly earlier?: string | null;
  readonly period?: Period | null;
};

/**
 * `holdpoint evidence verify`: a line per check. 0: nothing is wrong; 1: a check failed. Throws a Refusal
 * (exit code 2) when there is nothing to check or a file that was named cannot be used.
 */
export async function verifyEvidence(command: VerifyCommand, streams: CliStreams): Promise<0 | 1> {
  const named = await stat(command.directory).catch(() => null);
  if (named?.isFile() === true) return await verifyBundleFile(command, streams);
  refuseBundleOptions(command);
  const segments = await listSegments(command.directory);
  const trusted = command.trust === null ? null : [await readPublicKey(command.trust)];
  const substitute =
    command.profile === null ? null : await readProfileFile(command.profile, streams.err);
  const profiles =
    command.replay && substitute === null
      ? await collectProfiles(command.directory, segments, streams.err)
      : new Map<string, CompiledProfile>();
  const run = startRun(command, { trusted, substitute, profiles });
  for (const [index, name] of segments.entries()) {
    if (segments.length > 1) streams.err.write(`${index + 1}/${segments.length} ${name}\n`);
    run.verifier.segment(name, await readSegment(command.directory, name));
  }
  const report = run.verifier.finish();
  const counts = run.replay?.counts() ?? null;
  const result: Result = { command, report, counts, faults: run.faults };
  streams.out.write(command.json ? renderJson(result) : renderText(result));
  return report.ok ? 0 : 1;
}

function refuseBundleOptions({ earlier = null, period = null }: VerifyCommand): void {
  if (earlier === null && period === null) return;
  throw new Refusal("--earlier and --period are for a proof bundle, not for a whole log", 2);
}

type Result = {
  readonly command: VerifyCommand;
  readonly report: VerifyReport;
  readonly counts: ReplayCounts | null;
  readonly faults: readonly Finding[];
};

/** Faults listed one by one in the JSON report; the rest is only counted. */
const FAULTS_MAX = 1000;

function startRun(
  command: VerifyCommand,
  of: {
    readonly trusted: readonly Uint8Array[] | null;
    readonly substitute: CompiledProfile | null;
    readonly profiles: ReadonlyMap<string, CompiledProfile>;
  },
): {
  readonly verifier: LogVerifier;
  readonly replay: Replay | null;
  readonly faults: readonly Finding[];
} {
  const faults: Finding[] = [];
  const wantsReplay = command.replay || of.substitute !== null;
  const holder: { replay: Replay | null } = { replay: null };
  const verifier = new LogVerifier({
    sha256,
    verifySignature: signatureVerifier(),
    trusted: of.trusted,
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
  return { verifier, replay: holder.replay, faults };
}

async function readProfileFile(path: string, err: TextSink): Promise<CompiledProfile> {
  const bytes = await readNamed(path);
  const profile = compileBytes(bytes, path, err);
  if (profile === null) throw new Refusal(`${path}: this profile cannot be loaded`, 2);
  return profile;
}

/** Profiles whose exact bytes the log holds, compiled, by digest. */
async function collectProfiles(
  directory: string,
  segments: readonly string[],
  err: TextSink,
): Promise<ReadonlyMap<string, CompiledProfile>> {
  const profiles = new Map<string, CompiledProfile>();
  const joiner = new PartJoiner(sha256);
  for (const name of segments) {
    for (const { entry } of readEntries(name, await readSegment(directory, name))) {
      if (entry.body.type !== "profile" || entry.body.bytes === null) continue;
      const joined = joiner.add(entry.body.bytes);
      if (joined.kind !== "whole" || profiles.has(hex(sha256(joined.bytes)))) continue;
      const profile = compileBytes(joined.bytes, `the log's profile (seq ${entry.seq})`, err);
      if (profile !== null) profiles.set(hex(sha256(joined.bytes)), profile);
    }
  }
  return profiles;
}

function compileBytes(bytes: Uint8Array, file: string, err: TextSink): CompiledProfile | null {
  const loaded = loadProfile(new TextDecoder().decode(bytes), file, sha256(bytes));
  if (loaded.ok) return compileProfile(loaded.model);
  for (const text of loaded.rendered) err.write(`${text}\n`);
  return null;
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
    lines.push(`the newest ${report.uncovered} entries are not under a signed checkpoint yet`);
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
  if (report.keyKinds.some((kind) => kind !== "tpm")) lines.push("key: software, not hardware");
  lines.push(report.ok ? "PASS" : "FAIL");
  return `${lines.join("\n")}\n`;
}

function renderCheck(check: CheckResult): readonly string[] {
  const note = check.note === null ? "" : `; ${check.note}`;
  const counted = check.looked === 0 ? "" : ` (${check.looked})`;
  const line = alignTable([[check.status.padEnd(11), `${check.label}${counted}${note}`]]);
  if (check.first === null) return [line];
  const { place, why } = check.first;
  const more = check.faults > 1 ? ` (and ${check.faults - 1} more)` : "";
  return [
    line,
    `             ${place.segment}, byte ${place.offset}, seq ${place.seq}: ${why}${more}`,
  ];
}

function renderJson({ report, counts, faults }: Result): string {
  return `${JSON.stringify({ ...report, replay: counts, faults }, null, 2)}\n`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
