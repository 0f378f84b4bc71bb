import { commitKeyId, encodeCommitKey, UNSIGNED_COMMITS_MAX } from "../../evidence/commit-key.js";
import { commitSigned, draftCommit, finishCommit } from "../../evidence/commit.js";
import type { CommitKey } from "../ports.js";
import { sha256 } from "./sha256.js";

/** From so many commits without a signed one on, a signature is made at once. */
const UNSIGNED_SOON = UNSIGNED_COMMITS_MAX - 2;

type Root = { readonly root: Uint8Array; readonly size: number };
type Interval = { readonly key: CommitKey; readonly keyId: Uint8Array };

/**
 * Signs durable roots by the key of their interval, one at a time and off the loop, newest first: nothing waits for a
 * signature, and the next group takes along what is ready (ADR 0021). Only where the signatures have not kept up for
 * many groups is one made on the loop, so that a log without them is never an honest one.
 */
export class CommitSigning {
  private readonly report: (text: string) => void;
  private interval: Interval | null = null;
  /** The newest durable root of this interval. */
  private newest: Root | null = null;
  private signedSize = 0;
  private isSigning = false;
  private ready: Uint8Array | null = null;
  /** Commits since the newest signed one, or since the checkpoint that names the key. */
  private unsigned = 0;

  constructor(report: (text: string) => void) {
    this.report = report;
  }

  /** The checkpoint that names this key is durable; null: it names none. */
  begin(key: CommitKey | null): void {
    if (key === null) return;
    this.interval = { key, keyId: commitKeyId(encodeCommitKey(key.publicKey), sha256) };
  }

  /** A group with this root is durable, and was reported so. */
  durable(root: Uint8Array, size: number): void {
    if (this.interval === null) return;
    this.newest = { root, size };
    this.sign(this.interval);
  }

  /** Body of the signed commit that a group which is being sealed takes along; null: none is ready. */
  take(): Uint8Array | null {
    if (this.ready === null && this.unsigned >= UNSIGNED_SOON) this.signNow();
    const { ready } = this;
    this.ready = null;
    if (ready !== null) this.unsigned = 0;
    this.unsigned += 1;
    return ready;
  }

  /** The next checkpoint goes to the disk, or nothing does any more: the key is dropped, and what it is signing with it. */
  end(): void {
    this.interval?.key.drop();
    this.interval = null;
    this.newest = null;
    this.ready = null;
    this.signedSize = 0;
    // The group that brings the checkpoint has its own commit behind it.
    this.unsigned = 1;
  }

  private sign(interval: Interval): void {
    const { newest } = this;
    if (this.isSigning || newest === null || newest.size <= this.signedSize) return;
    this.isSigning = true;
    const protectedBytes = draftCommit(interval.keyId, newest.size);
    interval.key.sign(commitSigned(protectedBytes, newest.root)).then(
      (signature) => {
        this.isSigning = false;
        // One of a dropped key counts for nothing; the key of now may have waited for it.
        if (this.interval === interval) this.keep(protectedBytes, signature, newest.size);
        this.signNext();
      },
      (error: unknown) => {
        this.isSigning = false;
        if (this.interval === interval) this.fail(error);
        this.signNext();
      },
    );
  }

  private signNext(): void {
    if (this.interval !== null) this.sign(this.interval);
  }

  private signNow(): void {
    const { interval, newest } = this;
    if (interval === null || newest === null || newest.size <= this.signedSize) return;
    const protectedBytes = draftCommit(interval.keyId, newest.size);
    try {
      const signature = interval.key.signNow(commitSigned(protectedBytes, newest.root));
      this.keep(protectedBytes, signature, newest.size);
    } catch (error) {
      this.fail(error);
    }
  }

  private keep(protectedBytes: Uint8Array, signature: Uint8Array, size: number): void {
    if (size <= this.signedSize) return;
    this.ready = finishCommit(protectedBytes, signature);
    this.signedSize = size;
  }

  private fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.report(`evidence: commits are not signed until the next checkpoint (${why})`);
    this.end();
  }
}
