import type { Signer } from "../ports.js";

/**
 * Which key signs (ADR 0020). One that waits to take over does so when the entry that names it is under a checkpoint of the one
 * before, on stable storage, and that it has taken over is written down; until then the one before goes on, and each
 * checkpoint is another try.
 */
export class KeyHandover {
  private current: Signer;
  private readonly report: (text: string) => void;
  private readonly isUnderWay: () => boolean;
  private open: Signer["handover"];
  /** Number of the newest entry that names the key which waits; null: there is none yet. */
  private namedAt: number | null = null;
  private isBusy = false;
  private hasFailed = false;

  /** `isUnderWay`: whether a checkpoint of the key that signs now is being made or written. */
  constructor(signer: Signer, report: (text: string) => void, isUnderWay: () => boolean) {
    this.current = signer;
    this.isUnderWay = isUnderWay;
    this.open = signer.handover ?? null;
    this.report = report;
  }

  get signer(): Signer {
    return this.current;
  }

  /** SPKI of the key that waits; null: none does. */
  get next(): Uint8Array | null {
    return this.open?.to?.spki ?? null;
  }

  named(spki: Uint8Array, seq: number): void {
    const { next } = this;
    if (next?.length === spki.length && next.every((byte, at) => byte === spki[at])) {
      this.namedAt = seq;
    }
  }

  /** A checkpoint of this run over so many entries is on stable storage. */
  covered(size: number): void {
    const { open } = this;
    if (open == null || this.isBusy) return;
    const { to } = open;
    if (to !== null && (this.namedAt === null || size <= this.namedAt)) return;
    this.isBusy = true;
    open.done().then(
      () => {
        this.isBusy = false;
        // A segment that was begun meanwhile names it again: that is to be covered, too.
        if (to !== null && (this.namedAt ?? 0) >= size) return;
        // One by the key before would stand in a segment that says the new one signs: after it is the next try.
        if (to !== null && this.isUnderWay()) return;
        this.open = null;
        this.current = to ?? this.current;
        this.report(
          "evidence: the new key has taken over; holdpoint key attest is to be run for it",
        );
      },
      (error: unknown) => {
        this.isBusy = false;
        if (!this.hasFailed) this.report(`evidence: the new key waits: ${wordsOf(error)}`);
        this.hasFailed = true;
      },
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
