import type { AnchorBody } from "../kernel/record/entry.js";
import { readCheckpoint } from "./checkpoint.js";
import type { Findings, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { equalBytes } from "./merkle-proof.js";
import type { SegmentLink } from "./segment.js";

/** Time stamps that no checkpoint covers yet; beyond it the oldest of them are forgotten, and only newer ones count. */
const PENDING_MAX = 4_096;

type Token = { readonly seq: number; readonly hash: Uint8Array };

/**
 * The time token that checkpoints name (claim -70005, ADR 0019): the hash of the newest time stamp among their entries, so
 * that each was made after it. A log whose checkpoints never named one is older than the claim, and stays as good as it was.
 */
export class TokenVerifier {
  readonly #findings: Findings;
  readonly #sha256: Sha256;
  /** The newest under the newest checkpoint, and those after it. */
  #tokens: Token[] = [];
  #claimed = false;
  /** Entries before the segment that reading begins with. */
  #resumedAt = 0;

  constructor(findings: Findings, sha256: Sha256) {
    this.#findings = findings;
    this.#sha256 = sha256;
  }

  /** The log begins here, in the middle: older time stamps are known by their link alone. */
  resume({ token, size }: SegmentLink): void {
    this.#resumedAt = size;
    if (token == null) return;
    this.#tokens = [{ seq: size - 1, hash: token }];
    this.#claimed = true;
  }

  anchor({ kind, token }: AnchorBody, seq: number): void {
    if (kind !== "rfc3161") return;
    this.#tokens.push({ seq, hash: this.#sha256(token) });
    if (this.#tokens.length > PENDING_MAX) this.#tokens.shift();
  }

  /** A later segment begins. */
  link({ token, size }: SegmentLink, place: Place): void {
    const newest = this.#newestBefore(size);
    if (token == null) {
      if (!this.#claimed || newest === null) return;
      this.#findings.fault("links", place, "it names no time stamp, and the log has one before it");
    } else if (newest === null || !equalBytes(newest.hash, token)) {
      this.#findings.fault("links", place, "it names another time stamp than the newest before it");
    }
    this.#claimed ||= token != null;
  }

  checkpoint(body: Uint8Array, place: Place): void {
    const read = readCheckpoint(body);
    if (!read.ok) return;
    const { size, token } = read.checkpoint.claim;
    // Taken before the segment was begun, and signed after: which time stamp was the newest then is not here.
    if (size < this.#resumedAt) return;
    const newest = this.#newestBefore(size);
    if (newest !== null) this.#tokens = this.#tokens.filter(({ seq }) => seq >= newest.seq);
    if (token == null) {
      if (!this.#claimed || newest === null) return;
      this.#findings.look("tokens");
      this.#findings.fault("tokens", place, "it names none, though one before it does");
      return;
    }
    this.#claimed = true;
    this.#findings.look("tokens");
    if (newest === null) {
      const why = "it names a time stamp, and none is in the log before it";
      this.#findings.fault("tokens", place, why);
    } else if (!equalBytes(newest.hash, token)) {
      const why = "it names another time stamp than the newest before it";
      this.#findings.fault("tokens", place, why);
    }
  }

  #newestBefore(size: number): Token | null {
    return this.#tokens.findLast(({ seq }) => seq < size) ?? null;
  }
}
