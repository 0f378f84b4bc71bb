import { OUTCOMES, VERDICTS } from "../kernel/record/entry.js";
import type { SignedCommit } from "./commit.js";
import type { CheckId, Finding, Place } from "./findings.js";
import { FRAME_KIND, FrameReader, type Sha256 } from "./frame.js";
import { decodeEntry } from "./decode-entry.js";
import { LogReader, type ReadPosition } from "./log-reader.js";
import type { LogPosition } from "./log-writer.js";
import { equalBytes } from "./merkle-proof.js";
import { readLink } from "./segment.js";
import {
  checkSegment,
  isRare,
  PLAIN_TYPES,
  type LeafStep,
  type Opening,
  type SegmentSteps,
  type StepBody,
} from "./segment-steps.js";

/**
 * The steps of one segment as plain data that can be sent between threads at little cost: numbers in one list,
 * ids in another, 32 bytes a root, and the few other things as they are.
 */
export type SegmentTape = {
  readonly segment: string;
  readonly bytes: number;
  /** Where the log was taken to stand before this segment; null: nothing was before it. */
  readonly start: LogPosition | null;
  /** Where it stands behind it. */
  readonly end: ReadPosition;
  readonly looked: readonly (readonly [CheckId, number])[];
  readonly numbers: Float64Array;
  readonly ids: readonly string[];
  readonly roots: Uint8Array;
  readonly others: readonly Other[];
};

type Other =
  | { readonly kind: "fault"; readonly check: CheckId; readonly place: Place; readonly why: string }
  | { readonly kind: "opening"; readonly opening: Opening }
  | { readonly kind: "rare"; readonly leaf: LeafStep }
  | { readonly kind: "checkpoint"; readonly body: Uint8Array; readonly place: Place }
  | { readonly kind: "signed-commit"; readonly commit: SignedCommit; readonly place: Place }
  | { readonly kind: "judged"; readonly fault: Finding };

/** Told of every leaf after it was recorded; what it finds stands behind that leaf. */
export type TapeJudge = (leaf: LeafStep, found: (fault: Finding) => void) => void;

/**
 * Checks one segment on its own, taking its link for true; `LogVerifier.checked` compares that with the segment
 * before. `isFirst`: of all that are checked.
 */
export function recordSegment(
  segment: { readonly name: string; readonly bytes: Uint8Array; readonly isFirst: boolean },
  sha256: Sha256,
  judge: TapeJudge | null = null,
): SegmentTape {
  const frames = new FrameReader(sha256);
  const log = new LogReader(sha256);
  const start = segment.isFirst ? null : readStart(segment.bytes, frames);
  if (start !== null) log.startAt({ ...start, started: true });
  const recorder = new Recorder(judge);
  checkSegment(segment, frames, log, recorder);
  const { name, bytes } = segment;
  const end = log.position();
  return { segment: name, bytes: bytes.length, start, end, ...recorder.tape() };
}

/** Whether the log really stands where a segment was taken to begin. */
export function continues(assumed: LogPosition | null, actual: ReadPosition): boolean {
  if (assumed === null || !actual.started) return false;
  return (
    assumed.size === actual.size &&
    assumed.peaks.length === actual.peaks.length &&
    assumed.peaks.every((peak, i) => equalBytes(peak, actual.peaks[i] ?? NONE)) &&
    equalBytes(assumed.last, actual.last)
  );
}

/** Gives every step again, in its order. */
export function playTape(tape: SegmentTape, steps: SegmentSteps): void {
  const { numbers, ids, roots, others } = tape;
  for (const [check, count] of tape.looked) steps.look(check, count);
  let [at, id, root, other] = [0, 0, 0, 0];
  while (at < numbers.length) {
    const kind = numbers[at] ?? STEP.stray;
    if (kind === STEP.stray) {
      steps.stray();
      at += 1;
    } else if (kind === STEP.commit) {
      steps.commit(numbers[at + 1] ?? 0, roots.subarray(root, root + 32));
      root += 32;
      at += 2;
    } else if (kind === STEP.other) {
      playOther(others[other], steps);
      other += 1;
      at += 1;
    } else {
      steps.leaf(readLeaf(tape, at, ids[id] ?? ""));
      if (kind !== STEP.plain) id += 1;
      at += LEAF_NUMBERS;
    }
  }
}

const NONE = new Uint8Array(0);
const STEP = { stray: 0, commit: 1, other: 2, decision: 3, outcome: 4, plain: 5 } as const;
/** Kind, what it says, offset, seq, time, cause, run. */
const LEAF_NUMBERS = 7;
const NO_CAUSE = -1;

/** Where a segment says that it begins; null: it does not begin with a link. */
function readStart(bytes: Uint8Array, frames: FrameReader): LogPosition | null {
  const read = frames.read(bytes, 0, bytes.length);
  if (read.kind !== "frame" || read.frame.kind !== FRAME_KIND.leaf) return null;
  const decoded = decodeEntry(bytes, read.frame.bodyStart, read.frame.bodyEnd);
  return decoded.ok ? readLink(decoded.entry.body) : null;
}

function playOther(other: Other | undefined, steps: SegmentSteps): void {
  switch (other?.kind) {
    case "fault":
      steps.fault(other.check, other.place, other.why);
      return;
    case "opening":
      steps.opening(other.opening);
      return;
    case "rare":
      steps.leaf(other.leaf);
      return;
    case "checkpoint":
      steps.checkpoint(other.body, other.place);
      return;
    case "signed-commit":
      steps.signedCommit(other.commit, other.place);
      return;
    case "judged":
      steps.judged?.(other.fault);
      return;
    case undefined:
      throw new Error("evidence: a tape is shorter than it says");
  }
}

function readLeaf({ segment, numbers }: SegmentTape, at: number, idHex: string): LeafStep {
  const [kind = 0, told = 0] = [numbers[at], numbers[at + 1]];
  const place = { segment, offset: numbers[at + 2] ?? 0, seq: numbers[at + 3] ?? 0 };
  const monoUs = numbers[at + 4] ?? 0;
  const cause = numbers[at + 5] ?? NO_CAUSE;
  const boot = numbers[at + 6] ?? 0;
  const body = readBody(kind, told, idHex);
  return { place, monoUs, cause: cause === NO_CAUSE ? null : cause, boot, body, entry: null };
}

function readBody(kind: number, told: number, idHex: string): StepBody {
  const verdict = VERDICTS[told];
  const outcome = OUTCOMES[told];
  const type = PLAIN_TYPES[told];
  if (kind === STEP.decision && verdict !== undefined) return { type: "decision", verdict, idHex };
  if (kind === STEP.outcome && outcome !== undefined) return { type: "outcome", outcome, idHex };
  if (kind === STEP.plain && type !== undefined) return { type };
  throw new Error("evidence: a tape says what no tape says");
}

/** Writes the steps down. */
class Recorder implements SegmentSteps {
  private readonly looked = new Map<CheckId, number>();
  private readonly numbers: number[] = [];
  private readonly ids: string[] = [];
  private readonly roots: Uint8Array[] = [];
  private readonly others: Other[] = [];
  private readonly judge: TapeJudge | null;

  constructor(judge: TapeJudge | null) {
    this.judge = judge;
  }

  tape(): Pick<SegmentTape, "looked" | "numbers" | "ids" | "roots" | "others"> {
    const { ids, others } = this;
    const numbers = new Float64Array(this.numbers);
    const roots = new Uint8Array(this.roots.length * 32);
    this.roots.forEach((root, i) => {
      roots.set(root, i * 32);
    });
    return { looked: [...this.looked], numbers, ids, roots, others };
  }

  look(check: CheckId, count: number): void {
    this.looked.set(check, (this.looked.get(check) ?? 0) + count);
  }

  fault(check: CheckId, place: Place, why: string): void {
    this.other({ kind: "fault", check, place, why });
  }

  stray(): void {
    this.numbers.push(STEP.stray);
  }

  opening(opening: Opening): void {
    this.other({ kind: "opening", opening });
  }

  commit(size: number, root: Uint8Array): void {
    this.numbers.push(STEP.commit, size);
    this.roots.push(root);
  }

  checkpoint(body: Uint8Array, place: Place): void {
    this.other({ kind: "checkpoint", body, place });
  }

  signedCommit(commit: SignedCommit, place: Place): void {
    this.other({ kind: "signed-commit", commit, place });
  }

  leaf(leaf: LeafStep): void {
    this.record(leaf);
    this.judge?.(leaf, this.found);
  }

  private readonly found = (fault: Finding): void => {
    this.other({ kind: "judged", fault });
  };

  private record(leaf: LeafStep): void {
    const { body } = leaf;
    if (body.type === "decision") {
      this.ids.push(body.idHex);
      this.plainLeaf(STEP.decision, VERDICTS.indexOf(body.verdict), leaf);
    } else if (body.type === "outcome") {
      this.ids.push(body.idHex);
      this.plainLeaf(STEP.outcome, OUTCOMES.indexOf(body.outcome), leaf);
    } else if (isRare(body)) {
      this.other({ kind: "rare", leaf: { ...leaf, body, entry: null } });
    } else {
      this.plainLeaf(STEP.plain, PLAIN_TYPES.indexOf(body.type), leaf);
    }
  }

  private plainLeaf(kind: number, told: number, leaf: LeafStep): void {
    const { place, monoUs, cause, boot } = leaf;
    this.numbers.push(kind, told, place.offset, place.seq, monoUs, cause ?? NO_CAUSE, boot);
  }

  private other(other: Other): void {
    this.numbers.push(STEP.other);
    this.others.push(other);
  }
}
