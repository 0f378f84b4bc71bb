import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { BUNDLE_BYTES_MAX, decodeBundle } from "../evidence/bundle.js";
import type { BundleCheck } from "../evidence/bundle-findings.js";
import { commitKeyId } from "../evidence/commit-key.js";
import { hex } from "../evidence/hex.js";
import { readSegmentName } from "../evidence/segment.js";
import type { Period } from "../evidence/verify-growth.js";
import { verifyBundle, type BundleReport } from "../evidence/verify-bundle.js";
import type { BundleProfiles } from "../evidence/verify-verdicts.js";
import { CERTIFICATES } from "./certificates.js";
import { sha256 } from "./evidence-files.js";
import { readNamed, readTrust, signatureVerifier } from "./evidence-keys.js";
import { entryLine } from "./evidence-tail.js";
import { compileBytes } from "./log-profiles.js";
import { jsonText, Refusal, showPlain, type CliStreams } from "./output.js";
import { judgeStamps } from "./stamp-check.js";

export type BundleCommand = {
  /** The bundle's file. */
  readonly directory: string;
  readonly replay: boolean;
  /** Its exact bytes must be what the decisions name. */
  readonly profile: string | null;
  /** Public key (PEM or DER) that must have signed, or roots (PEM) that must vouch; null: the bundle's own. */
  readonly trust: string | null;
  readonly json: boolean;
  /** Checkpoint, or bundle, that its log must continue. */
  readonly earlier?: string | null;
  /** Numbers of entries that must all be here. */
  readonly period?: Period | null;
  /** Root certificates (PEM) that must vouch for time stamps. */
  readonly timeAuthority?: string | null;
};

/** `holdpoint evidence verify BUNDLE`: a line per check. 0: nothing is wrong; 1: a check failed. */
export async function verifyBundleFile(
  command: BundleCommand,
  streams: CliStreams,
): Promise<0 | 1> {
  const file = command.directory;
  if (readSegmentName(basename(file)) !== null) {
    throw new Refusal(`${file}: one segment of a log; name the folder it is in`, 2);
  }
  const trust = command.trust === null ? null : await readTrust(command.trust);
  const profile =
    command.profile === null ? null : new Uint8Array(await readNamed(command.profile));
  const earlier = command.earlier == null ? null : await readBundle(command.earlier);
  const bundle = await readBundle(file);
  const report = verifyBundle(bundle, {
    sha256,
    verifySignature: signatureVerifier(),
    trusted: trust?.kind === "keys" ? trust.spkis : null,
    certificates: {
      reader: CERTIFICATES,
      roots: trust?.kind === "roots" ? trust.certificates : null,
    },
    profile,
    replay: command.replay ? loadProfiles(bundle, command, { profile, streams }) : null,
    earlier,
    period: command.period ?? null,
    isStamped: await judgeStamps(bundle, command.timeAuthority ?? null),
  });
  streams.out.write(command.json ? renderJson(report) : renderText(command, report));
  return report.ok ? 0 : 1;
}

/** What there is to judge by: the profile that the bundle brings, and the one that was named. */
function loadProfiles(
  bundle: Uint8Array,
  command: BundleCommand,
  by: { readonly profile: Uint8Array | null; readonly streams: CliStreams },
): BundleProfiles {
  const decoded = decodeBundle(bundle);
  const brought = decoded.ok ? decoded.bundle.profile : null;
  const found = [
    { bytes: brought, name: `${command.directory}: its profile` },
    { bytes: by.profile, name: command.profile ?? "" },
  ];
  return new Map(
    found.flatMap(({ bytes, name }) => {
      if (bytes === null) return [];
      const compiled = compileBytes(bytes, name, (line) => {
        by.streams.err.write(line);
      });
      return [[hex(sha256(bytes)), compiled]];
    }),
  );
}

/** A file no longer than a bundle may be. */
export async function readBundle(file: string): Promise<Uint8Array> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size > BUNDLE_BYTES_MAX) {
    throw new Refusal(`${file}: ${size} bytes; no bundle is longer than ${BUNDLE_BYTES_MAX}`, 2);
  }
  try {
    return new Uint8Array(await readFile(file));
  } catch {
    throw new Refusal(`${file}: cannot be read`, 2);
  }
}

/** Of more entries only the first and the last are listed, half of these each. */
const SHOWN_MAX = 100;

function renderText(command: BundleCommand, report: BundleReport): string {
  const { claim } = report;
  const lines = [`${command.directory}: a proof bundle`];
  if (claim !== null) {
    const { size, gateway, log, issuedUtcS, token = null } = claim;
    const when = utcText(issuedUtcS);
    lines.push(showPlain(`checkpoint over ${size} entries of ${gateway}, log ${log}, ${when}`));
    if (claim.commitKey !== null) {
      const id = hex(commitKeyId(claim.commitKey, sha256));
      lines.push(`commits after it are signed by key ${id}`);
    }
    if (token !== null) lines.push(`names the time stamp ${hex(token)} as made before it`);
  }
  const shown = report.entries.map((read) => entryLine(read));
  const leftOut = shown.length - SHOWN_MAX;
  if (leftOut > 0) shown.splice(SHOWN_MAX / 2, leftOut, `... ${leftOut} more`);
  lines.push(...shown, "");
  lines.push(...report.checks.flatMap(renderCheck), "");
  if (command.trust === null) {
    lines.push("keys: taken from the bundle itself (--trust names others)");
  }
  if (report.software) lines.push("key: software, not hardware");
  lines.push(report.ok ? "PASS" : "FAIL");
  return `${lines.join("\n")}\n`;
}

/** ISO 8601; a time beyond all calendars is shown as its number. */
export function utcText(utcS: number): string {
  const date = new Date(utcS * 1000);
  return Number.isNaN(date.getTime()) ? `${utcS} s` : date.toISOString();
}

function renderCheck(check: BundleCheck): readonly string[] {
  const note = check.note === null ? "" : `; ${check.note}`;
  const counted = check.looked === 0 ? "" : ` (${check.looked})`;
  const line = `${check.status.padEnd(11)}  ${check.label}${counted}${note}`;
  if (check.why === null) return [showPlain(line)];
  const more = check.faults > 1 ? ` (and ${check.faults - 1} more)` : "";
  return [line, `             ${check.why}${more}`].map(showPlain);
}

function renderJson(report: BundleReport): string {
  const { claim } = report;
  const entries = report.entries.map(({ entry, stamp }) => ({
    seq: entry.seq,
    cause: entry.cause,
    utcUs: stamp.utcUs,
    type: entry.body.type,
    line: entryLine({ entry, stamp, prev: new Uint8Array(0) }),
  }));
  const said =
    claim === null
      ? null
      : {
          ...claim,
          kid: hex(claim.kid),
          previous: hex(claim.previous),
          commitKey: claim.commitKey === null ? null : hex(claim.commitKey),
          token: claim.token == null ? null : hex(claim.token),
        };
  return `${jsonText({ ...report, claim: said, entries }, 2)}\n`;
}
