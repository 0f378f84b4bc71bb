import { PROOF_LONGEST_US } from "../kernel/profile/model.js";
import type { Us } from "../kernel/units.js";
import type { Findings, Place } from "./findings.js";
import type { LeafStep, StepBody } from "./segment-steps.js";

/** A permit younger than this when the log ends may still be under way: it waited for its turn, then for its proof. */
const TAIL_US: Us = PROOF_LONGEST_US + 60_000_000;
/** Permits that may wait for their outcome at one time: far more than a gateway lets be under way. */
const OPEN_MAX = 65_536;
/** Unresolved outcomes remembered for a later resolution; of older ones only how far they go. */
const UNRESOLVED_MAX = 65_536;
/** Entries that may be the cause of a safe step, remembered newest first. */
const CAUSES_MAX = 65_536;

type DecisionStep = Extract<StepBody, { readonly type: "decision" }>;
type OutcomeStep = Extract<StepBody, { readonly type: "outcome" }>;
type Open = {
  readonly seq: number;
  readonly place: Place;
  readonly atUs: Us;
  readonly boot: number;
};

/** What a run begins with, before it tells what became of the permits of the run before. */
const OPENING: ReadonlySet<string> = new Set(["boot", "profile", "key", "notice", "snapshot"]);

/**
 * Bookkeeping between entries: permits and their outcomes, safe steps and their causes. What lies before
 * the first entry that was read cannot be missed: a log may begin in the middle, after its older segments
 * were deleted.
 */
export class Settlement {
  private readonly findings: Findings;
  private readonly open = new Map<string, Open>();
  /** By id, with the permit that each is of. */
  private readonly unresolved = new Map<string, number>();
  /** Up to this permit outcomes that may be resolved yet are no longer remembered. */
  private unresolvedTo = -1;
  private readonly causes = new Set<number>();
  /** Up to here possible causes are no longer remembered. */
  private forgotTo = -1;
  private firstSeq: number | null = null;
  private firstUs: Us = 0;
  /** The newest run that holds more than its opening, and its newest entry: where a permit may be under way still. */
  private boot = 0;
  private lastUs: Us = 0;
  /** A run after that one, of which only the opening is there: the gateway died before it could say more. */
  private begun: { readonly boot: number; readonly sinceUs: Us } | null = null;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  leaf(leaf: LeafStep): void {
    const { body, place, monoUs } = leaf;
    if (this.firstSeq === null) {
      this.firstSeq = place.seq;
      this.firstUs = monoUs;
    }
    if (!this.opens(leaf)) {
      this.boot = leaf.boot;
      this.lastUs = monoUs;
    }
    if (body.type === "decision") this.decision(body, leaf);
    else if (body.type === "outcome") this.outcome(body, leaf);
    else {
      if (body.type === "safe-step") this.safeStep(leaf);
      this.causes.add(place.seq);
      if (this.causes.size > CAUSES_MAX) this.forgetCause();
    }
  }

  finish(): void {
    for (const open of this.open.values()) {
      if (open.boot === this.boot && this.lastUs - open.atUs <= TAIL_US) continue;
      this.miss(open);
    }
  }

  private opens({ body, boot, monoUs }: LeafStep): boolean {
    if (boot === this.boot || !OPENING.has(body.type)) return false;
    if (this.begun?.boot !== boot) this.begun = { boot, sinceUs: monoUs };
    return monoUs - this.begun.sinceUs <= TAIL_US;
  }

  private miss({ place, seq }: Open): void {
    this.findings.fault("outcomes", place, `the permit ${seq} has no outcome`);
  }

  private decision({ verdict, idHex }: DecisionStep, { place, monoUs, boot }: LeafStep): void {
    if (verdict !== "permit" && verdict !== "clamp") return;
    this.findings.look("outcomes");
    if (this.open.has(idHex)) {
      this.findings.fault("outcomes", place, "another permit with the same id is still open");
    }
    this.open.set(idHex, { seq: place.seq, place, atUs: monoUs, boot });
    // A log made up of permits alone must not fill the memory of whoever checks it.
    const oldest = dropOldest(this.open, OPEN_MAX);
    if (oldest !== undefined) this.miss(oldest);
  }

  private outcome({ outcome, idHex }: OutcomeStep, leaf: LeafStep): void {
    const { place, cause } = leaf;
    this.findings.look("outcomes");
    const open = this.open.delete(idHex);
    const resolves = outcome === "resolved-done" || outcome === "resolved-not-done";
    if (open || (resolves && this.isUnresolved(idHex, cause)) || this.mayPrecede(leaf)) {
      if (MAY_RESOLVE.has(outcome)) {
        this.unresolved.set(idHex, cause ?? -1);
        const dropped = dropOldest(this.unresolved, UNRESOLVED_MAX);
        this.unresolvedTo = Math.max(this.unresolvedTo, dropped ?? -1);
      }
      return;
    }
    this.findings.fault("outcomes", place, `the outcome ${place.seq} has no permit`);
  }

  private isUnresolved(idHex: string, cause: number | null): boolean {
    return this.unresolved.delete(idHex) || (cause !== null && cause <= this.unresolvedTo);
  }

  private safeStep({ cause, place }: LeafStep): void {
    this.findings.look("safe-steps");
    if (cause !== null && cause < place.seq) {
      const mayBeForgotten = cause < (this.firstSeq ?? 0) || cause <= this.forgotTo;
      if (this.causes.has(cause) || mayBeForgotten) return;
    }
    this.findings.fault("safe-steps", place, `the safe step ${place.seq} has no cause in the log`);
  }

  private forgetCause(): void {
    for (const oldest of this.causes) {
      this.causes.delete(oldest);
      this.forgotTo = Math.max(this.forgotTo, oldest);
      return;
    }
  }

  /** In a log whose beginning is gone: the permit may be before what is left. */
  private mayPrecede({ monoUs, cause }: LeafStep): boolean {
    const firstSeq = this.firstSeq ?? 0;
    if (firstSeq === 0) return false;
    const isYoung = monoUs >= this.firstUs && monoUs - this.firstUs <= TAIL_US;
    return isYoung || (cause !== null && cause < firstSeq);
  }
}

const MAY_RESOLVE: ReadonlySet<string> = new Set(["acknowledged", "unknown", "crash-unknown"]);

/** What was dropped; undefined: there is room. */
function dropOldest<Key, Item>(map: Map<Key, Item>, countMax: number): Item | undefined {
  if (map.size <= countMax) return undefined;
  for (const [key, item] of map) {
    map.delete(key);
    return item;
  }
  return undefined;
}
