import type { DecisionBody, Entry, ENTRY_TYPES, OutcomeBody } from "../kernel/record/entry.js";
import type { Us } from "../kernel/units.js";
import type { Findings, Place } from "./findings.js";
import { hex } from "./hex.js";

/** A permit younger than this when the log ends may still be under way. */
const TAIL_US: Us = 60_000_000;
/** Unresolved outcomes remembered for a later resolution; older ones are taken for resolved. */
const UNRESOLVED_MAX = 65_536;
/** Entries that may be the cause of a safe step, remembered newest first. */
const CAUSES_MAX = 65_536;

type Open = {
  readonly seq: number;
  readonly place: Place;
  readonly atUs: Us;
  readonly boot: number;
};

/**
 * Bookkeeping between entries: permits and their outcomes, safe steps and their causes. What lies before
 * the first entry that was read cannot be missed: a log may begin in the middle, after its older segments
 * were deleted.
 */
export class Settlement {
  private readonly findings: Findings;
  private readonly open = new Map<string, Open>();
  private readonly unresolved = new Map<string, number>();
  private readonly causes = new Map<number, (typeof ENTRY_TYPES)[number]>();
  private firstSeq: number | null = null;
  private firstUs: Us = 0;
  private lastUs: Us = 0;
  private boot = 0;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  entry(entry: Entry, boot: number, place: Place): void {
    const { body } = entry;
    if (this.firstSeq === null) {
      this.firstSeq = entry.seq;
      this.firstUs = entry.monoUs;
    }
    this.lastUs = entry.monoUs;
    this.boot = boot;
    if (body.type === "decision") this.decision(body, entry, place);
    else if (body.type === "outcome") this.outcome(body, entry, place);
    else {
      if (body.type === "safe-step") this.safeStep(entry, place);
      this.causes.set(entry.seq, body.type);
      dropOldest(this.causes, CAUSES_MAX);
    }
  }

  finish(): void {
    for (const open of this.open.values()) {
      if (open.boot === this.boot && this.lastUs - open.atUs <= TAIL_US) continue;
      this.findings.fault("outcomes", open.place, `the permit ${open.seq} has no outcome`);
    }
  }

  private decision(body: DecisionBody, entry: Entry, place: Place): void {
    if (body.verdict !== "permit" && body.verdict !== "clamp") return;
    this.findings.look("outcomes");
    const id = hex(body.id);
    if (this.open.has(id)) {
      this.findings.fault("outcomes", place, "another permit with the same id is still open");
    }
    this.open.set(id, { seq: entry.seq, place, atUs: entry.monoUs, boot: this.boot });
  }

  private outcome(body: OutcomeBody, entry: Entry, place: Place): void {
    this.findings.look("outcomes");
    const id = hex(body.id);
    const open = this.open.delete(id);
    const resolves = body.outcome === "resolved-done" || body.outcome === "resolved-not-done";
    if (open || (resolves && this.unresolved.delete(id)) || this.mayPrecede(entry)) {
      if (MAY_RESOLVE.has(body.outcome)) {
        this.unresolved.set(id, place.seq);
        dropOldest(this.unresolved, UNRESOLVED_MAX);
      }
      return;
    }
    this.findings.fault("outcomes", place, `the outcome ${place.seq} has no permit`);
  }

  private safeStep(entry: Entry, place: Place): void {
    this.findings.look("safe-steps");
    const { cause } = entry;
    if (cause !== null && cause < entry.seq) {
      const type = this.causes.get(cause);
      if (type !== undefined || cause < (this.firstSeq ?? 0) || this.causes.size >= CAUSES_MAX)
        return;
    }
    this.findings.fault("safe-steps", place, `the safe step ${entry.seq} has no cause in the log`);
  }

  /** In a log whose beginning is gone: the permit may be before what is left. */
  private mayPrecede(entry: Entry): boolean {
    const firstSeq = this.firstSeq ?? 0;
    if (firstSeq === 0) return false;
    const isYoung = entry.monoUs >= this.firstUs && entry.monoUs - this.firstUs <= TAIL_US;
    return isYoung || (entry.cause !== null && entry.cause < firstSeq);
  }
}

const MAY_RESOLVE: ReadonlySet<string> = new Set(["acknowledged", "unknown", "crash-unknown"]);

function dropOldest<Key>(map: Map<Key, unknown>, countMax: number): void {
  if (map.size <= countMax) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
