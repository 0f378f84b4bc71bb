import { readCheckpoint } from "./checkpoint.js";
import { commitSigned, type SignedCommit } from "./commit.js";
import { commitKeyId, readCommitKey, UNSIGNED_COMMITS_MAX } from "./commit-key.js";
import type { Findings, Place } from "./findings.js";
import type { Sha256 } from "./frame.js";
import { equalBytes } from "./merkle-proof.js";

/** Ed25519 (RFC 8032) over exact bytes by a public key of 32 bytes; false for anything wrong, whatever it is. */
export type VerifyCommit = (
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean;

/** What a checkpoint says of the commits after it. */
export type CheckedCheckpoint = {
  /** Its COSE_Key; null: it names none. */
  readonly commitKey: Uint8Array | null;
  /** It is one of this format, and the signature of a known key is right. */
  readonly isSigned: boolean;
  /** Entries under it. */
  readonly size: number;
};

type Interval = {
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
  readonly isSigned: boolean;
  /** The newest root commits of this interval. */
  readonly roots: Map<number, Uint8Array>;
  /** Entries under the newest signed commit, or else under the checkpoint that began it. */
  covered: number;
  /** True: `covered` is a signed commit's. */
  hasSigned: boolean;
  /** Root commits since the newest signed one, and where that stands. */
  unsigned: number;
  since: Place;
};

const ROOTS_MAX = 4 * UNSIGNED_COMMITS_MAX;

/**
 * Commits signed by the key of their interval (ADR 0021): each is held against the key that the newest checkpoint before
 * it names and against a root of this interval. Takes memory that does not grow with the log.
 */
export class CommitVerifier {
  private readonly findings: Findings;
  private readonly sha256: Sha256;
  private readonly verify: VerifyCommit | null;
  private interval: Interval | null = null;
  /** Reading began behind the checkpoint that names the key in force. */
  private isBlind = false;
  private unread = 0;
  /** Entries at the ends of earlier runs that came after the last signature of their run. */
  private loose = 0;

  /** `verify` null: nobody here can check Ed25519; then no signed commit passes. */
  constructor(
    findings: Findings,
    by: { readonly sha256: Sha256; readonly verify: VerifyCommit | null },
  ) {
    this.findings = findings;
    this.sha256 = by.sha256;
    this.verify = by.verify;
  }

  /** The log begins here, in the middle. */
  resume(): void {
    this.isBlind = true;
  }

  /** A new run begins, with this entry: the key of the one before is gone. */
  run(seq: number): void {
    if (this.interval !== null) this.loose += Math.max(0, seq - this.interval.covered);
    this.interval = null;
    this.isBlind = false;
  }

  root(size: number, root: Uint8Array): void {
    const { interval } = this;
    if (interval === null) return;
    keepRoot(interval.roots, size, root);
    interval.unsigned += 1;
    if (interval.unsigned !== UNSIGNED_COMMITS_MAX + 1) return;
    const why = `more than ${UNSIGNED_COMMITS_MAX} commits follow it, and none is signed by the interval's key: they may have been taken out, or what follows be another's`;
    this.findings.fault("signed-commits", interval.since, why);
  }

  checkpoint({ commitKey, isSigned, size }: CheckedCheckpoint, place: Place): void {
    this.isBlind = false;
    const publicKey = commitKey === null ? null : readCommitKey(commitKey);
    this.interval =
      commitKey === null || publicKey === null
        ? null
        : {
            publicKey,
            keyId: commitKeyId(commitKey, this.sha256),
            isSigned,
            roots: new Map(),
            covered: size,
            hasSigned: false,
            unsigned: 0,
            since: place,
          };
  }

  /** `verified`: whether its signature is right by the newest key and root before it; null: to be found out here. */
  signed(commit: SignedCommit, place: Place, verified: boolean | null): void {
    const { findings, interval } = this;
    if (this.isBlind) {
      this.unread += 1;
      return;
    }
    findings.look("signed-commits");
    const why =
      interval === null
        ? "no checkpoint of this run names a key"
        : this.judge(interval, commit, verified);
    if (why !== null) findings.fault("signed-commits", place, why);
    if (interval === null) return;
    interval.unsigned = 0;
    interval.since = place;
    if (why !== null) return;
    interval.covered = commit.size;
    interval.hasSigned = true;
    for (const size of interval.roots.keys()) if (size < commit.size) interval.roots.delete(size);
  }

  /** Entries under the newest signed commit of the run that ends the log; 0: there is none. */
  finish(): number {
    const notes: string[] = [];
    if (this.unread > 0) {
      notes.push(`${this.unread} not checked: the checkpoint that names their key is not here`);
    }
    if (this.loose > 0) {
      notes.push(
        `${this.loose} entries at the ends of earlier runs came after the last signature of their run`,
      );
    }
    if (notes.length > 0) this.findings.note("signed-commits", notes.join("; "));
    return this.interval?.hasSigned === true ? this.interval.covered : 0;
  }

  /** Null: it is right. */
  private judge(interval: Interval, commit: SignedCommit, verified: boolean | null): string | null {
    if (!interval.isSigned) return "the checkpoint that names its key does not verify";
    if (!equalBytes(commit.keyId, interval.keyId)) {
      return "its key is not that of the newest checkpoint before it";
    }
    if (interval.hasSigned && commit.size <= interval.covered) {
      return `it is over ${commit.size} entries, no more than the signed one before it`;
    }
    const root = interval.roots.get(commit.size);
    if (root === undefined) {
      return `it is over ${commit.size} entries, where no commit of its key's interval stands`;
    }
    if (this.verify === null) return "its signature cannot be checked here";
    if (verified ?? verifyOne(commit, { ...interval, root }, this.verify)) return null;
    return "its signature does not verify over the root of the entries before it";
  }
}

/**
 * Signatures found out where a segment is checked for itself, as far as the checkpoint that names their key is in it.
 * Everything else about them is for `CommitVerifier`, which meets the same checkpoints and roots.
 */
export class CommitPrecheck {
  private readonly verify: VerifyCommit;
  private publicKey: Uint8Array | null = null;
  private readonly roots = new Map<number, Uint8Array>();

  constructor(verify: VerifyCommit) {
    this.verify = verify;
  }

  root(size: number, root: Uint8Array): void {
    if (this.publicKey !== null) keepRoot(this.roots, size, root);
  }

  checkpoint(body: Uint8Array): void {
    const read = readCheckpoint(body);
    const commitKey = read.ok ? read.checkpoint.claim.commitKey : null;
    this.publicKey = commitKey === null ? null : readCommitKey(commitKey);
    this.roots.clear();
  }

  /** Null: that cannot be told here. */
  signed(commit: SignedCommit): boolean | null {
    const { publicKey } = this;
    const root = this.roots.get(commit.size);
    if (publicKey === null || root === undefined) return null;
    return verifyOne(commit, { publicKey, root }, this.verify);
  }
}

function verifyOne(
  { protectedBytes, signature }: SignedCommit,
  by: { readonly publicKey: Uint8Array; readonly root: Uint8Array },
  verify: VerifyCommit,
): boolean {
  return verify(by.publicKey, commitSigned(protectedBytes, by.root), signature);
}

/** Only the newest: as no more may stand without a signed one, none older is signed. */
function keepRoot(roots: Map<number, Uint8Array>, size: number, root: Uint8Array): void {
  roots.set(size, root);
  if (roots.size <= ROOTS_MAX) return;
  for (const oldest of roots.keys()) {
    roots.delete(oldest);
    return;
  }
}
