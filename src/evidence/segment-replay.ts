import { encodeCbor } from "../codec/cbor/encode.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { Entry } from "../kernel/record/entry.js";
import { snapshotState } from "../kernel/state/snapshot.js";
import type { SignedCommit } from "./commit.js";
import type { CheckId, Finding, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { equalBytes } from "./merkle-proof.js";
import { PartJoiner } from "./parts.js";
import { JUDGED_SPAN, Replay, type ReplayCounts, type ReplayStand } from "./replay.js";
import { MOMENTS_LEAST } from "./replay-moments.js";
import type { LeafStep, Opening, SegmentSteps } from "./segment-steps.js";
import { recordSegment, type SegmentTape } from "./segment-tape.js";

/** A segment checked, and where it was asked for replayed, by itself. */
export type SegmentFound = {
  readonly tape: SegmentTape;
  /** Null: nothing of a replay that could count. */
  readonly replayed: SegmentReplayed | null;
};

/**
 * What replaying a segment by itself found, from the first leaf on at which nothing is under way any more that began
 * before the segment. Plain data, to be sent between threads.
 */
export type SegmentReplayed = {
  /** Leaves before that one; their replay has to be done after that of the segments before. */
  readonly leaves: number;
  /** How many of the tape's ids those leaves tell. */
  readonly ids: number;
  /** How the replay stood there; null: the log begins here, so it stood nowhere. */
  readonly border: Border | null;
  /** From there to the end. */
  readonly looked: readonly (readonly [CheckId, number])[];
  readonly counts: ReplayCounts;
  readonly end: ReplayStand;
};

/** What two replays must agree on for everything after it to be the same. */
type Border = {
  readonly profile: Uint8Array;
  /** Encoded as in a snapshot. */
  readonly state: Uint8Array;
  /** Permits under way, oldest first. */
  readonly open: readonly { readonly id: string; readonly seq: number }[];
  /** Second looks known here that a later outcome may tell again. */
  readonly judged: readonly string[];
};

export type SegmentReplayOptions = {
  readonly sha256: Sha256;
  /** As {@link Replay} asks for it. */
  readonly profileOf: (digest: Uint8Array) => CompiledProfile | null;
};

/**
 * Checks and replays one segment on its own, taking its link and its snapshot for true; {@link JoinedReplay} finds out
 * whether they are.
 */
export function replaySegment(
  segment: { readonly name: string; readonly bytes: Uint8Array; readonly isFirst: boolean },
  options: SegmentReplayOptions,
): SegmentFound {
  const judge = new SegmentJudge(segment.isFirst, options);
  const tape = recordSegment(segment, options.sha256, judge.leaf);
  return { tape, replayed: judge.replayed() };
}

class SegmentJudge {
  private readonly replay: Replay;
  private readonly parts: PartJoiner;
  private readonly looked = new Map<CheckId, number>();
  private found: (fault: Finding) => void = () => undefined;
  private leaves = 0;
  private ids = 0;
  private begun: Pick<SegmentReplayed, "leaves" | "ids" | "border" | "looked" | "counts"> | null;
  /** Permits that were under way where the segment begins; null: not told yet. */
  private before: Set<string> | null = null;

  constructor(isFirst: boolean, { sha256, profileOf }: SegmentReplayOptions) {
    this.parts = new PartJoiner(sha256);
    const findings = {
      look: (check: CheckId, count = 1): void => {
        this.looked.set(check, (this.looked.get(check) ?? 0) + count);
      },
      fault: (check: CheckId, place: Place, why: string): void => {
        this.found({ check, place, why });
      },
    };
    this.replay = new Replay({ findings, profileOf, substitute: null });
    this.begun = isFirst ? this.begin(null) : null;
  }

  readonly leaf = (leaf: LeafStep, found: (fault: Finding) => void): void => {
    const { entry, place } = leaf;
    if (entry === null) return;
    const { body } = entry;
    this.found = found;
    if (body.type === "snapshot") {
      const joined = this.parts.add(body.state);
      if (joined.kind === "whole") this.replay.snapshot(joined.bytes, entry, place);
    }
    this.replay.entry(entry, place);
    this.leaves += 1;
    if (body.type === "decision" || body.type === "outcome") this.ids += 1;
    this.begun ??= this.settle(leaf);
  };

  replayed(): SegmentReplayed | null {
    // A snapshot that goes on in the next segment cannot be told apart from one that is torn.
    if (this.begun === null || this.parts.isPending) return null;
    const since = this.begun;
    const counts = this.replay.counts();
    const before = new Map(since.looked);
    return {
      ...since,
      looked: [...this.looked].map(([check, count]) => [check, count - (before.get(check) ?? 0)]),
      counts: subtractCounts(counts, since.counts),
      end: this.replay.stand(),
    };
  }

  /** Null: something may still be under way that began before, or a look may still be of a state before. */
  private settle({ body }: LeafStep): SegmentJudge["begun"] {
    const stand = this.replay.stand();
    if (stand.state === null || this.parts.isPending) return null;
    this.before ??= new Set(stand.state.open.map(({ id }) => hex(id)));
    if (body.type === "outcome") this.before.delete(body.idHex);
    if (this.before.size > 0 || stand.moments.length < MOMENTS_LEAST) return null;
    const border = borderOf(stand);
    return border === null ? null : this.begin(border);
  }

  private begin(border: Border | null): NonNullable<SegmentJudge["begun"]> {
    const { leaves, ids } = this;
    return { leaves, ids, border, looked: [...this.looked], counts: { ...this.replay.counts() } };
  }
}

export type JoinOptions = {
  readonly found: SegmentFound;
  /** As it stands behind the segment before; brought behind this one. */
  readonly replay: Replay;
  /** The entry whose frame begins at this byte of the segment. */
  readonly entryAt: (offset: number) => Entry;
};

/**
 * Stands between a tape and the verification it is played to, for a log that is replayed. Entries are replayed in order
 * until the replay stands where the segment's own one took itself to stand; only from there on counts what that one
 * found. Where they never agree the whole segment is replayed in order.
 */
export class JoinedReplay implements SegmentSteps {
  private readonly to: SegmentSteps;
  private readonly options: JoinOptions;
  private leaves = 0;
  private isJoined = false;

  constructor(to: SegmentSteps, options: JoinOptions) {
    this.to = to;
    this.options = options;
  }

  look(check: CheckId, count: number): void {
    this.to.look(check, count);
  }

  fault(check: CheckId, place: Place, why: string): void {
    this.to.fault(check, place, why);
  }

  stray(): void {
    this.to.stray();
  }

  opening(opening: Opening): void {
    this.to.opening(opening);
  }

  commit(size: number, root: Uint8Array): void {
    this.to.commit(size, root);
  }

  signedCommit(commit: SignedCommit, place: Place): void {
    this.to.signedCommit(commit, place);
  }

  checkpoint(body: Uint8Array, place: Place): void {
    this.to.checkpoint(body, place);
  }

  judged({ check, place, why }: Finding): void {
    if (this.isJoined) this.to.fault(check, place, why);
  }

  leaf(leaf: LeafStep): void {
    const { replayed } = this.options.found;
    if (replayed !== null && this.leaves === replayed.leaves) this.join(replayed, leaf.place.seq);
    this.leaves += 1;
    const { offset } = leaf.place;
    this.to.leaf(this.isJoined ? leaf : { ...leaf, entry: this.options.entryAt(offset) });
  }

  private join(replayed: SegmentReplayed, seq: number): void {
    const { replay, found } = this.options;
    const stand = replay.stand();
    const { border, end, looked, counts } = replayed;
    if (!agrees(border, stand)) return;
    const own = new Set(border?.judged);
    // A replay in order forgets them as it goes; here nothing else would.
    const older = [...stand.judged].filter(
      ([id, judged]) => !own.has(id) && seq - judged.seq <= JUDGED_SPAN,
    );
    // What was judged in a segment before and comes up again in this one is for the replay in order.
    const isOlder = new Set(older.map(([id]) => id));
    if (isOlder.size > 0 && found.tape.ids.slice(replayed.ids).some((id) => isOlder.has(id))) {
      return;
    }
    this.isJoined = true;
    for (const [check, count] of looked) this.to.look(check, count);
    replay.goOn({ ...end, judged: new Map([...older, ...end.judged]) }, counts);
  }
}

/** Whether a replay in order stands where a segment's own one took itself to stand. */
function agrees(border: Border | null, stand: ReplayStand): boolean {
  if (border === null) return stand.profile === null && stand.state === null;
  const actual = borderOf(stand);
  if (actual === null || !equalBytes(actual.profile, border.profile)) return false;
  return (
    equalBytes(actual.state, border.state) &&
    actual.open.length === border.open.length &&
    actual.open.every(({ id, seq }, i) => {
      const assumed = border.open[i];
      return id === assumed?.id && seq === assumed.seq;
    })
  );
}

function borderOf({ profile, state, open, judged }: ReplayStand): Border | null {
  if (profile === null || state === null) return null;
  return {
    profile,
    state: encodeCbor(snapshotState(state)),
    open: [...open].map(([id, { seq }]) => ({ id, seq })),
    judged: [...judged.keys()],
  };
}

function subtractCounts(all: ReplayCounts, before: ReplayCounts): ReplayCounts {
  return {
    permit: all.permit - before.permit,
    clamp: all.clamp - before.clamp,
    deny: all.deny - before.deny,
    hold: all.hold - before.hold,
    secondLooks: all.secondLooks - before.secondLooks,
    unfolded: all.unfolded - before.unfolded,
  };
}
