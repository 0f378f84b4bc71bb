import { decodeCbor, ITEMS_MAX } from "../../src/codec/cbor/decode.js";
import { BUNDLE_BYTES_MAX, decodeBundle, type ProofBundle } from "../../src/evidence/bundle.js";
import type { BundleCheck } from "../../src/evidence/bundle-findings.js";
import type { CheckResult, Status } from "../../src/evidence/findings.js";
import { readSegmentName, SEGMENT_BYTES_MAX } from "../../src/evidence/segment.js";
import type { Entry } from "../../src/kernel/record/entry.js";
import { LogVerifier, type VerifyReport } from "../../src/evidence/verify.js";
import { verifyBundle, type BundleReport } from "../../src/evidence/verify-bundle.js";
import { adviceOn } from "./advice.js";
import { sha256, verifyCommit, verifySignature } from "./signature.js";

/** What a person holds besides, to compare with. */
export type Held = {
  /** Keys (SPKI) of which one must have signed; null: whichever the evidence names. */
  readonly trusted: readonly Uint8Array[] | null;
  /** Checkpoint or bundle that was kept from before. */
  readonly earlier: { readonly name: string; readonly bytes: Uint8Array } | null;
  /** Exact bytes that the decisions must name. */
  readonly profile: Uint8Array | null;
};

/** One check as people read it; `id`, `status`, `looked` and `faults` are those of `holdpoint evidence verify`. */
export type Line = {
  readonly id: string;
  readonly label: string;
  readonly status: Status;
  readonly looked: number;
  readonly faults: number;
  /** Where the first fault is, and what it is. */
  readonly why: string | null;
  readonly note: string | null;
  /** Of a check that met nothing: what would let it, or which command does it. */
  readonly advice: string | null;
};

export type BundleChecked = {
  readonly kind: "bundle";
  readonly name: string;
  readonly lines: readonly Line[];
  readonly report: BundleReport;
  readonly bundle: ProofBundle | null;
  /** Exact bytes of the profile that every decision here names; null: not at hand. */
  readonly profile: Uint8Array | null;
};

export type LogChecked = {
  readonly kind: "log";
  readonly names: readonly string[];
  readonly lines: readonly Line[];
  readonly report: VerifyReport;
  /** At most {@link ENTRIES_KEPT}, in their order. */
  readonly newest: readonly Entry[];
};

/** Together; a browser keeps one file of them in memory at a time. */
export const LOG_BYTES_MAX: number = 4 * SEGMENT_BYTES_MAX;
const FILES_MAX = 4096;

export type Sort =
  | { readonly kind: "bundle"; readonly index: number }
  /** In the order of the log. */
  | { readonly kind: "log"; readonly indexes: readonly number[] }
  | { readonly kind: "refused"; readonly why: string };

/**
 * What was dropped, by names and sizes alone: one file is a bundle unless it bears a segment's name, as for the command
 * line; several are a log.
 */
export function sortFiles(
  files: readonly { readonly name: string; readonly size: number }[],
): Sort {
  const [first] = files;
  if (first === undefined) return refuse("There is no file.");
  if (files.length === 1 && readSegmentName(first.name) === null) {
    return first.size > BUNDLE_BYTES_MAX
      ? refuse(`${first.name}: ${first.size} bytes; no bundle is longer than ${BUNDLE_BYTES_MAX}.`)
      : { kind: "bundle", index: 0 };
  }
  return sortSegments(files);
}

/** The same checks as `holdpoint evidence verify BUNDLE`, but for certificates. Never throws. */
export function checkBundle(name: string, bytes: Uint8Array, held: Held): BundleChecked {
  const report = verifyBundle(bytes, {
    sha256,
    verifySignature,
    trusted: held.trusted,
    certificates: { reader: null, roots: null },
    profile: held.profile,
    earlier: held.earlier?.bytes ?? null,
  });
  const decoded = decodeBundle(bytes);
  const bundle = decoded.ok ? decoded.bundle : null;
  const lines = report.checks.map((check) => bundleLine(check, bytes));
  const isNamed = lines.some(({ id, status }) => id === "profile" && status === "PASS");
  const profile = isNamed ? (bundle?.profile ?? held.profile) : null;
  return { kind: "bundle", name, lines, report, bundle, profile };
}

/** Newest entries of a log that are kept to be shown. */
export const ENTRIES_KEPT = 100;

/** The same checks as `holdpoint evidence verify FOLDER`, over these segments alone; segments come in their order. */
export class LogChecking {
  private readonly names: string[] = [];
  private readonly verifier: LogVerifier;
  private newest: Entry[] = [];

  constructor(held: Held) {
    this.verifier = new LogVerifier({
      sha256,
      verifySignature,
      verifyCommit,
      trusted: held.trusted,
      held: held.earlier === null ? [] : [{ name: held.earlier.name, body: held.earlier.bytes }],
      entry: (entry) => {
        this.newest.push(entry);
        if (this.newest.length >= 2 * ENTRIES_KEPT) this.newest = this.newest.slice(-ENTRIES_KEPT);
      },
    });
  }

  segment(name: string, bytes: Uint8Array): void {
    this.names.push(name);
    this.verifier.segment(name, bytes);
  }

  finish(): LogChecked {
    const report = this.verifier.finish();
    const newest = this.newest.slice(-ENTRIES_KEPT);
    return { kind: "log", names: this.names, lines: report.checks.map(logLine), report, newest };
  }
}

export function countLines(lines: readonly Line[], status: Status): number {
  return lines.filter((line) => line.status === status).length;
}

function sortSegments(files: readonly { readonly name: string; readonly size: number }[]): Sort {
  if (files.length > FILES_MAX) {
    return refuse(`${files.length} files; this page takes ${FILES_MAX} at once. ${WHOLE_LOG}`);
  }
  const strange = files.find(({ name }) => readSegmentName(name) === null);
  if (strange !== undefined) {
    return refuse(
      `${strange.name} does not bear the name of a segment. Several files are checked together only as segments of one log, which are called segment-0000000000000000.cborseq and so on: the number says which entry comes first. A proof bundle is dropped alone.`,
    );
  }
  const long = files.find(({ size }) => size > SEGMENT_BYTES_MAX);
  if (long !== undefined) {
    return refuse(
      `${long.name}: ${long.size} bytes; no segment is longer than ${SEGMENT_BYTES_MAX}.`,
    );
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > LOG_BYTES_MAX) {
    return refuse(`${bytes} bytes; this page takes ${LOG_BYTES_MAX} at once. ${WHOLE_LOG}`);
  }
  const indexes = files
    .map((_, index) => index)
    .sort((a, b) => ((files[a]?.name ?? "") < (files[b]?.name ?? "") ? -1 : 1));
  const twice = indexes.find(
    (index, at) => files[index]?.name === files[indexes[at + 1] ?? -1]?.name,
  );
  return twice === undefined
    ? { kind: "log", indexes }
    : refuse(`${files[twice]?.name ?? ""} is there twice: these are segments of two logs.`);
}

const WHOLE_LOG = "A long log is for holdpoint evidence verify FOLDER.";

function refuse(why: string): Sort {
  return { kind: "refused", why };
}

function bundleLine(check: BundleCheck, bytes: Uint8Array): Line {
  const { id, label, status, looked, faults, note } = check;
  const where = id === "form" && check.why !== null ? describeForm(bytes) : "";
  const why = check.why === null ? null : `${check.why}${where}${describeMore(faults)}`;
  return { id, label, status, looked, faults, why, note, advice: adviceOn(check, "bundle") };
}

/** Where its bytes stop being canonical. */
function describeForm(bytes: Uint8Array): string {
  if (bytes.length === 0) return ": the file is empty";
  if (bytes.length > BUNDLE_BYTES_MAX) return "";
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  return decoded.ok ? "" : `: ${decoded.fault.code} at byte ${decoded.fault.offset}`;
}

function logLine(check: CheckResult): Line {
  const { id, label, status, looked, faults, first, note } = check;
  const advice = adviceOn(check, "log");
  if (first === null) return { id, label, status, looked, faults, why: null, note, advice };
  const { segment, offset, seq } = first.place;
  // What was kept elsewhere has no place in the log.
  const where = id === "held" ? segment : `${segment}, byte ${offset}, seq ${seq}`;
  const why = `${where}: ${first.why}${describeMore(faults)}`;
  return { id, label, status, looked, faults, why, note, advice };
}

function describeMore(faults: number): string {
  return faults > 1 ? ` (and ${faults - 1} more)` : "";
}
