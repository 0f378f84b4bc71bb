import { readTimeStamp } from "../codec/rfc3161/time-stamp.js";
import { HIERARCHY } from "../codec/tpm2/constant.js";
import { readCounterAttest, type CounterAttest } from "../codec/tpm2/counter-attest.js";
import { nameOf, qualifiedNameOf } from "../codec/tpm2/name.js";
import { anchorCounterName } from "../codec/tpm2/nv-public.js";
import { parsePublic } from "../codec/tpm2/public-area.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import type { AnchorBody } from "../kernel/record/entry.js";
import type { KeyBundle, ProofBundle } from "./bundle.js";
import type { BundleFindings } from "./bundle-findings.js";
import type { Checkpoint } from "./checkpoint.js";
import type { Sha256 } from "./frame.js";
import { equalBytes } from "./merkle-proof.js";
import { bytesInLog, readOutside } from "./outside.js";
import { utcWord } from "./utc-word.js";
import type { VerifySignature } from "./verify-checkpoints.js";

/**
 * True: an authority that the reader named signed this time stamp (TimeStampResp), at the time it names. Null: there is no
 * `openssl` to ask.
 */
export type IsStamped = (token: Uint8Array) => boolean | null;

type By = {
  readonly findings: BundleFindings;
  readonly options: {
    readonly sha256: Sha256;
    readonly verifySignature: VerifySignature;
    /** Null: no authority was named, or nobody here can ask. */
    readonly isStamped?: IsStamped | null;
  };
};

/**
 * Outside evidence in a bundle (ADR 0019). A TPM's anchor counts only under the restricted key of the key bundle, over the
 * exact bytes that this checkpoint has in the log; a time stamp over the same bytes, by an authority that was named.
 * Who signed is asked only of what is over this checkpoint: nothing is said for what is over something else.
 */
export function checkOutside(bundle: ProofBundle, checkpoint: Checkpoint | null, by: By): void {
  const { findings, options } = by;
  if (bundle.outside.length === 0) return;
  const outside = readOutside(bundle.outside);
  if (outside === null) {
    findings.look("outside", "it is not in the form of this version");
    return;
  }
  const { proof, anchors } = outside;
  if (checkpoint === null) {
    findings.look("outside", "there is no checkpoint that it could be over");
    return;
  }
  const { size } = checkpoint.claim;
  const isOwn = proof === null || (proof.size2 === size && proof.size1 < size);
  if (!isOwn) {
    const why = `the checkpoint's proof in the log leads from ${proof.size1} entries to ${proof.size2}`;
    findings.look("outside", `${why}, ${size} are signed`);
  }
  const hash = options.sha256(bytesInLog(checkpoint, outside));
  const words: string[] = [];
  for (const anchor of anchors) {
    const fault = findFault(anchor, { size, hash }, options.sha256);
    findings.look("outside", fault);
    if (fault !== null || !isOwn) continue;
    const word = describe(anchor);
    if (word !== null) words.push(word);
    if (anchor.kind === "nv-certify") checkSigner(anchor, bundle.key, by);
    if (anchor.kind === "rfc3161") checkAuthority(anchor, by);
  }
  if (words.length > 0) findings.note("outside", words.join(", "));
}

/**
 * What is wrong with an anchor that is to be over the checkpoint of so many entries whose frame has this SHA-256; null:
 * nothing. Who signed it is another question.
 */
export function findFault(
  { kind, token, size, signature }: AnchorBody,
  over: { readonly size: number; readonly hash: Uint8Array },
  sha256: Sha256,
): string | null {
  if (kind !== "nv-certify" && kind !== "rfc3161") {
    return `evidence of kind ${kind}: this version cannot check it`;
  }
  if (size !== over.size) {
    return `it is over a checkpoint of ${size} entries, this one is over ${over.size}`;
  }
  if (kind === "rfc3161") {
    const stamp = readTimeStamp(token);
    if (stamp === null) return "it is no granted time stamp of RFC 3161";
    if (signature !== null) return "a time stamp brings its own signature, here is one more";
    return equalBytes(stamp.imprint, over.hash)
      ? null
      : "the time stamp is over another checkpoint";
  }
  const attest = readCounterAttest(token);
  if (attest === null) return "it is no attest of a TPM about a whole counter";
  if (!equalBytes(attest.indexName, anchorCounterName(sha256))) {
    return "the anchor is about another counter than that of anchors";
  }
  return equalBytes(attest.qualifying, over.hash) ? null : "the anchor is over another checkpoint";
}

function describe({ kind, token }: AnchorBody): string | null {
  if (kind === "nv-certify") {
    const attest = readCounterAttest(token);
    return attest === null ? null : `its TPM's counter of anchors stood at ${attest.value}`;
  }
  const stamp = kind === "rfc3161" ? readTimeStamp(token) : null;
  return stamp === null ? null : `a time stamp says ${utcWord(stamp.utcS)}`;
}

function checkSigner(anchor: AnchorBody, key: KeyBundle, { findings, options }: By): void {
  const { token, signature } = anchor;
  const attest = readCounterAttest(token);
  const isSignedBy = (spki: Uint8Array): boolean =>
    signature !== null && options.verifySignature(spki, token, signature);
  if (signature?.length !== SIGNATURE_BYTES) {
    findings.look("anchor", "it has no signature of 64 bytes");
  } else if (isSignedBy(key.spki)) {
    const why = "it is signed by the key of checkpoints: only a restricted key's attest counts";
    findings.look("anchor", why);
  } else if (key.attestation === null) {
    findings.note("anchor", "no attestation key is here, so that nobody can say whose it is");
  } else {
    const { attester } = key.attestation;
    const why = findSigner(attester, attest, { isSignedBy, sha256: options.sha256 });
    findings.look("anchor", why);
  }
}

const SIGNATURE_BYTES = 64;

function findSigner(
  attester: Uint8Array,
  attest: CounterAttest | null,
  {
    isSignedBy,
    sha256,
  }: { readonly isSignedBy: (spki: Uint8Array) => boolean } & {
    readonly sha256: Sha256;
  },
): string | null {
  const area = parsePublic(attester);
  if (!area.ok) return "the attestation key is no P-256 key of a TPM";
  if (!isSignedBy(spkiOf(area.value))) return "the attestation key that is here did not sign it";
  const own = qualifiedNameOf(nameOf(attester, sha256), HIERARCHY.endorsement, sha256);
  if (attest === null || equalBytes(attest.qualifiedSigner, own)) return null;
  return "it names another signer than this key of the endorsement hierarchy";
}

function checkAuthority({ token }: AnchorBody, { findings, options }: By): void {
  if (options.isStamped == null) {
    findings.note("stamp", "no time authority was named (--time-authority)");
    return;
  }
  findings.look("stamp", sayUnsigned(options.isStamped(token)));
}

/** What is wrong with who signed a time stamp, by the answer of {@link IsStamped}; null: nothing. */
export function sayUnsigned(signed: boolean | null): string | null {
  if (signed === null) return "openssl is missing, which alone can say who signed it";
  return signed ? null : "no authority that you named signed it";
}
