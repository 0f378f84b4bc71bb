import type { Reply } from "../kernel/step/effect.js";

/**
 * Holds every answer that names an evidence number until that record is durable. Once evidence has
 * failed nothing becomes durable any more: a denial that waits is then answered "evidence" (4, surely not
 * done), and whatever was not a denial 0x0B, for nothing is known of it that could be proved.
 */
export class ReplyGate {
  readonly #release: (reply: Reply) => void;
  #held: Reply[] = [];
  #durable = -1;

  constructor(release: (reply: Reply) => void) {
    this.#release = release;
  }

  get held(): number {
    return this.#held.length;
  }

  add(reply: Reply): void {
    if (reply.seq === null || reply.seq <= this.#durable) this.#release(reply);
    else this.#held.push(reply);
  }

  /** Everything up to and with `seq` is on stable storage. */
  open(seq: number): void {
    this.#durable = Math.max(this.#durable, seq);
    const held = this.#held;
    this.#held = [];
    for (const reply of held) this.add(reply);
  }

  fail(): void {
    const held = this.#held;
    this.#held = [];
    for (const reply of held) {
      const exception = reply.verdict === "deny" || reply.verdict === "hold" ? 4 : 0x0b;
      this.#release({ ...reply, seq: null, exception });
    }
  }
}
