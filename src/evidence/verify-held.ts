import { ES256, verifySign1 } from "../codec/cose/sign1.js";
import type { Checkpoint } from "./checkpoint.js";
import type { Findings, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { equalBytes } from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";
import { readEarlier } from "./verify-growth.js";

/** A checkpoint that somebody outside kept, alone or in a proof bundle, and where it came from, for the report. */
export type HeldCheckpoint = { readonly name: string; readonly body: Uint8Array };

/**
 * Holds the log against checkpoints kept elsewhere: each must be signed by a key of the log (or a trusted one), be of this
 * log, and have the root that the log has at its size. A log that was cut back, rolled back to an older copy, forked or
 * rewritten fails, though everything in it agrees with itself: inside the log nothing can tell.
 */
export class HeldVerifier {
  private readonly findings: Findings;
  private readonly read: readonly { readonly name: string; readonly checkpoint: Checkpoint }[];
  private readonly roots = new Map<number, Uint8Array | null>();

  constructor(findings: Findings, held: readonly HeldCheckpoint[]) {
    this.findings = findings;
    this.read = held.flatMap(({ name, body }) => {
      const read = readEarlier(body);
      findings.look("held");
      if (read.ok) return [{ name, checkpoint: read.checkpoint }];
      findings.fault("held", nowhere(name), `neither a checkpoint nor a proof bundle: ${read.why}`);
      return [];
    });
    for (const { checkpoint } of this.read) this.roots.set(checkpoint.claim.size, null);
  }

  /** Where the log stood, and its root there. Checkpoints are made nowhere else. */
  commit(size: number, root: Uint8Array): void {
    if (this.roots.has(size)) this.roots.set(size, root);
  }

  finish(log: {
    readonly sha256: Sha256;
    readonly verify: VerifySignature;
    readonly keys: readonly Uint8Array[];
    /** The log's own newest, or first, checkpoint: what gateway and log are called. */
    readonly own: Checkpoint | null;
    readonly size: number;
    readonly firstSeq: number;
  }): void {
    const byId = new Map(log.keys.map((spki) => [hex(log.sha256(spki)), spki]));
    for (const { name, checkpoint } of this.read) {
      const { claim, sign1 } = checkpoint;
      const spki = byId.get(hex(claim.kid));
      const isSigned =
        spki !== undefined &&
        verifySign1(sign1, {
          algorithm: ES256,
          verify: (bytes, signature) => log.verify(spki, bytes, signature),
        });
      if (!isSigned) this.fault(name, "it is not signed by a key of this log");
      else this.compare(name, checkpoint, log);
    }
  }

  private compare(
    name: string,
    { claim, root }: Checkpoint,
    log: { readonly own: Checkpoint | null; readonly size: number; readonly firstSeq: number },
  ): void {
    const { own, size, firstSeq } = log;
    if (own !== null && (own.claim.gateway !== claim.gateway || own.claim.log !== claim.log)) {
      this.fault(name, "it is of another gateway or log");
      return;
    }
    if (claim.size > size) {
      const missing = claim.size - size;
      this.fault(
        name,
        `it is over ${claim.size} entries, the log has ${size}: ${missing} are gone`,
      );
      return;
    }
    const known = this.roots.get(claim.size) ?? null;
    if (known !== null) {
      if (!equalBytes(known, root)) {
        this.fault(name, `the first ${claim.size} entries are not those it was made over`);
      }
      return;
    }
    const why =
      claim.size <= firstSeq
        ? `it is over ${claim.size} entries, the log here begins at ${firstSeq}: it cannot be compared`
        : `it is over ${claim.size} entries, where the log never stood`;
    this.fault(name, why);
  }

  private fault(name: string, why: string): void {
    this.findings.fault("held", nowhere(name), why);
  }
}

/** The fault is of a file that is not the log's. */
function nowhere(name: string): Place {
  return { segment: name, offset: 0, seq: 0 };
}
