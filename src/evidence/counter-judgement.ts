import { ES256, verifySign1 } from "../codec/cose/sign1.js";
import { readCounterAttest } from "../codec/tpm2/counter-attest.js";
import type { AnchorBody } from "../kernel/record/entry.js";
import { readCheckpoint, type Checkpoint } from "./checkpoint.js";
import { equalBytes } from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";

/** What the log knows of the TPM's counters. */
export type LogStanding = {
  /** Body of the newest checkpoint with a counter. */
  readonly counted: Uint8Array | null;
  readonly anchor: AnchorBody | null;
  /** Number of the newest run in the log; 0: none. */
  readonly boot: number;
};

/** What the TPM says before this run raised anything. */
export type TpmStanding = {
  /** SHA-256 of the key that signs checkpoints, and that key. */
  readonly kid: Uint8Array;
  readonly spki: Uint8Array;
  /** The key that it took over from, whose last checkpoint may be the newest; null: from none. */
  readonly before: { readonly kid: Uint8Array; readonly spki: Uint8Array } | null;
  /** Attestation key (SPKI). */
  readonly attester: Uint8Array;
  readonly checkpoint: number;
  readonly anchor: number;
  readonly resets: number;
  /** How far the counter of checkpoints may jump at a loss of power, by the chip's own word. */
  readonly jump: number;
  readonly firsts: { readonly checkpoint: number; readonly anchor: number };
};

/**
 * Whether the log can be all that this TPM saw written (ADR 0015). `lost` names what says no, in a line. `newest`: the
 * value of the flash counter that is surely used up; the next anchor takes one above it.
 */
export type CounterJudgement = { readonly lost: string | null; readonly newest: number };

/**
 * The flash counter may stand one above the newest anchor: raised by a run that ended before it could write the anchor.
 * The counter of checkpoints may stand one above for each run since its checkpoint, and further only where the TPM was
 * reset since the newest anchor, by as far as it jumps at a loss of power. Anything else is loss, or another TPM.
 */
export function judgeCounters(
  log: LogStanding,
  tpm: TpmStanding,
  verify: VerifySignature,
): CounterJudgement {
  const anchored = readAnchored(log, tpm, verify);
  const lost = judgeAnchor(anchored, tpm) ?? judgeCheckpoint(log, { anchored, tpm, verify });
  const isUnused = lost === null && tpm.anchor > anchored.value;
  return { lost, newest: isUnused ? anchored.value : tpm.anchor };
}

/** Chips keep a few hundred ahead of their flash at most; one that says more is not believed. */
const JUMP_MOST = 4095;

type Anchored = {
  readonly value: number;
  /** Null: there is no anchor, so nobody knows whether the TPM was reset. */
  readonly resets: number | null;
  /** What is wrong with the newest anchor itself. */
  readonly fault: string | null;
};

function readAnchored(
  { anchor }: LogStanding,
  { attester, firsts }: TpmStanding,
  verify: VerifySignature,
): Anchored {
  if (anchor === null) return { value: firsts.anchor, resets: null, fault: null };
  const attest = readCounterAttest(anchor.token);
  const isOurs =
    attest !== null &&
    anchor.signature !== null &&
    verify(attester, anchor.token, anchor.signature);
  if (isOurs) return { value: attest.value, resets: attest.resets, fault: null };
  const fault = "the newest anchor in the log is not of this TPM's attestation key";
  return { value: firsts.anchor, resets: null, fault };
}

function judgeAnchor({ value, fault }: Anchored, tpm: TpmStanding): string | null {
  if (fault !== null) return fault;
  const stands = `the TPM's anchor counter stands at ${tpm.anchor}, the log's newest anchor at ${value}`;
  if (tpm.anchor < value) return `${stands}: it is another TPM, or was set back`;
  if (tpm.anchor > value + 1)
    return `${stands}: ${tpm.anchor - value - 1} or more anchors are gone`;
  return null;
}

function judgeCheckpoint(
  log: LogStanding,
  by: { readonly anchored: Anchored; readonly tpm: TpmStanding; readonly verify: VerifySignature },
): string | null {
  const { anchored, tpm, verify } = by;
  const newest = readCounted(log, tpm, verify);
  if (typeof newest === "string") return newest;
  const { counter, boot } = newest;
  const stands = `the TPM's counter of checkpoints stands at ${tpm.checkpoint}, the log's newest at ${counter}`;
  if (tpm.checkpoint < counter) return `${stands}: it is another TPM, or was set back`;
  const runs = Math.max(1, log.boot - boot + 1);
  const isReset = anchored.resets === null || anchored.resets !== tpm.resets;
  const allowed = isReset ? runs * (1 + Math.min(tpm.jump, JUMP_MOST)) : runs;
  const ahead = tpm.checkpoint - counter;
  if (ahead <= allowed) return null;
  return `${stands}: checkpoints are gone (${allowed} may be missing after a crash${isReset ? " and a loss of power" : ""})`;
}

/** Of the newest counted checkpoint, which this TPM must have signed; before the first: as the counter was made. */
function readCounted(
  { counted }: LogStanding,
  { kid, spki, before, firsts }: TpmStanding,
  verify: VerifySignature,
): { readonly counter: number; readonly boot: number } | string {
  if (counted === null) return { counter: firsts.checkpoint, boot: 1 };
  const read = readCheckpoint(counted);
  if (!read.ok) return `the newest checkpoint of a TPM cannot be read: ${read.why}`;
  const { claim } = read.checkpoint;
  const isFormer = before !== null && equalBytes(claim.kid, before.kid);
  if (!isFormer && !equalBytes(claim.kid, kid)) {
    return "the newest checkpoint of a TPM is of another key";
  }
  if (!isSigned(read.checkpoint, isFormer ? before.spki : spki, verify)) {
    return "the signature of the newest checkpoint does not verify";
  }
  return claim.counter === null
    ? "the newest checkpoint of a TPM carries no counter"
    : { counter: claim.counter, boot: claim.boot };
}

function isSigned({ sign1 }: Checkpoint, spki: Uint8Array, verify: VerifySignature): boolean {
  return verifySign1(sign1, {
    algorithm: ES256,
    verify: (bytes, signature) => verify(spki, bytes, signature),
  });
}
