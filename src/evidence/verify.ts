import type { Entry, Part } from "../kernel/record/entry.js";
import type { SignedCommit } from "./commit.js";
import { Findings, type CheckId, type CheckResult, type Finding, type Place } from "./findings.js";
import { FrameReader, type Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import { KEYS_MAX } from "./key-succession.js";
import { LogReader } from "./log-reader.js";
import { equalBytes } from "./merkle-proof.js";
import { PartJoiner, type Joined } from "./parts.js";
import { checkSegment, type LeafStep, type Opening, type SegmentSteps } from "./segment-steps.js";
import { continues, playTape, type SegmentTape } from "./segment-tape.js";
import { BeginningVerifier } from "./retention.js";
import { Settlement } from "./settlement.js";
import { AnchorVerifier, type Attester, type FoundStamp } from "./verify-anchors.js";
import { CheckpointVerifier, type VerifySignature } from "./verify-checkpoints.js";
import { CommitVerifier, type VerifyCommit } from "./verify-commits.js";
import { TokenVerifier } from "./verify-tokens.js";
import { HeldVerifier, type HeldCheckpoint } from "./verify-held.js";

export type VerifyOptions = {
  readonly sha256: Sha256;
  readonly verifySignature: VerifySignature;
  /** Of commits signed by the key of their interval; without it none passes. */
  readonly verifyCommit?: VerifyCommit;
  /** Keys (SPKI) that alone may sign; null: those the log itself names. */
  readonly trusted: readonly Uint8Array[] | null;
  /** Checkpoints kept elsewhere, which the log must go on from. */
  readonly held?: readonly HeldCheckpoint[];
  /** The TPM's attestation key, for its anchors. */
  readonly attester?: Attester | null;
  /** Every entry that could be read, in order, and where it stands: for replay. */
  readonly entry?: (entry: Entry, place: Place) => void;
  /** A profile whose exact bytes the log holds, whole, with the digest it is said to have. */
  readonly profile?: (digest: Uint8Array, bytes: Uint8Array) => void;
  readonly snapshot?: (state: Uint8Array, entry: Entry, place: Place) => void;
  readonly finding?: (finding: Finding) => void;
};

export type VerifyReport = {
  readonly checks: readonly CheckResult[];
  readonly ok: boolean;
  readonly entries: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly segments: number;
  readonly bytes: number;
  readonly runs: number;
  /** Newest entries that no checkpoint covers yet: nothing but their check protects them. */
  readonly uncovered: number;
  /** How many of these are under a commit that the key of their interval signed. */
  readonly underSignedCommit: number;
  /** SHA-256 of the keys (SPKI) the log names. */
  readonly keys: readonly string[];
  readonly keyKinds: readonly string[];
};

/**
 * Checks a log segment by segment, in the order of their names, in memory that does not grow with the log.
 * It goes on after a fault, so that one report shows all there is. Replay, where it runs, reports into the
 * same findings.
 */
export class LogVerifier implements SegmentSteps {
  readonly findings: Findings;
  private readonly options: VerifyOptions;
  private readonly frames: FrameReader;
  private readonly log: LogReader;
  private readonly settlement: Settlement;
  private readonly beginning: BeginningVerifier;
  private readonly checkpoints: CheckpointVerifier;
  private readonly commits: CommitVerifier;
  private readonly held: HeldVerifier;
  private readonly anchors: AnchorVerifier;
  private readonly tokens: TokenVerifier;
  private readonly profileParts: PartJoiner;
  private readonly snapshotParts: PartJoiner;
  private readonly keys = new Set<string>();
  private readonly keyKinds = new Set<string>();
  private segments = 0;
  private bytes = 0;
  private entries = 0;
  private firstSeq: number | null = null;
  private lastSeq: number | null = null;
  /** Number of the run the newest entry is of; below any before the first. */
  private boot = -1;
  private runs = 0;
  private bootDue = false;

  constructor(options: VerifyOptions) {
    this.options = options;
    this.findings = new Findings(options.finding);
    this.frames = new FrameReader(options.sha256);
    this.log = new LogReader(options.sha256);
    this.settlement = new Settlement(this.findings);
    this.beginning = new BeginningVerifier(this.findings);
    this.checkpoints = new CheckpointVerifier(this.findings, options.sha256, {
      verify: options.verifySignature,
      trusted: options.trusted,
    });
    this.commits = new CommitVerifier(this.findings, {
      sha256: options.sha256,
      verify: options.verifyCommit ?? null,
    });
    this.held = new HeldVerifier(this.findings, options.held ?? []);
    this.anchors = new AnchorVerifier(this.findings, {
      sha256: options.sha256,
      verify: options.verifySignature,
      attester: options.attester ?? null,
    });
    this.tokens = new TokenVerifier(this.findings, options.sha256);
    this.profileParts = new PartJoiner(options.sha256);
    this.snapshotParts = new PartJoiner(options.sha256);
  }

  segment(name: string, bytes: Uint8Array): void {
    this.begin(bytes.length);
    checkSegment({ name, bytes }, this.frames, this.log, this);
  }

  /**
   * The same from what another thread found in this segment; `entry` and `snapshot` are not told. False, and nothing
   * done, where that was found under a wrong assumption of where the log stands: then `segment` has to check it.
   * `through` stands between the tape and what is made of it.
   */
  checked(
    tape: SegmentTape,
    through: (steps: SegmentSteps) => SegmentSteps = (steps) => steps,
  ): boolean {
    const { start } = tape;
    const fits = this.segments === 0 ? start === null : continues(start, this.log.position());
    if (!fits) return false;
    this.begin(tape.bytes);
    playTape(tape, through(this));
    this.log.startAt(tape.end);
    return true;
  }

  finish(): VerifyReport {
    this.settlement.finish();
    this.beginning.finish(this.checkpoints.coveredSize);
    this.checkpoints.finish();
    const size = this.log.size;
    this.held.finish({
      sha256: this.options.sha256,
      verify: this.options.verifySignature,
      keys: this.checkpoints.knownKeys,
      own: this.checkpoints.named,
      size,
      firstSeq: this.firstSeq ?? 0,
    });
    const covered = Math.max(this.checkpoints.coveredSize, this.firstSeq ?? 0);
    const uncovered = Math.max(0, size - covered);
    const underSignedCommit = Math.max(0, this.commits.finish() - covered);
    const checks = this.findings.results();
    return {
      checks,
      ok: this.entries > 0 && checks.every(({ status }) => status !== "FAIL"),
      entries: this.entries,
      firstSeq: this.firstSeq,
      lastSeq: this.lastSeq,
      segments: this.segments,
      bytes: this.bytes,
      runs: this.runs,
      uncovered,
      underSignedCommit,
      keys: [...this.keys],
      keyKinds: [...this.keyKinds],
    };
  }

  /** Time stamps in the log, to be checked by whoever can before `finish`. */
  get stamps(): readonly FoundStamp[] {
    return this.anchors.stamps;
  }

  /** How many time stamps were met before those. */
  get stampsBefore(): number {
    return this.anchors.stampsBefore;
  }

  look(check: CheckId, count: number): void {
    this.findings.look(check, count);
  }

  fault(check: CheckId, place: Place, why: string): void {
    this.findings.fault(check, place, why);
  }

  stray(): void {
    this.entries += 1;
  }

  commit(size: number, root: Uint8Array): void {
    this.checkpoints.commit(size, root);
    this.commits.root(size, root);
    this.held.commit(size, root);
  }

  checkpoint(body: Uint8Array, place: Place): void {
    const checked = this.checkpoints.checkpoint(body, this.boot, place);
    this.commits.checkpoint(checked, place);
    this.anchors.checkpoint(body, place);
    this.tokens.checkpoint(body, place);
  }

  signedCommit(commit: SignedCommit, place: Place): void {
    this.commits.signed(commit, place);
  }

  leaf(leaf: LeafStep): void {
    const { place, entry } = leaf;
    const isFirst = this.entries === 0;
    this.entries += 1;
    this.firstSeq ??= place.seq;
    this.lastSeq = place.seq;
    this.run(leaf, isFirst);
    this.content(leaf);
    this.settlement.leaf(leaf);
    if (entry !== null) this.options.entry?.(entry, place);
  }

  opening({ named, link, place }: Opening): void {
    const { findings } = this;
    findings.look("links");
    if (place.seq !== named) {
      findings.fault("links", place, `the file's name says its first entry is ${named}`);
    }
    if (named !== 0 && link === null) {
      findings.fault("links", place, "the segment does not begin with its link");
    }
    if (this.entries > 0) {
      if (link !== null) this.tokens.link(link, place);
      return;
    }
    this.beginning.opening(place, link);
    if (link === null) return;
    this.checkpoints.resume(link);
    this.commits.resume();
    this.anchors.resume(link.size);
    this.tokens.resume(link);
  }

  private begin(bytes: number): void {
    this.segments += 1;
    this.bytes += bytes;
  }

  /** A log that begins in the middle begins within a run; a new segment may precede the boot entry. */
  private run({ body, boot, place }: LeafStep, isFirst: boolean): void {
    if (boot < this.boot) {
      this.findings.fault("boots", place, `run ${boot} comes after run ${this.boot}`);
    }
    if (boot !== this.boot) {
      this.runs += 1;
      if (!isFirst) {
        this.commits.run(place.seq);
        this.checkpoints.run();
        this.beginning.run(this.checkpoints.coveredSize);
      }
      this.bootDue = !isFirst || place.seq === 0;
    }
    this.boot = boot;
    if (body.type === "boot") {
      this.findings.look("boots");
      this.bootDue = false;
      this.keyKinds.add(body.key);
      this.checkpoints.bootEntry(body.key);
      this.anchors.boot(body.nv, place);
      if (body.boot !== boot) {
        this.findings.fault("boots", place, `a boot entry of run ${body.boot} in run ${boot}`);
      }
    } else if (this.bootDue && body.type !== "notice" && body.type !== "snapshot") {
      this.bootDue = false;
      this.findings.fault("boots", place, `run ${boot} does not begin with a boot entry`);
    }
  }

  private content({ body, place, entry }: LeafStep): void {
    if (body.type === "key") {
      if (body.event !== "lost" && this.keys.size < KEYS_MAX) {
        this.keys.add(hex(this.options.sha256(body.spki)));
      }
      this.checkpoints.keyEntry(body, place);
    } else if (body.type === "notice") {
      if ("what" in body) this.beginning.notice(body, place);
    } else if (body.type === "anchor") {
      this.anchors.anchor(body, place, (kid) => this.checkpoints.knownKey(kid));
      this.tokens.anchor(body, place.seq);
    } else if (body.type === "profile" && body.bytes !== null) {
      const whole = this.join(this.profileParts, body.bytes, place);
      if (whole !== null) this.profile(body.digest, whole, place);
    } else if (body.type === "snapshot") {
      const whole = this.join(this.snapshotParts, body.state, place);
      if (whole !== null && entry !== null) this.options.snapshot?.(whole, entry, place);
    }
  }

  private profile(digest: Uint8Array, whole: Uint8Array, place: Place): void {
    if (equalBytes(this.options.sha256(whole), digest)) this.options.profile?.(digest, whole);
    else this.findings.fault("parts", place, "the profile's bytes do not have the digest it names");
  }

  private join(joiner: PartJoiner, item: Uint8Array | Part, place: Place): Uint8Array | null {
    this.findings.look("parts");
    const joined: Joined = joiner.add(item);
    if (joined.kind === "wrong") this.findings.fault("parts", place, joined.why);
    return joined.kind === "whole" ? joined.bytes : null;
  }
}
