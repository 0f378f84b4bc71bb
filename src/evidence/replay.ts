import { decodeCbor } from "../codec/cbor/decode.js";
import { encodeCbor } from "../codec/cbor/encode.js";
import { isCborList, type CborValue } from "../codec/cbor/value.js";
import type { Ask } from "../kernel/command/request.js";
import { decide } from "../kernel/decide/decide.js";
import { gatherCondition, gatherFacts } from "../kernel/decide/gather-facts.js";
import { NEVER_READ, type Image } from "../kernel/image/image.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { BootBody, DecisionBody, Entry, OutcomeBody } from "../kernel/record/entry.js";
import type { Look } from "../kernel/record/look.js";
import { KERNEL_SEMANTICS } from "../kernel/semantics.js";
import { foldEntry } from "../kernel/state/fold.js";
import { initialState } from "../kernel/state/initial.js";
import type { Plain } from "../kernel/state/plain.js";
import { restoreState, snapshotState } from "../kernel/state/snapshot.js";
import type { FoldedState } from "../kernel/state/state.js";
import { mergeLook } from "../kernel/step/look-difference.js";
import type { Findings, Place } from "./findings.js";
import { hex } from "./hex.js";
import { equalBytes } from "./merkle-proof.js";
import { compareLooks, compareReasons, compareWrites } from "./replay-compare.js";
import { askOf, checkResolution } from "./replay-ask.js";
import { Moments, type Moment } from "./replay-moments.js";
import {
  compareAgain,
  compareSecond,
  decideSecond,
  firstOf,
  judgeSecond,
  type First,
  type SecondVerdict,
} from "./replay-second.js";

export type ReplayOptions = {
  readonly findings: Pick<Findings, "look" | "fault">;
  /** The profile with this digest, from the log; null: unknown. */
  readonly profileOf: (digest: Uint8Array) => CompiledProfile | null;
  /** Judge by this one instead, whatever the log names; facts are then as recorded. */
  readonly substitute: CompiledProfile | null;
};

export type ReplayCounts = {
  readonly permit: number;
  readonly clamp: number;
  readonly deny: number;
  readonly hold: number;
  readonly secondLooks: number;
  /** Decisions whose kernel facts could not be recomputed: before the first snapshot, or without the profile. */
  readonly unfolded: number;
};

/** A second look that was judged, for a later outcome that tells it once more. */
type Judged = {
  /** Of the outcome that told it. */
  readonly seq: number;
  /** As that outcome keeps it. */
  readonly look: Look | null;
  readonly second: SecondVerdict | null;
  /** What the log says against it. */
  readonly differs: string | null;
};

/** All that a replay takes from one entry to the next, as plain data that can be sent between threads. */
export type ReplayStand = {
  readonly profile: Uint8Array | null;
  readonly state: FoldedState | null;
  readonly opening: FoldedState | null;
  /** A snapshot of another profile than the run's, which the next entry has to explain; null: there is none. */
  readonly foreign: Place | null;
  readonly moments: readonly Moment[];
  readonly open: ReadonlyMap<string, First>;
  readonly judged: ReadonlyMap<string, Judged>;
};

const PERMITS_MAX = 4096;
/** Entries after which a permit's later outcome is not held against its earlier one any more. */
export const JUDGED_SPAN = 65_536;
/** Another outcome may follow, with the same second look. */
const MAY_RESOLVE: ReadonlySet<OutcomeBody["outcome"]> = new Set([
  "acknowledged",
  "unknown",
  "crash-unknown",
]);

/**
 * Judges a log again. L1: every verdict, from the recorded facts and the profile alone. L2: every fact the
 * kernel made itself, by folding the log from its beginning or its first snapshot. Plant readings cannot be
 * recomputed and are taken as recorded.
 */
export class Replay {
  private readonly options: ReplayOptions;
  private profile: CompiledProfile | null = null;
  private image: Image = { samples: [] };
  private state: FoldedState | null = null;
  /** Where a snapshot's first part began. */
  private opening: FoldedState | null = null;
  private foreign: Place | null = null;
  private readonly windows = (): Iterable<First> => this.open.values();
  private moments = new Moments(this.windows);
  /** Permits without an outcome, by id, and second looks that a later outcome may tell again. */
  private open = new Map<string, First>();
  private judged = new Map<string, Judged>();
  private readonly count = { permit: 0, clamp: 0, deny: 0, hold: 0, secondLooks: 0, unfolded: 0 };

  constructor(options: ReplayOptions) {
    this.options = options;
  }

  counts(): ReplayCounts {
    return this.count;
  }

  stand(): ReplayStand {
    const { state, opening, foreign, open, judged } = this;
    const profile = this.profile?.model.digest ?? null;
    return { profile, state, opening, foreign, moments: this.moments.all(), open, judged };
  }

  /** Goes on from where another replay stood, which counted `counts` meanwhile. */
  goOn(stand: ReplayStand, counts: ReplayCounts): void {
    this.use(stand.profile);
    this.state = stand.state;
    this.opening = stand.opening;
    this.foreign = stand.foreign;
    this.moments = new Moments(this.windows, stand.moments);
    this.open = new Map(stand.open);
    this.judged = new Map(stand.judged);
    for (const what of COUNTED) this.count[what] += counts[what];
  }

  entry(entry: Entry, place: Place): void {
    const { body } = entry;
    this.explain(entry);
    if (body.type === "boot") this.boot(body, entry, place);
    else if (body.type === "decision") this.decision(body, entry, place);
    else if (body.type === "outcome") this.outcome(body, entry, place);
    else if (body.type === "trip") this.condition(body.look, place);
    else if (body.type === "mode" && body.look !== null) this.condition(body.look, place);
    else if (body.type === "snapshot" && "part" in body.state && body.state.part === 0) {
      this.opening = this.state;
    }
    this.fold(entry);
  }

  /** A whole snapshot; its (last) entry is still to come. */
  snapshot(bytes: Uint8Array, entry: Entry, place: Place): void {
    const { findings, substitute } = this.options;
    const { body } = entry;
    if (body.type !== "snapshot" || substitute !== null) return;
    const decoded = decodeCbor(bytes);
    const plain = decoded.ok ? toPlain(decoded.value) : null;
    findings.look("facts");
    if (body.semantics !== KERNEL_SEMANTICS) {
      this.state = null;
      findings.fault("facts", place, otherSemantics(body.semantics));
      return;
    }
    this.useOf(body.profile, place);
    if (plain === null || this.profile === null) {
      const why = plain === null ? "its state cannot be read" : "its profile is not in the log";
      findings.fault("facts", place, `snapshot: ${why}`);
      return;
    }
    const restored = restoreState(this.profile, plain);
    if (!restored.ok) {
      findings.fault("facts", place, `snapshot: ${restored.fault}`);
      return;
    }
    // It is of the state that its own first entry found.
    const known = body.state instanceof Uint8Array ? this.state : this.opening;
    if (known !== null && !equalBytes(encodeCbor(snapshotState(known)), bytes)) {
      findings.fault("facts", place, "the snapshot is not what the log folds to");
    }
    this.opening = null;
    this.state ??= restored.state;
  }

  /** Of a snapshot here. */
  private useOf(digest: Uint8Array, place: Place): void {
    if (this.profile !== null && equalBytes(this.profile.model.digest, digest)) return;
    if (this.state !== null) this.foreign = place;
    this.use(digest);
  }

  /** Only a new run may go on under another profile: else its state, which nothing computes again, could be any. */
  private explain({ body: { type } }: Entry): void {
    if (this.foreign === null || type === "snapshot") return;
    if (type !== "boot") {
      const why = "the snapshot is of another profile than this run's";
      this.options.findings.fault("facts", this.foreign, why);
    }
    this.foreign = null;
  }

  private boot(body: BootBody, entry: Entry, place: Place): void {
    const { findings, substitute } = this.options;
    if (substitute !== null) {
      this.profile = substitute;
      return;
    }
    if (body.semantics !== KERNEL_SEMANTICS) {
      findings.fault("verdicts", place, otherSemantics(body.semantics));
    }
    if (this.profile !== null && equalBytes(this.profile.model.digest, body.profile)) return;
    this.use(body.profile);
    if (this.profile === null) {
      findings.fault("verdicts", place, `profile ${hex(body.profile)} is not in the log`);
    } else if (entry.seq === 0) {
      this.state = initialState(this.profile);
    }
  }

  private use(digest: Uint8Array | null): void {
    this.profile = digest === null ? null : this.options.profileOf(digest);
    this.image = { samples: this.profile?.model.inputs.map(() => NEVER_READ) ?? [] };
    this.state = null;
    this.opening = null;
    this.moments = new Moments(this.windows);
  }

  private decision(body: DecisionBody, entry: Entry, place: Place): void {
    const { findings, substitute } = this.options;
    this.count[body.verdict] += 1;
    if (body.source.kind !== "controller") return;
    const profile = substitute ?? this.profileFor(body);
    if (profile === null) {
      findings.fault("verdicts", place, `profile ${hex(body.profile)} is not in the log`);
      return;
    }
    const ask = askOf(profile, body);
    findings.look("verdicts");
    const wrong = judgeAgain(profile, ask, body);
    if (wrong !== null) findings.fault("verdicts", place, wrong);
    if (body.verdict === "permit" || body.verdict === "clamp") {
      this.permit(hex(body.id), firstOf(profile, ask, body, entry.seq));
    }
    if (substitute !== null) return;
    if (this.state === null) {
      this.count.unfolded += 1;
      return;
    }
    findings.look("facts");
    const view = { image: this.image, state: this.state, nowUs: entry.monoUs };
    const replayed = gatherFacts(profile, view, ask, null);
    const differs = compareLooks(body.look, replayed) ?? checkResolution(profile, this.state, body);
    if (differs !== null) findings.fault("facts", place, `decision ${entry.seq}: ${differs}`);
  }

  private permit(id: string, first: First): void {
    this.judged.delete(id);
    this.open.set(id, first);
    if (this.open.size <= PERMITS_MAX) return;
    for (const oldest of this.open.keys()) {
      this.open.delete(oldest);
      break;
    }
  }

  /** The second look, where it was reached. */
  private outcome(body: OutcomeBody, entry: Entry, place: Place): void {
    const id = hex(body.id);
    const first = this.open.get(id);
    const before = first === undefined ? this.judgedBefore(id, entry.seq) : null;
    const told = first === undefined ? before : this.second(first, body, place);
    if (before !== null) this.secondAgain(before, body, place);
    this.open.delete(id);
    if (told !== null && MAY_RESOLVE.has(body.outcome)) this.keepJudged(id, told, entry.seq);
    else this.judged.delete(id);
  }

  private second(first: First, body: OutcomeBody, place: Place): Judged {
    const profile = this.options.substitute ?? this.profile;
    const { look } = body;
    const { seq } = place;
    if (look === null || profile === null) return { seq, look, second: null, differs: null };
    const { findings } = this.options;
    const whole = mergeLook(first.look, look);
    const second = decideSecond(profile, first, whole);
    this.judgeSecond(second, body, place);
    if (!this.isFolding()) return { seq, look, second, differs: null };
    findings.look("facts");
    const differs = this.anyMoment({ atUs: whole.monoUs, permit: first.seq }, (state) => {
      const view = { image: this.image, state, nowUs: whole.monoUs };
      return compareSecond(whole, gatherFacts(profile, view, first.ask, first.seq));
    });
    if (differs !== null) {
      findings.fault("facts", place, `second look of permit ${first.seq}: ${differs}`);
    }
    return { seq, look, second, differs };
  }

  /** The states of its time may be forgotten by now: it has to be the very look that was judged. */
  private secondAgain({ look, second, differs }: Judged, body: OutcomeBody, place: Place): void {
    if (body.look === null) return;
    const { findings } = this.options;
    if (second !== null) this.judgeSecond(second, body, place);
    if (!this.isFolding()) return;
    findings.look("facts");
    const why = compareAgain(look, body.look) ?? differs;
    const of = second === null ? "" : ` of permit ${second.seq}`;
    if (why !== null) findings.fault("facts", place, `second look${of}: ${why}`);
  }

  private judgeSecond(second: SecondVerdict, body: OutcomeBody, place: Place): void {
    const { findings } = this.options;
    this.count.secondLooks += 1;
    findings.look("verdicts");
    const wrong = judgeSecond(second, body);
    if (wrong !== null) findings.fault("verdicts", place, wrong);
  }

  private judgedBefore(id: string, seq: number): Judged | null {
    const judged = this.judged.get(id);
    return judged === undefined || seq - judged.seq > JUDGED_SPAN ? null : judged;
  }

  private keepJudged(id: string, judged: Judged, seq: number): void {
    this.judged.delete(id);
    this.judged.set(id, { ...judged, seq });
    for (const [oldest, { seq: since }] of this.judged) {
      if (seq - since <= JUDGED_SPAN) break;
      this.judged.delete(oldest);
    }
  }

  /** The look of a trip or a change of mode: what its condition read. */
  private condition(look: Look, place: Place): void {
    const { findings, substitute } = this.options;
    const { profile } = this;
    if (profile === null || this.state === null || substitute !== null) return;
    findings.look("facts");
    const reads = {
      inputs: look.tags.map(({ tag }) => tag),
      outputs: [...new Set(look.kernel.map(({ index }) => index))],
    };
    const differs = this.anyMoment({ atUs: look.monoUs, permit: null }, (state) => {
      const view = { image: this.image, state, nowUs: look.monoUs };
      return compareLooks(look, gatherCondition(profile, view, reads));
    });
    if (differs !== null) findings.fault("facts", place, `look of entry ${place.seq}: ${differs}`);
  }

  private profileFor(body: DecisionBody): CompiledProfile | null {
    const { profile } = this;
    if (profile !== null && equalBytes(profile.model.digest, body.profile)) return profile;
    return this.options.profileOf(body.profile);
  }

  private fold(entry: Entry): void {
    if (this.state === null || this.profile === null || !this.isFolding()) return;
    this.moments.push({ monoUs: entry.monoUs, state: this.state });
    this.state = foldEntry(this.profile, this.state, entry);
  }

  private isFolding(): boolean {
    return this.state !== null && this.options.substitute === null;
  }

  private anyMoment(
    look: Parameters<Moments["differ"]>[0],
    compare: (state: FoldedState) => string | null,
  ): string | null {
    if (this.state === null) return null;
    return this.moments.differ(look, this.state, compare);
  }
}

const COUNTED = ["permit", "clamp", "deny", "hold", "secondLooks", "unfolded"] as const;

function judgeAgain(profile: CompiledProfile, ask: Ask, body: DecisionBody): string | null {
  const decision = decide(profile, ask, body.look);
  if (decision.verdict !== body.verdict) {
    const why = compareReasons(body.reasons, decision.reasons) ?? "for the same reasons";
    return `recorded ${body.verdict}, replayed ${decision.verdict}: ${why}`;
  }
  const reasons = compareReasons(body.reasons, decision.reasons);
  if (reasons !== null) return `the same verdict for other reasons: ${reasons}`;
  return body.writes instanceof Uint8Array ? null : compareWrites(body.writes, decision.writes);
}

/** What to do about a log that another release wrote, for people. */
export function otherSemantics(semantics: number): string {
  return `written by kernel semantics ${semantics}; this release replays ${KERNEL_SEMANTICS}: use the release that wrote it`;
}

/** Null: it holds what no snapshot does. */
function toPlain(value: CborValue): Plain | null {
  const failed = { is: false };
  const plain = convert(value, failed);
  return failed.is ? null : plain;
}

function convert(value: CborValue, failed: { is: boolean }): Plain {
  if (isCborList(value)) return value.map((item) => convert(item, failed));
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  failed.is = true;
  return null;
}
