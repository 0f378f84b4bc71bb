import type { NoticeBody, NoticeValue } from "../kernel/record/entry.js";
import type { Findings, Place } from "./findings.js";
import { equalBytes } from "./merkle-proof.js";
import type { SegmentLink } from "./segment.js";

/** One segment, the oldest then, that was about to be taken away: written, and under a signed checkpoint, before it was. */
export type Retention = {
  readonly segment: string;
  readonly bytes: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Root of all entries up to and with `lastSeq`: what the link of the next segment names too. */
  readonly root: Uint8Array;
  /** Size of the newest checkpoint on the disk when it was decided; covers the segment. */
  readonly checkpointSize: number;
  readonly why: "age" | "full";
};

export const RETENTION_NOTICE = "retention";

export function retentionNotice(of: Retention): NoticeBody {
  const details = new Map<string, NoticeValue>([
    ["segment", of.segment],
    ["bytes", of.bytes],
    ["first-seq", of.firstSeq],
    ["last-seq", of.lastSeq],
    ["root", of.root],
    ["checkpoint-size", of.checkpointSize],
    ["why", of.why],
  ]);
  return { type: "notice", what: RETENTION_NOTICE, details };
}

/** Null: not one, or not one this version understands. */
export function readRetention({ what, details }: NoticeBody): Retention | null {
  if (what !== RETENTION_NOTICE || details?.size !== 7) return null;
  const segment = details.get("segment");
  const bytes = details.get("bytes");
  const firstSeq = details.get("first-seq");
  const lastSeq = details.get("last-seq");
  const root = details.get("root");
  const checkpointSize = details.get("checkpoint-size");
  const why = details.get("why");
  if (typeof segment !== "string" || (why !== "age" && why !== "full")) return null;
  if (!isCount(bytes) || !isCount(firstSeq) || !isCount(lastSeq) || !isCount(checkpointSize)) {
    return null;
  }
  if (!(root instanceof Uint8Array) || root.length !== 32) return null;
  return { segment, bytes, firstSeq, lastSeq, root, checkpointSize, why };
}

/**
 * Whether the log may begin where it does: with its first entry, or where a record of retention says that it would. The
 * record counts only under a checkpoint of the run that wrote it: a gateway takes nothing away before that, and whoever does
 * it without the key cannot write one.
 */
export class BeginningVerifier {
  private readonly findings: Findings;
  private begins: { readonly place: Place; readonly link: SegmentLink | null } | null = null;
  private record: { readonly seq: number; readonly place: Place } | null = null;
  private isForged: Place | null = null;
  /** A record that its own run left under no checkpoint. */
  private unheard: number | null = null;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  /** The first entry of all that is here. */
  opening(place: Place, link: SegmentLink | null): void {
    this.begins = { place, link };
  }

  notice(body: NoticeBody, place: Place): void {
    const retention = readRetention(body);
    const { begins } = this;
    if (retention === null || retention.lastSeq + 1 !== begins?.place.seq) return;
    const root = begins.link?.root;
    if (root !== undefined && equalBytes(root, retention.root)) {
      this.record ??= { seq: place.seq, place };
    } else {
      this.isForged ??= place;
    }
  }

  /**
   * Another run begins, and so many entries are under a checkpoint. Anybody with the disk may have written what stands behind
   * it, and the new run signs over it whatever it is. An honest record there took nothing away yet.
   */
  run(covered: number): void {
    const { record } = this;
    if (record === null || record.seq < covered) return;
    this.unheard ??= record.seq;
    this.record = null;
  }

  /** `covered`: so many entries are under a checkpoint. */
  finish(covered: number): void {
    const { findings, begins, record, isForged, unheard } = this;
    if (begins === null) return;
    findings.look("beginning");
    const { place } = begins;
    if (place.seq === 0) return;
    const missing = `entries 0 to ${place.seq - 1} are not here`;
    if (isForged !== null) {
      findings.fault("beginning", isForged, "it tells another root than the segment that begins");
    }
    if (record === null && unheard !== null) {
      const why = `the record of retention, entry ${unheard}, is under no checkpoint of its own run`;
      findings.fault("beginning", place, `${missing}; ${why}`);
    } else if (record === null) {
      findings.fault("beginning", place, `${missing}, and no record of retention says why`);
    } else if (record.seq >= covered) {
      const why = `${missing}; the record of retention, entry ${record.seq}, is under no checkpoint`;
      findings.fault("beginning", record.place, why);
    } else {
      const limit = `retention took them, as entry ${record.seq} records; they cannot be checked any more`;
      findings.note("beginning", `${missing}: ${limit}`);
    }
  }
}

function isCount(value: NoticeValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
