import { decodeCbor } from "../codec/cbor/decode.js";
import { encodeCbor } from "../codec/cbor/encode.js";
import { isCborList, type CborValue } from "../codec/cbor/value.js";
import type { Ask } from "../kernel/command/request.js";
import { decide } from "../kernel/decide/decide.js";
import { gatherCondition, gatherFacts } from "../kernel/decide/gather-facts.js";
import { NEVER_READ, type Image } from "../kernel/image/image.js";
import type { CompiledProfile } from "../kernel/profile/compiled.js";
import type { DecisionBody, Entry, OutcomeBody } from "../kernel/record/entry.js";
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
import { compareFacts, compareLooks, compareReasons, compareWrites } from "./replay-compare.js";
import { askOf, checkResolution } from "./replay-ask.js";

export type ReplayOptions = {
  readonly findings: Findings;
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

type First = {
  readonly ask: Ask;
  readonly look: Look;
  readonly body: DecisionBody;
  readonly seq: number;
};
type Moment = { readonly monoUs: number; readonly state: FoldedState };

/**
 * States remembered for second looks, which were taken some entries before they were recorded: as far back as the oldest
 * permit without outcome, and at most so many.
 */
const MOMENTS_MAX = 8192;
/** And at least so many, for looks that are of no permit. */
const MOMENTS_LEAST = 64;
const PERMITS_MAX = 4096;
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
  private moments: Moment[] = [];
  private momentsMax = 2 * MOMENTS_LEAST;
  private readonly permits = new Map<string, First>();
  private readonly count = { permit: 0, clamp: 0, deny: 0, hold: 0, secondLooks: 0, unfolded: 0 };

  constructor(options: ReplayOptions) {
    this.options = options;
  }

  counts(): ReplayCounts {
    return this.count;
  }

  entry(entry: Entry, place: Place): void {
    const { body } = entry;
    if (body.type === "boot") this.boot(body, entry, place);
    else if (body.type === "decision") this.decision(body, entry, place);
    else if (body.type === "outcome") this.outcome(body, place);
    else if (body.type === "trip") this.condition(body.look, place);
    else if (body.type === "mode" && body.look !== null) this.condition(body.look, place);
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
    if (this.profile === null || !equalBytes(this.profile.model.digest, body.profile)) {
      this.use(body.profile);
      this.state = null;
    }
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
    const known = this.stateBefore(restored.state.nextSeq);
    if (known !== null && !equalBytes(encodeCbor(snapshotState(known)), bytes)) {
      findings.fault("facts", place, "the snapshot is not what the log folds to");
    }
    this.state ??= restored.state;
  }

  private boot(
    body: { readonly profile: Uint8Array; readonly semantics: number },
    entry: Entry,
    place: Place,
  ): void {
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
    this.state = null;
    if (this.profile === null) {
      findings.fault("verdicts", place, `profile ${hex(body.profile)} is not in the log`);
    } else if (entry.seq === 0) {
      this.state = initialState(this.profile);
    }
  }

  private use(digest: Uint8Array): void {
    this.profile = this.options.profileOf(digest);
    this.image = { samples: this.profile?.model.inputs.map(() => NEVER_READ) ?? [] };
    this.moments = [];
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
      this.permits.set(hex(body.id), { ask, look: body.look, body, seq: entry.seq });
      for (const oldest of this.permits.keys()) {
        if (this.permits.size <= PERMITS_MAX) break;
        this.permits.delete(oldest);
      }
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

  /** The second look, where it was reached. */
  private outcome(body: OutcomeBody, place: Place): void {
    const first = this.permits.get(hex(body.id));
    if (!MAY_RESOLVE.has(body.outcome)) this.permits.delete(hex(body.id));
    const profile = this.options.substitute ?? this.profile;
    if (first === undefined || body.look === null || profile === null) return;
    const { findings, substitute } = this.options;
    this.count.secondLooks += 1;
    findings.look("verdicts");
    const look = mergeLook(first.look, body.look);
    const wrong = judgeSecond(profile, first, { body, look });
    if (wrong !== null) findings.fault("verdicts", place, wrong);
    if (substitute !== null || this.state === null) return;
    findings.look("facts");
    const differs = this.anyMoment(look.monoUs, (state) => {
      const view = { image: this.image, state, nowUs: look.monoUs };
      return compareSecond(look, gatherFacts(profile, view, first.ask, first.seq));
    });
    if (differs !== null) {
      findings.fault("facts", place, `second look of permit ${first.seq}: ${differs}`);
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
    const differs = this.anyMoment(look.monoUs, (state) => {
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
    if (this.state === null || this.profile === null || this.options.substitute !== null) return;
    this.moments.push({ monoUs: entry.monoUs, state: this.state });
    if (this.moments.length > this.momentsMax) this.forgetMoments();
    this.state = foldEntry(this.profile, this.state, entry);
  }

  /** What no look can be of any more; few states alive make for a quick collector. */
  private forgetMoments(): void {
    const [oldest] = this.permits.values();
    const sinceUs = oldest?.look.monoUs ?? Infinity;
    const needed = this.moments.findIndex(({ monoUs }) => monoUs >= sinceUs);
    const young = this.moments.length - MOMENTS_LEAST;
    const far = this.moments.length - MOMENTS_MAX / 2;
    this.moments = this.moments.slice(
      Math.max(0, far, needed < 0 ? young : Math.min(young, needed)),
    );
    this.momentsMax = Math.min(MOMENTS_MAX, 2 * this.moments.length);
  }

  private stateBefore(nextSeq: number): FoldedState | null {
    if (this.state?.nextSeq === nextSeq) return this.state;
    return this.moments.find(({ state }) => state.nextSeq === nextSeq)?.state ?? null;
  }

  /**
   * What a look differs in from every state the log stood in at its time: several entries may carry one
   * time, and the look was taken between two of them. Null: one of them fits.
   */
  private anyMoment(atUs: number, compare: (state: FoldedState) => string | null): string | null {
    if (this.state === null) return null;
    let differs: string | null = null;
    // The newest state, then the state before each entry, which stood until that entry.
    let state: FoldedState = this.state;
    for (let i = this.moments.length; i >= 0; i -= 1) {
      if (state.lastUs <= atUs) {
        const why = compare(state);
        if (why === null) return null;
        differs ??= why;
      }
      const before = this.moments[i - 1];
      if (before === undefined || before.monoUs < atUs) break;
      ({ state } = before);
    }
    return differs ?? `the log tells of no moment at ${atUs} us`;
  }
}

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

/** What was sent must have passed its second look; what was withdrawn must have failed it, for its reasons. */
function judgeSecond(
  profile: CompiledProfile,
  first: First,
  second: { readonly body: OutcomeBody; readonly look: Look },
): string | null {
  const decision = decide(profile, first.ask, second.look);
  const isSame = decision.verdict === first.body.verdict;
  if (second.body.outcome !== "withdrawn") {
    if (isSame) return null;
    const why = compareReasons([], decision.reasons) ?? "";
    return `permit ${first.seq} was sent though its second look gives ${decision.verdict}: ${why}`;
  }
  const recorded = (second.body.reasons ?? []).filter(({ code }) => code !== "withdrawn");
  // It passed, and yet did not leave: that the line failed is a reading, and stands as recorded.
  if (isSame && recorded.length === 1 && recorded[0]?.code === "device-down") return null;
  const objections = isSame ? [] : decision.reasons;
  const differs = compareReasons(recorded, objections);
  return differs === null ? null : `permit ${first.seq} was withdrawn: ${differs}`;
}

/** A second look comes back in groups: where their order is another one, its facts are compared by kind and place. */
function compareSecond(recorded: Look, replayed: Look): string | null {
  if (compareLooks(recorded, replayed) === null) return null;
  const rest = compareLooks({ ...recorded, kernel: [] }, { ...replayed, kernel: [] });
  return rest ?? compareFacts(sortFacts(recorded), sortFacts(replayed));
}

function sortFacts(look: Look): Look["kernel"] {
  return [...look.kernel].sort((a, b) =>
    a.kind === b.kind ? a.index - b.index : a.kind < b.kind ? -1 : 1,
  );
}

function otherSemantics(semantics: number): string {
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
