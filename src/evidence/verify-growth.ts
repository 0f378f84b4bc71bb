import { ES256, verifySign1 } from "../codec/cose/sign1.js";
import { decodeBundle, isBundle, type ProofBundle } from "./bundle.js";
import type { BundleFindings } from "./bundle-findings.js";
import { readCheckpoint, type Checkpoint, type CheckpointRead } from "./checkpoint.js";
import type { Sha256 } from "./frame.js";
import { hex } from "./hex.js";
import {
  consistencyRoots,
  equalBytes,
  isPowerOfTwo,
  perfectBefore,
  verifyConsistency,
} from "./merkle-proof.js";
import type { VerifySignature } from "./verify-checkpoints.js";

/** Numbers of entries, both ends among them. */
export type Period = { readonly from: number; readonly to: number };

type By = {
  readonly findings: BundleFindings;
  readonly options: {
    readonly sha256: Sha256;
    readonly verifySignature: VerifySignature;
    readonly trusted: readonly Uint8Array[] | null;
    readonly earlier?: Uint8Array | null;
  };
};

/**
 * That no entry is left out between the first and the last, and of the period that was asked for. A bundle with
 * gaps is a fault only where it says to be a period, by its consistency proof, or was asked to be one: else it is
 * the story of one command. Returns the period without gaps; null: it is none.
 */
export function checkPeriod(
  { items }: ProofBundle,
  of: { readonly checkpoint: Checkpoint | null; readonly asked: Period | null },
  findings: BundleFindings,
): Period | null {
  const { checkpoint, asked } = of;
  const numbers = new Set(items.map(({ proof }) => proof.index));
  const here = findEnds(numbers);
  const isPeriod = asked !== null || (checkpoint !== null && checkpoint.consistency !== null);
  const missing =
    findMissing(numbers, here) ?? (asked === null ? null : findMissing(numbers, asked));
  if (!isPeriod && (missing !== null || numbers.size < 2)) return null;
  findings.look("period", missing === null ? null : `entry ${missing} is not here`);
  findings.note("period", `entries ${here.from} to ${here.to}`);
  return isPeriod && missing === null ? here : null;
}

function findEnds(numbers: ReadonlySet<number>): Period {
  let [from, to] = [Infinity, -1];
  for (const seq of numbers) {
    from = Math.min(from, seq);
    to = Math.max(to, seq);
  }
  return { from, to };
}

/** Stops at the first, so that it looks at no more numbers than there are. */
function findMissing(numbers: ReadonlySet<number>, { from, to }: Period): number | null {
  for (let seq = from; seq <= to; seq += 1) if (!numbers.has(seq)) return seq;
  return null;
}

/**
 * The consistency proof in the checkpoint (RFC 9162 section 2.1.4). Without the older checkpoint it shows which root
 * the log had at that size, if the signed one is to be its continuation.
 */
export function checkGrowth(
  bundle: ProofBundle,
  { claim, root, consistency }: Checkpoint,
  { findings, options }: By,
): void {
  if (consistency === null) return;
  const { size1, size2 } = consistency;
  if (size2 !== claim.size) {
    const why = `it leads to ${size2} entries, ${claim.size} are signed`;
    findings.look("consistency", why);
    return;
  }
  if (size1 === 0 || size1 >= size2) {
    findings.look("consistency", `it leads from ${size1} entries to ${size2}`);
    return;
  }
  const perfect = isPowerOfTwo(size1) ? findPerfect(bundle, size1, options.earlier ?? null) : null;
  if (isPowerOfTwo(size1) && perfect === null) {
    const note = `only the checkpoint over ${size1} entries can show it (--earlier)`;
    findings.note("consistency", note);
    return;
  }
  const roots = consistencyRoots(consistency, perfect, options.sha256);
  const leads = roots !== null && equalBytes(roots.newer, root);
  findings.look("consistency", leads ? null : "its path leads to another root");
  if (leads) findings.note("consistency", `from ${size1} entries with root ${hex(roots.older)}`);
}

/** Root of a perfect tree, which its proof leaves out: on the path of an entry not far behind, or in the older checkpoint. */
function findPerfect(
  { items }: ProofBundle,
  size: number,
  earlier: Uint8Array | null,
): Uint8Array | null {
  const behind = items.find(({ proof: { index } }) => index >= size && index < 2 * size);
  if (behind !== undefined) return perfectBefore(behind.proof);
  const read = earlier === null ? null : readEarlier(earlier);
  return read?.ok === true && read.checkpoint.claim.size === size ? read.checkpoint.root : null;
}

/**
 * That the log was once as an older checkpoint says, which somebody kept. What was asked for and cannot be shown is
 * a fault, also where the bundle has no proof.
 */
export function checkEarlier(
  bundle: ProofBundle,
  checkpoint: Checkpoint,
  { findings, options }: By,
): void {
  if (options.earlier == null) return;
  const read = readEarlier(options.earlier);
  const why = read.ok
    ? (refuseSigner(read.checkpoint, bundle, options) ??
      refuseGrowth(read.checkpoint, checkpoint, options.sha256))
    : read.why;
  findings.look("earlier", why);
  if (read.ok && why === null) {
    findings.note("earlier", `over ${read.checkpoint.claim.size} entries`);
  }
}

/** A checkpoint as it is in the log or a file, or the one of another bundle. */
export function readEarlier(bytes: Uint8Array): CheckpointRead {
  if (!isBundle(bytes)) return readCheckpoint(bytes);
  const decoded = decodeBundle(bytes);
  return decoded.ok ? readCheckpoint(decoded.bundle.checkpoint) : decoded;
}

function refuseSigner(
  { claim, sign1 }: Checkpoint,
  bundle: ProofBundle,
  options: By["options"],
): string | null {
  const keys = [bundle.key.spki, ...(options.trusted ?? [])];
  const spki = keys.find((key) => equalBytes(options.sha256(key), claim.kid));
  if (spki === undefined)
    return `it is signed by key ${hex(claim.kid).slice(0, 16)}, which is not here`;
  const verify = (toBeSigned: Uint8Array, signature: Uint8Array): boolean =>
    options.verifySignature(spki, toBeSigned, signature);
  return verifySign1(sign1, { algorithm: ES256, verify }) ? null : "its signature does not verify";
}

function refuseGrowth(
  { claim: before, root }: Checkpoint,
  { claim: now, root: newer, consistency }: Checkpoint,
  sha256: Sha256,
): string | null {
  if (before.gateway !== now.gateway || before.log !== now.log) {
    return "it is of another gateway or log";
  }
  if (before.size === now.size) {
    return equalBytes(root, newer) ? null : `it has another root over the same ${now.size} entries`;
  }
  if (before.size > now.size) return `it is over ${before.size} entries, this one over ${now.size}`;
  if (consistency === null) return "no proof leads from it: the bundle has none";
  if (consistency.size1 !== before.size || consistency.size2 !== now.size) {
    return `it is over ${before.size} entries, and the proof leads from ${consistency.size1}`;
  }
  const grew = verifyConsistency(consistency, root, newer, sha256);
  return grew ? null : "the proof does not lead from it: this is not the log that it was";
}
