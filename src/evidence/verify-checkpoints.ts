import type { KeyBody } from "../kernel/record/entry.js";
import { ES256, sigStructure, verifySign1 } from "../codec/cose/sign1.js";
import { readCheckpoint, type Checkpoint } from "./checkpoint.js";
import type { Findings, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { KeySuccession } from "./key-succession.js";
import { equalBytes, verifyConsistency } from "./merkle-proof.js";
import type { SegmentLink } from "./segment.js";
import type { CheckedCheckpoint } from "./verify-commits.js";

/** ES256 over exact bytes, r || s; false for anything wrong, whatever it is. */
export type VerifySignature = (
  spki: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean;

type Previous = {
  readonly hash: Uint8Array;
  readonly size: number;
  /** Null: it lies before the first segment that was read. */
  readonly root: Uint8Array | null;
};

/** Roots of commits that no checkpoint covers yet; a writer signs within thousands of them. */
const COMMITS_MAX = 262_144;

/** Everything about checkpoints; commits are the sizes at which they may stand. */
export class CheckpointVerifier {
  private readonly findings: Findings;
  private readonly sha256: Sha256;
  private readonly verifySignature: VerifySignature;
  private readonly keys: KeySuccession;
  private readonly roots = new Map<number, Uint8Array>();
  private previous: Previous | null = null;
  private first: Checkpoint | null = null;
  private resumedAt = 0;
  private covered = 0;
  private needsCounter = false;
  /** Newest counter of each key, by its id. */
  private readonly counters = new Map<string, number>();

  /** `trusted` null: keys are taken from the log's own key entries, which says so in the report. */
  constructor(
    findings: Findings,
    sha256: Sha256,
    keys: {
      readonly verify: VerifySignature;
      readonly trusted: readonly Uint8Array[] | null;
    },
  ) {
    this.findings = findings;
    this.sha256 = sha256;
    this.verifySignature = keys.verify;
    this.keys = new KeySuccession(findings, sha256, keys.trusted);
  }

  /** Leaves under the newest checkpoint. */
  get coveredSize(): number {
    return this.covered;
  }

  /** Keys that signed or may sign here, as far as they are known yet. */
  get knownKeys(): readonly Uint8Array[] {
    return this.keys.keys;
  }

  /** One of these, by its id (hex); undefined: there is no such. */
  knownKey(kid: string): Uint8Array | undefined {
    return this.keys.key(kid);
  }

  /** What gateway and log call themselves; null before the first checkpoint. */
  get named(): Checkpoint | null {
    return this.first;
  }

  keyEntry(body: KeyBody, place: Place): void {
    this.keys.entry(body, place);
  }

  /** Before the first entry of another run. */
  run(): void {
    this.keys.run();
  }

  /** After the last entry. */
  finish(): void {
    this.keys.finish();
  }

  /** From here on a TPM signs (evidence.cddl, boot: key kind), and raises its counter for each checkpoint; or does not. */
  bootEntry(key: "tpm" | "tpm-software" | "file"): void {
    this.needsCounter = key !== "file";
  }

  /** The log begins here, in the middle. */
  resume(link: SegmentLink): void {
    this.resumedAt = link.size;
    this.roots.set(link.size, link.root);
    this.keys.begin(link.key);
    if (link.checkpoint !== null) this.previous = { ...link.checkpoint, root: null };
  }

  commit(size: number, root: Uint8Array): void {
    this.roots.set(size, root);
    if (this.roots.size <= COMMITS_MAX) return;
    for (const oldest of this.roots.keys()) {
      this.roots.delete(oldest);
      return;
    }
  }

  /** `boot`: of the newest entry before it. */
  checkpoint(body: Uint8Array, boot: number, place: Place): CheckedCheckpoint {
    const { findings } = this;
    findings.look("checkpoint-roots");
    const read = readCheckpoint(body);
    if (!read.ok) {
      findings.fault("checkpoint-roots", place, `unreadable checkpoint: ${read.why}`);
      return { commitKey: null, isSigned: false, size: 0 };
    }
    const { checkpoint } = read;
    const hasRoot = this.checkRoot(checkpoint, place);
    this.checkChain(checkpoint, boot, place);
    this.checkConsistency(checkpoint, place);
    const isSigned = this.checkSignature(checkpoint, place);
    this.checkCounter(checkpoint, place);
    if (hasRoot && isSigned) this.keys.signed(checkpoint.claim.kid, checkpoint.claim.size);
    const { claim, root, sign1 } = checkpoint;
    this.first ??= checkpoint;
    this.previous = {
      hash: this.sha256(sigStructure(sign1.protectedBytes, root)),
      size: claim.size,
      root,
    };
    this.covered = Math.max(this.covered, claim.size);
    for (const size of this.roots.keys()) {
      // They came in this order: what remains is not looked through for each checkpoint.
      if (size >= claim.size) break;
      this.roots.delete(size);
    }
    return { commitKey: claim.commitKey, isSigned, size: claim.size };
  }

  /** True when it is the root of this log at that size. */
  private checkRoot({ claim, root }: Checkpoint, place: Place): boolean {
    const known = this.roots.get(claim.size);
    if (known !== undefined && equalBytes(known, root)) return true;
    if (known === undefined) {
      if (claim.size < this.resumedAt) return false;
      const why = `it is over ${claim.size} entries, where the log never stood`;
      this.findings.fault("checkpoint-roots", place, why);
    } else {
      const why = `its root is not that of the first ${claim.size} entries`;
      this.findings.fault("checkpoint-roots", place, why);
    }
    return false;
  }

  private checkChain({ claim }: Checkpoint, boot: number, place: Place): void {
    const { findings, previous, first } = this;
    findings.look("checkpoint-chain");
    const before = previous?.hash ?? NO_CHECKPOINT;
    if (!equalBytes(claim.previous, before)) {
      findings.fault("checkpoint-chain", place, "it does not name the checkpoint before it");
    } else if (previous !== null && claim.size <= previous.size) {
      findings.fault("checkpoint-chain", place, "it covers no more than the one before it");
    }
    if (
      first !== null &&
      (claim.gateway !== first.claim.gateway || claim.log !== first.claim.log)
    ) {
      findings.fault("checkpoint-chain", place, "it is of another gateway or log");
    }
    if (claim.boot !== boot) {
      findings.fault(
        "checkpoint-chain",
        place,
        `it is of run ${claim.boot}, but this is run ${boot}`,
      );
    }
  }

  private checkConsistency({ claim, root, consistency }: Checkpoint, place: Place): void {
    const { findings, previous } = this;
    if (consistency === null || previous?.root == null) return;
    findings.look("consistency");
    const fits = consistency.size1 === previous.size && consistency.size2 === claim.size;
    if (fits && verifyConsistency(consistency, previous.root, root, this.sha256)) return;
    findings.fault("consistency", place, "its proof does not lead from the checkpoint before it");
  }

  private checkSignature({ claim, sign1 }: Checkpoint, place: Place): boolean {
    const { findings } = this;
    findings.look("signatures");
    const spki = this.keys.find(claim.kid);
    if (spki === undefined) {
      const why = this.keys.refuse(claim.kid, place);
      findings.fault("signatures", place, `signed by key ${hex(claim.kid).slice(0, 16)}: ${why}`);
      return false;
    }
    const verify = (bytes: Uint8Array, signature: Uint8Array): boolean =>
      this.verifySignature(spki, bytes, signature);
    if (verifySign1(sign1, { algorithm: ES256, verify })) return true;
    findings.fault("signatures", place, "its signature does not verify");
    return false;
  }

  /** A key that once gave a counter always does: else whoever has its signatures, but not the TPM, could leave it out. */
  private checkCounter({ claim }: Checkpoint, place: Place): void {
    const { findings, counters } = this;
    const kid = hex(claim.kid);
    // A key that takes over goes on with the same counter of the same TPM.
    const before = counters.get(kid) ?? counters.get(this.keys.voucher(claim.kid) ?? "");
    const { counter } = claim;
    if (counter === null) {
      if (!this.needsCounter && before === undefined) return;
      findings.look("counters");
      findings.fault("counters", place, "a TPM signed it, and it carries no counter");
      return;
    }
    findings.look("counters");
    if (before === counter) {
      const why = `its counter is ${counter}, as that of the checkpoint before: two of them cannot both be true`;
      findings.fault("counters", place, why);
    } else if (before !== undefined && counter < before) {
      const why = `its counter is ${counter}, below the ${before} of one before it`;
      findings.fault("counters", place, why);
    }
    // Else whoever writes checkpoints under ever other ids fills the memory of whoever checks them.
    if (this.keys.key(kid) !== undefined) counters.set(kid, Math.max(before ?? counter, counter));
  }
}

const NO_CHECKPOINT = new Uint8Array(32);
