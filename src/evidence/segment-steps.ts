import type {
  AnchorBody,
  BootBody,
  DecisionBody,
  Entry,
  EntryBody,
  KeyBody,
  NoticeBody,
  OutcomeBody,
  ProfileBody,
  SnapshotBody,
} from "../kernel/record/entry.js";
import type { SignedCommit } from "./commit.js";
import type { CheckId, Finding, Place } from "./findings.js";
import { FRAME_KIND, type Frame, type FrameReader } from "./frame.js";
import { hex } from "./hex.js";
import type { LogReader } from "./log-reader.js";
import { scanSegment } from "./scan.js";
import { RETENTION_NOTICE } from "./retention.js";
import { readSegmentName, type SegmentLink } from "./segment.js";

/** Of a permit or an outcome only what links the two; of what comes seldom everything. */
export type StepBody =
  | (Pick<DecisionBody, "type" | "verdict"> & { readonly idHex: string })
  | (Pick<OutcomeBody, "type" | "outcome"> & { readonly idHex: string })
  | RareBody
  | { readonly type: PlainType };

type RareBody = AnchorBody | BootBody | KeyBody | NoticeBody | ProfileBody | SnapshotBody;
/** What can only be the cause of something. */
export const PLAIN_TYPES = [
  "mode",
  "trip",
  "safe-step",
  "lease",
  "operator-act",
  "site",
  "flood",
  "device",
  "clock",
  "notice",
] as const;
export type PlainType = (typeof PLAIN_TYPES)[number];

export type LeafStep = {
  readonly place: Place;
  readonly monoUs: number;
  readonly cause: number | null;
  readonly boot: number;
  readonly body: StepBody;
  /** Everything, where it was decoded in this thread. */
  readonly entry: Entry | null;
};

/** The first entry of a segment file; `named`: the seq that its name gives. */
export type Opening = {
  readonly named: number;
  readonly link: SegmentLink | null;
  readonly place: Place;
};

/**
 * What checking one segment for itself finds, in the order of the log. What remains can only be told from all
 * segments together.
 */
export type SegmentSteps = {
  readonly look: (check: CheckId, count: number) => void;
  readonly fault: (check: CheckId, place: Place, why: string) => void;
  /** A leaf that is no entry, or has no place in the log. */
  readonly stray: () => void;
  readonly opening: (opening: Opening) => void;
  readonly leaf: (leaf: LeafStep) => void;
  readonly commit: (size: number, root: Uint8Array) => void;
  readonly signedCommit: (commit: SignedCommit, place: Place) => void;
  readonly checkpoint: (body: Uint8Array, place: Place) => void;
  /** What a replay of this segment alone found; whoever has the segments before it knows whether that holds. */
  readonly judged?: (fault: Finding) => void;
};

/**
 * Checks every frame of a segment, its canonical form, its number, its place in the chain and the tree; `log` is
 * where the log stood before it and stands behind it afterwards.
 */
export function checkSegment(
  segment: { readonly name: string; readonly bytes: Uint8Array },
  frames: FrameReader,
  log: LogReader,
  steps: SegmentSteps,
): void {
  const { name, bytes } = segment;
  const named = readSegmentName(name);
  const met = { frames: 0, leaves: 0, commits: 0 };
  scanSegment(bytes, frames, {
    frame: (frame, offset, gapBytes) => {
      met.frames += 1;
      const place = { segment: name, offset, seq: log.size };
      if (frame.kind === FRAME_KIND.leaf) {
        const opens = met.leaves === 0 ? named : null;
        met.leaves += 1;
        checkLeaf({ bytes, frame, gapBytes, place, opens }, log, steps);
        return null;
      }
      const body = bytes.slice(frame.bodyStart, frame.bodyEnd);
      if (frame.kind === FRAME_KIND.checkpoint) {
        steps.checkpoint(body, place);
        return null;
      }
      met.commits += 1;
      const { fault, signed } = log.commit(body);
      if (fault !== null) steps.fault(fault.check, place, fault.why);
      if (signed === null) steps.commit(log.size, log.tree.root());
      else steps.signedCommit(signed, place);
      return null;
    },
    gap: (offset, length, why) => {
      const place = { segment: name, offset, seq: log.size };
      steps.fault("frames", place, `${length} bytes that are no frame: ${why}`);
    },
  });
  steps.look("frames", met.frames);
  for (const check of ["entries", "order", "chain"] as const) steps.look(check, met.leaves);
  steps.look("commits", met.commits);
}

/** Of an entry that comes so seldom that all of it is told. */
export function isRare(body: StepBody | EntryBody): body is RareBody {
  if (body.type === "notice") return "what" in body && body.what === RETENTION_NOTICE;
  return RARE.some((type) => type === body.type);
}

const RARE = ["anchor", "boot", "key", "profile", "snapshot"] as const;

type LeafFrame = {
  readonly bytes: Uint8Array;
  readonly frame: Frame;
  readonly gapBytes: number;
  readonly place: Place;
  readonly opens: number | null;
};

function checkLeaf(of: LeafFrame, log: LogReader, steps: SegmentSteps): void {
  const leaf = log.leaf(of.bytes, of.frame, of.gapBytes);
  for (const { check, why } of leaf.faults) steps.fault(check, of.place, why);
  if (leaf.read === null) {
    steps.stray();
    return;
  }
  const { entry, stamp } = leaf.read;
  const place = { ...of.place, seq: entry.seq };
  if (of.opens !== null) steps.opening({ named: of.opens, link: leaf.link, place });
  const { monoUs, cause } = entry;
  steps.leaf({ place, monoUs, cause, boot: stamp.boot, body: stepBody(entry.body), entry });
}

function stepBody(body: EntryBody): StepBody {
  if (body.type === "decision") {
    return { type: body.type, verdict: body.verdict, idHex: hex(body.id) };
  }
  if (body.type === "outcome") {
    return { type: body.type, outcome: body.outcome, idHex: hex(body.id) };
  }
  return isRare(body) ? body : { type: body.type };
}
