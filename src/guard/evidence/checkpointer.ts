import type {
  AnchorKey,
  Clock,
  CommitKey,
  CommitKeys,
  NotOurs,
  Signer,
  SigningEvent,
} from "../ports.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  type CheckpointClaim,
  type CheckpointDraft,
} from "../../evidence/checkpoint.js";
import { encodeCommitKey } from "../../evidence/commit-key.js";
import type { ConsistencyProof } from "../../evidence/merkle-proof.js";
import type { Consistency, MerkleTree } from "../../evidence/merkle.js";
import { KeyHandover } from "./key-handover.js";
import { sha256 } from "./sha256.js";

/** A checkpoint at the latest after so many leaves, and a second after the first leaf that none covers. */
export const LEAVES_MAX = 4096;
const PERIOD_US = 1_000_000;

export type CheckpointerOptions = {
  readonly tree: MerkleTree;
  readonly clock: Clock;
  readonly signer: Signer;
  /** Each checkpoint names a key of these, for the commits after it; null: commits are not signed. */
  readonly commitKeys: CommitKeys | null;
  readonly gateway: string;
  readonly boot: number;
  readonly newest: { readonly hash: Uint8Array; readonly size: number } | null;
  readonly watcher: Consistency | null;
  /** The newest checkpoint with a counter, whole; null: there is none. */
  readonly counted: Uint8Array | null;
  /** Name of the log; known from its first leaf on. */
  readonly log: () => string;
  /** SHA-256 of the newest time stamp in the tree; null: there is none. */
  readonly token?: () => Uint8Array | null;
  /** A signed checkpoint is ready to be written. */
  readonly ready: () => void;
  /** Signing is due and nothing is on its way to the disk that would take the root along. */
  readonly due: () => void;
  /**
   * Asked once, when the key was found to be the right one: what it brought along. Not null: why the log cannot be all that
   * was signed by it; then nothing is signed.
   */
  readonly admit?: ((anchors: AnchorKey) => string | null) | undefined;
  readonly report: (text: string) => void;
};

/** `commitKey`: the key it names, for the commits after it, from when it is durable. */
export type SignedCheckpoint = {
  readonly body: Uint8Array;
  readonly size: number;
  readonly commitKey: CommitKey | null;
};

/** A root taken at the end of one group, signed only when that group is on disk. */
export type Candidate = {
  readonly claim: CheckpointClaim;
  readonly root: Uint8Array;
  readonly proof: ConsistencyProof | null;
  readonly watcher: Consistency;
  /** Whose name is in the claim. */
  readonly signer: Signer;
};

/**
 * Signs roots one at a time, newest first: while a signature is made, however long that takes, nothing
 * waits for it, and the next one covers all that came meanwhile. A signature that fails costs this
 * checkpoint only: it is reported and made up for by the next.
 */
export class Checkpointer {
  private readonly options: CheckpointerOptions;
  private newest: CheckpointerOptions["newest"];
  private watcher: Consistency | null;
  private wanted = false;
  private signing = false;
  /** The key was found once in this run to be the one it must be. */
  private opened = false;
  /** The last signature failed, and that was said. */
  private failing = false;
  private signed: SignedCheckpoint | null = null;
  /** Value of the counter that no checkpoint has yet. */
  private raised: number | null = null;
  private counted: Uint8Array | null;
  private readonly keys: KeyHandover;
  private cancelTimer: (() => void) | null = null;
  private idle: (() => void)[] = [];
  private readonly listeners: ((event: SigningEvent) => void)[] = [];

  constructor(options: CheckpointerOptions) {
    this.options = options;
    this.newest = options.newest;
    this.watcher = options.watcher;
    this.counted = options.counted;
    this.keys = new KeyHandover(options.signer, options.report, () => this.busy);
  }

  /** The key (SPKI) that signs from here on, and the one that is to take over from it; null: none is. */
  get key(): Uint8Array {
    return this.keys.signer.spki;
  }

  get nextKey(): Uint8Array | null {
    return this.keys.next;
  }

  /** An entry that names a key to take over was given this number. */
  named(spki: Uint8Array, seq: number): void {
    this.keys.named(spki, seq);
  }

  /** The newest that a TPM counted, of this run or an earlier one. */
  get newestCounted(): Uint8Array | null {
    return this.counted;
  }

  /** Newest checkpoint that was made: SHA-256 of its Sig_structure, and its size. */
  get last(): CheckpointerOptions["newest"] {
    return this.newest;
  }

  /** True while a root is being signed or a signed one waits to be written. */
  get busy(): boolean {
    return this.signing || this.signed !== null;
  }

  want(): void {
    this.wanted = true;
    this.options.due();
  }

  /** To be called with every leaf. */
  grew(): void {
    // A key that failed is asked again each second, however much is recorded meanwhile: asking costs the guard time.
    if (!this.failing && this.uncovered() >= LEAVES_MAX) this.wanted = true;
    this.arm();
  }

  private arm(): void {
    if (this.cancelTimer !== null) return;
    const { clock } = this.options;
    this.cancelTimer = clock.at(clock.nowUs() + PERIOD_US, () => {
      this.cancelTimer = null;
      if (this.uncovered() > 0) this.want();
    });
  }

  /** The tree as it stands, when it should be signed; the caller says when that is on disk. */
  take(root: Uint8Array): Candidate | null {
    const { tree, clock, gateway, boot, log, token } = this.options;
    const { signer } = this.keys;
    if (!this.wanted || this.signing || this.signed !== null) return null;
    this.wanted = false;
    const { size } = tree;
    if (this.uncovered() === 0) return null;
    const claim = {
      kid: signer.kid,
      gateway,
      log: log(),
      issuedUtcS: Math.floor(clock.utcUs() / 1_000_000),
      size,
      previous: this.newest?.hash ?? NO_CHECKPOINT,
      boot,
      counter: null,
      commitKey: null,
      token: token?.() ?? null,
    };
    const proof =
      this.watcher === null
        ? null
        : { size1: this.watcher.size, size2: size, path: tree.prove(this.watcher) };
    this.signing = true;
    return { claim, root, proof, watcher: tree.watch(), signer };
  }

  /** The candidate's root is durable: sign it. */
  sign(candidate: Candidate): void {
    const { proof, watcher } = candidate;
    const { size } = candidate.claim;
    this.signNow(candidate).then((made) => {
      this.signing = false;
      if ("says" in made) {
        this.options.tree.forget(watcher);
        this.fail(size, made);
        return;
      }
      const { draft, signature, commitKey } = made;
      if (this.failing) this.options.report(`evidence: checkpoints are signed again, at ${size}`);
      this.failing = false;
      if (this.watcher !== null) this.options.tree.forget(this.watcher);
      this.watcher = watcher;
      this.newest = { hash: sha256(draft.toBeSigned), size };
      this.signed = { body: finishCheckpoint(draft, signature, proof), size, commitKey };
      if (candidate.signer.raise !== null) this.counted = this.signed.body;
      this.options.ready();
    }, raise);
  }

  private fail(size: number, why: NotOurs): void {
    if (!this.failing) {
      this.options.report(
        `evidence: the checkpoint at ${size} was not signed (${why.says}); it is tried again each second`,
      );
    }
    this.failing = true;
    this.arm();
    this.settle();
    for (const run of this.listeners) run({ kind: "failed", ...why });
  }

  onSigning(run: (event: SigningEvent) => void): void {
    this.listeners.push(run);
  }

  /** One over so many entries that was collected is on stable storage. */
  written(size: number): void {
    for (const run of this.listeners) run({ kind: "signed" });
    this.keys.covered(size);
  }

  /**
   * The counter is raised first: its value is signed. One that was raised for a signature that failed serves the next
   * try, so that a run leaves at most one without its checkpoint: nothing more explains a log that lags behind.
   */
  private async signNow({ claim, root, signer }: Candidate): Promise<Signed | NotOurs> {
    let commitKey: CommitKey | null = null;
    try {
      const opened = await this.open();
      if (opened !== null) return opened;
      if (signer.raise !== null) this.raised ??= await signer.raise();
      commitKey = await this.makeCommitKey();
      const named = commitKey === null ? null : encodeCommitKey(commitKey.publicKey);
      const draft = draftCheckpoint({ ...claim, counter: this.raised, commitKey: named }, root);
      const signature = await signer.sign(draft.toBeSigned);
      this.raised = null;
      return { draft, signature, commitKey };
    } catch (error) {
      commitKey?.drop();
      return { foreign: false, says: wordsOf(error) };
    }
  }

  /** Without one a checkpoint is worth no less. */
  private async makeCommitKey(): Promise<CommitKey | null> {
    try {
      return (await this.options.commitKeys?.make()) ?? null;
    } catch (error) {
      this.options.report(
        `evidence: commits are not signed until the next checkpoint (${wordsOf(error)})`,
      );
      return null;
    }
  }

  /** Once in a run: the key, and the log held against what comes with it. Null: both are as they must be. */
  private async open(): Promise<NotOurs | null> {
    const { signer, admit } = this.options;
    if (this.opened || signer.open === undefined) return null;
    const opened = await signer.open();
    if (!opened.ok) return opened;
    const behind = admit?.(opened.anchors) ?? null;
    if (behind !== null) return { foreign: false, behind: true, says: behind };
    this.opened = true;
    return null;
  }

  /** The signed checkpoint that is to be written next; it is the caller's from now on. */
  collect(): SignedCheckpoint | null {
    const { signed } = this;
    this.signed = null;
    return signed;
  }

  /** A checkpoint reached the disk, or was given up. */
  settle(): void {
    const idle = this.idle;
    this.idle = [];
    for (const run of idle) run();
  }

  async settled(): Promise<void> {
    if (!this.busy) return;
    await new Promise<void>((resolve) => {
      this.idle.push(resolve);
    });
  }

  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private uncovered(): number {
    return this.options.tree.size - (this.newest?.size ?? 0);
  }
}

type Signed = {
  readonly draft: CheckpointDraft;
  readonly signature: Uint8Array;
  readonly commitKey: CommitKey | null;
};

const NO_CHECKPOINT = new Uint8Array(32);

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A fault of ours, not the key's: for the composition root. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
