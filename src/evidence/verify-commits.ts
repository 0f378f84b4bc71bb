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

type Waiting = {
  readonly commit: SignedCommit;
  readonly root: Uint8Array;
  readonly place: Place;
};

type Interval = {
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
  readonly isSigned: boolean;
  /** The newest root commits of this interval. */
  readonly roots: Map<number, Uint8Array>;
  /** Entries under the checkpoint that began it. */
  readonly checkpointSize: number;
  /** Entries that the newest signed commit is over, and the newest whose signature is right. */
  newest: number;
  proven: number;
  /** Signed commits whose signatures were not looked at yet. */
  backlog: Waiting[];
  /** Root commits since the newest signed one, and where that stands. */
  unsigned: number;
  since: Place;
};

const ROOTS_MAX = 4 * UNSIGNED_COMMITS_MAX;
/** So many signed commits of one key are looked at together, at most. */
const TOGETHER_MAX = 4_096;

/**
 * Commits signed by the key of their interval (ADR 0021): each is held against the key that the newest checkpoint before
 * it names and against a root of this interval, and of each interval the newest signature is verified. Takes memory that does not grow with the log.
 */
export class CommitVerifier {
  private readonly findings: Findings;
  private readonly sha256: Sha256;
  private readonly verify: VerifyCommit | null;
  private interval: Interval | null = null;
  /** Reading began behind the checkpoint that names the key in force. */
  private isBlind = false;
  private unread = 0;
  /** Signatures that were looked at. */
  private verified = 0;
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
    const { interval } = this;
    this.settle(interval);
    if (interval !== null) {
      this.loose += Math.max(0, seq - Math.max(interval.proven, interval.checkpointSize));
    }
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
    this.settle(this.interval);
    const publicKey = commitKey === null ? null : readCommitKey(commitKey);
    this.interval =
      commitKey === null || publicKey === null
        ? null
        : {
            publicKey,
            keyId: commitKeyId(commitKey, this.sha256),
            isSigned,
            roots: new Map(),
            checkpointSize: size,
            newest: 0,
            proven: 0,
            backlog: [],
            unsigned: 0,
            since: place,
          };
  }

  signed(commit: SignedCommit, place: Place): void {
    const { findings, interval } = this;
    if (this.isBlind) {
      this.unread += 1;
      return;
    }
    findings.look("signed-commits");
    if (interval === null) {
      findings.fault("signed-commits", place, "no checkpoint of this run names a key");
      return;
    }
    interval.unsigned = 0;
    interval.since = place;
    const root = this.place(interval, commit);
    if (typeof root === "string") {
      findings.fault("signed-commits", place, root);
      return;
    }
    interval.newest = commit.size;
    interval.backlog.push({ commit, root, place });
    for (const size of interval.roots.keys()) if (size < commit.size) interval.roots.delete(size);
    if (interval.backlog.length >= TOGETHER_MAX) this.settle(interval);
  }

  /** Entries under the newest signed commit of the run that ends the log; 0: there is none. */
  finish(): number {
    this.settle(this.interval);
    const notes: string[] = [];
    if (this.verified > 0) {
      notes.push(`${this.verified} verified: the newest by a key speaks for those before it`);
    }
    if (this.unread > 0) {
      notes.push(`${this.unread} not checked: the checkpoint that names their key is not here`);
    }
    if (this.loose > 0) {
      notes.push(
        `${this.loose} entries at the ends of earlier runs came after the last signature of their run`,
      );
    }
    if (notes.length > 0) this.findings.note("signed-commits", notes.join("; "));
    return this.interval?.proven ?? 0;
  }

  /** The root it must be over; or why it cannot stand here, whatever its signature. */
  private place(interval: Interval, commit: SignedCommit): Uint8Array | string {
    if (this.verify === null) return "its signature cannot be checked here";
    if (!interval.isSigned) return "the checkpoint that names its key does not verify";
    if (!equalBytes(commit.keyId, interval.keyId)) {
      return "its key is not that of the newest checkpoint before it";
    }
    if (commit.size <= interval.newest) {
      return `it is over ${commit.size} entries, no more than the signed one before it`;
    }
    const why = `it is over ${commit.size} entries, where no commit of its key's interval stands`;
    return interval.roots.get(commit.size) ?? why;
  }

  /**
   * The newest signature is over a root that all before it lead to, as each root was computed here: when it is right, it
   * speaks for those of the same key before it. When it is not, each is looked at, to say where it began.
   */
  private settle(interval: Interval | null): void {
    const newest = interval?.backlog.at(-1);
    if (interval === null || newest === undefined) return;
    if (this.isRight(interval, newest)) interval.proven = newest.commit.size;
    else {
      for (const one of interval.backlog) {
        if (this.isRight(interval, one)) interval.proven = one.commit.size;
        else this.findings.fault("signed-commits", one.place, WRONG_SIGNATURE);
      }
    }
    interval.backlog = [];
  }

  private isRight({ publicKey }: Interval, { commit, root }: Waiting): boolean {
    const { protectedBytes, signature } = commit;
    this.verified += 1;
    return this.verify?.(publicKey, commitSigned(protectedBytes, root), signature) === true;
  }
}

const WRONG_SIGNATURE = "its signature does not verify over the root of the entries before it";

/** Only the newest: as no more may stand without a signed one, none older is signed. */
function keepRoot(roots: Map<number, Uint8Array>, size: number, root: Uint8Array): void {
  roots.set(size, root);
  if (roots.size <= ROOTS_MAX) return;
  for (const oldest of roots.keys()) {
    roots.delete(oldest);
    return;
  }
}
