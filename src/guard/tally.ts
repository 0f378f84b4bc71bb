import type { Entry, Verdict } from "../kernel/record/entry.js";

/** Counts since this start, for status and people: evidence, not this, is what proves anything. */
export class Tally {
  readonly verdicts: Record<Verdict, number> = { permit: 0, clamp: 0, deny: 0, hold: 0 };
  readonly reasons: Map<string, number> = new Map<string, number>();
  readonly outcomes: Map<string, number> = new Map<string, number>();
  trips = 0;
  /** Denials that were only counted, in flood entries. */
  floodDenials = 0;

  add({ body }: Entry): void {
    if (body.type === "decision") {
      if (body.source.kind !== "controller") return;
      this.verdicts[body.verdict] += 1;
      for (const code of new Set(body.reasons.map((reason) => reason.code))) {
        count(this.reasons, code);
      }
    } else if (body.type === "outcome") {
      count(this.outcomes, body.outcome);
    } else if (body.type === "flood") {
      this.verdicts.deny += body.count;
      this.floodDenials += body.count;
    } else if (body.type === "trip" && body.event.startsWith("fired")) {
      this.trips += 1;
    }
  }
}

function count(into: Map<string, number>, key: string): void {
  into.set(key, (into.get(key) ?? 0) + 1);
}
