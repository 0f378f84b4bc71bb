const KEPT = 1_024;

/** Lateness of the last scans, for status and people: never a reason for a verdict. */
export class Lateness {
  readonly #samples: Float64Array = new Float64Array(KEPT);
  #count = 0;
  #maxUs = 0;

  add(latenessUs: number): void {
    this.#samples[this.#count % KEPT] = latenessUs;
    this.#count += 1;
    this.#maxUs = Math.max(this.#maxUs, latenessUs);
  }

  summary(): LatenessSummary {
    const kept = this.#samples.slice(0, Math.min(this.#count, KEPT)).sort();
    const at = (share: number): number =>
      kept[Math.min(kept.length - 1, Math.floor(kept.length * share))] ?? 0;
    return { scans: this.#count, p50Us: at(0.5), p99Us: at(0.99), maxUs: this.#maxUs };
  }
}

/** Percentiles over the last 1,024 scans; `maxUs` since the start. */
export type LatenessSummary = {
  readonly scans: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
};
