import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readEntries, readEntryAt, type FoundEntry } from "../../src/cli/evidence-files.js";
import type { Finding } from "../../src/evidence/findings.js";
import { hex } from "../../src/evidence/hex.js";
import { Replay, type ReplayCounts } from "../../src/evidence/replay.js";
import { readSegmentName } from "../../src/evidence/segment.js";
import { JoinedReplay, replaySegment } from "../../src/evidence/segment-replay.js";
import { LogVerifier, type VerifyReport } from "../../src/evidence/verify.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Entry, EntryBody, Verdict } from "../../src/kernel/record/entry.js";
import type { ReasonCode } from "../../src/kernel/record/reason.js";
import { verifyTestCommit } from "./commit-keys.js";
import { sha256 } from "./corpus.js";

/** Segment files by name, oldest first. */
export type Segments = ReadonlyMap<string, Uint8Array>;

export function readSegments(directory: string): Segments {
  const names = readdirSync(directory).filter((name) => readSegmentName(name) !== null);
  return new Map(
    names.sort().map((name) => [name, Uint8Array.from(readFileSync(join(directory, name)))]),
  );
}

export function entriesOf(segments: Segments): readonly FoundEntry[] {
  return [...segments].flatMap(([name, bytes]) => readEntries(name, bytes));
}

export type Judging = {
  /** Those that the log names; none: only what bytes, chain and signatures tell. */
  readonly profiles?: readonly CompiledProfile[];
  /** Judge by this one although the log names another: facts are as recorded then. */
  readonly instead?: CompiledProfile;
  /** Each segment by itself, as threads do, and only what has to be in order in order. */
  readonly alone?: boolean;
};

export type Judged = {
  readonly report: VerifyReport;
  readonly findings: readonly Finding[];
  readonly counts: ReplayCounts | null;
  /** Entries that a replay of segments by themselves left to the replay in order. */
  readonly leftOver: number;
};

/** As `holdpoint evidence verify` does, with every finding kept. */
export function judgeSegments(segments: Segments, judging: Judging): Judged {
  const { profiles = [], instead = null, alone = false } = judging;
  const known = new Map(profiles.map((profile) => [hex(profile.model.digest), profile]));
  const profileOf = (digest: Uint8Array): CompiledProfile | null => known.get(hex(digest)) ?? null;
  const findings: Finding[] = [];
  const keys = new Map<string, KeyObject | null>();
  const holder: { replay: Replay | null } = { replay: null };
  const verifier = new LogVerifier({
    sha256,
    verifyCommit: verifyTestCommit,
    verifySignature: (spki, bytes, signature) => {
      const name = hex(spki);
      const key = keys.has(name) ? (keys.get(name) ?? null) : readKey(spki);
      keys.set(name, key);
      return checkSignature(key, bytes, signature);
    },
    trusted: null,
    entry: (entry, place) => holder.replay?.entry(entry, place),
    snapshot: (state, entry, place) => holder.replay?.snapshot(state, entry, place),
    finding: (finding) => findings.push(finding),
  });
  if (profiles.length > 0 || instead !== null) {
    holder.replay = new Replay({ findings: verifier.findings, profileOf, substitute: instead });
  }
  let leftOver = 0;
  let isFirst = true;
  for (const [name, bytes] of segments) {
    const { replay } = holder;
    const found = alone ? replaySegment({ name, bytes, isFirst }, { sha256, profileOf }) : null;
    const entryAt = (offset: number): Entry => {
      leftOver += 1;
      return readEntryAt(name, bytes, offset);
    };
    const isJoined =
      found !== null &&
      replay !== null &&
      verifier.checked(
        structuredClone(found.tape),
        (steps) => new JoinedReplay(steps, { found: structuredClone(found), replay, entryAt }),
      );
    if (!isJoined) verifier.segment(name, bytes);
    isFirst = false;
  }
  const report = verifier.finish();
  return { report, findings, counts: holder.replay?.counts() ?? null, leftOver };
}

function checkSignature(key: KeyObject | null, bytes: Uint8Array, signature: Uint8Array): boolean {
  return key !== null && verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature);
}

/** What is no key verifies nothing: damaged logs name such. */
function readKey(spki: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    return null;
  }
}

/** How often each thing is in a log. */
export type Tally = {
  readonly verdicts: ReadonlyMap<Verdict, number>;
  /** In decisions and outcomes together. */
  readonly reasons: ReadonlyMap<ReasonCode, number>;
  /** Entry types, each with what it says: `lease lapsed`, `trip T-01 fired-true`, `outcome done`. */
  readonly events: ReadonlyMap<string, number>;
};

export function tallyEntries(entries: readonly FoundEntry[]): Tally {
  const verdicts = new Map<Verdict, number>();
  const reasons = new Map<ReasonCode, number>();
  const events = new Map<string, number>();
  for (const { entry } of entries) {
    const { body } = entry;
    count(events, body.type);
    const said = describe(body);
    if (said !== null) count(events, `${body.type} ${said}`);
    if (body.type === "decision" && body.source.kind === "controller")
      count(verdicts, body.verdict);
    if (body.type !== "decision" && body.type !== "outcome") continue;
    for (const { code } of body.reasons ?? []) count(reasons, code);
  }
  return { verdicts, reasons, events };
}

export function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function describe(body: EntryBody): string | null {
  switch (body.type) {
    case "decision":
      return body.source.kind === "own" ? `own ${body.source.cause}` : null;
    case "outcome":
      return body.outcome;
    case "boot":
      return body.recovery.found;
    case "mode":
      return body.to;
    case "trip":
      return `${body.rule.replace(/\..*/, "")} ${body.event}`;
    case "safe-step":
      return body.state;
    case "lease":
      return body.event;
    case "operator-act":
      return body.act.replace(/ .*/, "");
    case "profile":
    case "device":
    case "key":
      return body.event;
    case "notice":
      return body.what;
    case "site":
    case "anchor":
    case "flood":
    case "clock":
    case "snapshot":
      return null;
  }
}
