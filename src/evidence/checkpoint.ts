import { encodeCbor } from "../codec/cbor/encode.js";
import {
  isCborList,
  isCborMap,
  type CborKey,
  type CborMap,
  type CborValue,
} from "../codec/cbor/value.js";
import { decodeSign1, encodeSign1, ES256, sigStructure, type Sign1 } from "../codec/cose/sign1.js";
import { decodeCbor, ITEMS_MAX } from "../codec/cbor/decode.js";
import { readCommitKey } from "./commit-key.js";
import type { ConsistencyProof } from "./merkle-proof.js";

/** What one signature says: this log had this root at this size (evidence.cddl section 3, cp-protected). */
export type CheckpointClaim = {
  /** SHA-256 of the signer's SPKI. */
  readonly kid: Uint8Array;
  readonly gateway: string;
  readonly log: string;
  readonly issuedUtcS: number;
  /** Signed here: RFC 9942 alone binds only the root, not the size. */
  readonly size: number;
  /** SHA-256 of the previous checkpoint's Sig_structure; zeros at first. */
  readonly previous: Uint8Array;
  readonly boot: number;
  /** Value of the TPM's orderly counter, raised for this checkpoint; null without a TPM. */
  readonly counter: number | null;
  /** COSE_Key of the key that signs commits from this checkpoint to the next; null: they are not signed. */
  readonly commitKey: Uint8Array | null;
  /**
   * SHA-256 of the newest time stamp (RFC 3161, the whole response) among these entries: the checkpoint was made after it.
   * Null, or left out: there is none.
   */
  readonly token?: Uint8Array | null;
};

export type Checkpoint = {
  readonly claim: CheckpointClaim;
  readonly root: Uint8Array;
  /** From the previous checkpoint; null at first, and where the writer could no longer make it. */
  readonly consistency: ConsistencyProof | null;
  readonly sign1: Sign1;
};

/** Bytes to sign, and what the message needs besides the signature. */
export type CheckpointDraft = {
  readonly protectedBytes: Uint8Array;
  readonly root: Uint8Array;
  readonly toBeSigned: Uint8Array;
};

export function draftCheckpoint(claim: CheckpointClaim, root: Uint8Array): CheckpointDraft {
  const headers = new Map<CborKey, CborValue>([
    [LABEL.algorithm, ES256],
    [LABEL.kid, claim.kid],
    [
      LABEL.claims,
      new Map<CborKey, CborValue>([
        [CLAIM.issuer, claim.gateway],
        [CLAIM.subject, claim.log],
        [CLAIM.issuedAt, claim.issuedUtcS],
      ]),
    ],
    [LABEL.type, TYPE],
    [LABEL.structure, RFC9162_SHA256],
    [LABEL.size, claim.size],
    [LABEL.previous, claim.previous],
    [LABEL.boot, claim.boot],
  ]);
  if (claim.counter !== null) headers.set(LABEL.counter, claim.counter);
  if (claim.commitKey !== null) headers.set(LABEL.commitKey, claim.commitKey);
  if (claim.token != null) headers.set(LABEL.token, claim.token);
  const protectedBytes = encodeCbor(headers);
  return { protectedBytes, root, toBeSigned: sigStructure(protectedBytes, root) };
}

/** Body of the checkpoint frame. `signature`: 64 bytes r || s. */
export function finishCheckpoint(
  draft: CheckpointDraft,
  signature: Uint8Array,
  consistency: ConsistencyProof | null,
): Uint8Array {
  return encodeSign1({
    protectedBytes: draft.protectedBytes,
    unprotectedHeaders: proofHeaders(consistency),
    payload: draft.root,
    signature,
  });
}

/** The same signed checkpoint with another proof, or with none: proofs are not signed. */
export function carryConsistency(
  { sign1 }: Checkpoint,
  consistency: ConsistencyProof | null,
): Uint8Array {
  return encodeSign1({ ...sign1, unprotectedHeaders: proofHeaders(consistency) });
}

export type CheckpointRead =
  | { readonly ok: true; readonly checkpoint: Checkpoint }
  | { readonly ok: false; readonly why: string };

/**
 * Reads a checkpoint frame's body; every header must be exactly the ones of this version. Nothing is
 * verified yet: the signature is over `sigStructure(sign1.protectedBytes, root)`.
 */
export function readCheckpoint(body: Uint8Array): CheckpointRead {
  const decoded = decodeSign1(body);
  if (!decoded.ok) return refuse(`not a COSE_Sign1 (${decoded.fault.code})`);
  const { sign1 } = decoded;
  const claim = readClaim(sign1.protectedHeaders);
  if (typeof claim === "string") return refuse(claim);
  if (sign1.payload?.length !== 32) return refuse("its payload is no root");
  if (sign1.signature.length !== 64) return refuse("its signature is not 64 bytes");
  const consistency = readProofs(sign1.unprotectedHeaders);
  if (typeof consistency === "string") return refuse(consistency);
  return { ok: true, checkpoint: { claim, root: sign1.payload, consistency, sign1 } };
}

const TYPE = "application/holdpoint-checkpoint+cose";
const RFC9162_SHA256 = 1;
/** COSE headers: RFC 9052 section 3.1, RFC 9597 (15), RFC 9596 (16), RFC 9942 (395, 396), and our own. */
const LABEL = {
  algorithm: 1,
  kid: 4,
  claims: 15,
  type: 16,
  structure: 395,
  proofs: 396,
  size: -70001,
  previous: -70002,
  boot: -70003,
  commitKey: -70004,
  token: -70005,
  counter: -70006,
} as const;
/** So many protected headers are in every checkpoint. */
const MUST = 8;
const CLAIM = { issuer: 1, subject: 2, issuedAt: 6 } as const;
const PROOF = { consistency: -2 } as const;

function refuse(why: string): CheckpointRead {
  return { ok: false, why };
}

function readClaim(headers: CborMap): CheckpointClaim | string {
  const optional = readOptional(headers);
  if (typeof optional === "string") return optional;
  if (headers.get(LABEL.algorithm) !== ES256) return "not ES256";
  if (headers.get(LABEL.type) !== TYPE) return "not a checkpoint by its type";
  if (headers.get(LABEL.structure) !== RFC9162_SHA256) return "not an RFC 9162 tree";
  const issued = readIssued(headers.get(LABEL.claims));
  if (issued === null) return "claims of another shape";
  const kid = headers.get(LABEL.kid);
  if (!isHash(kid)) return "no key id";
  const previous = headers.get(LABEL.previous);
  if (!isHash(previous)) return "no link to the checkpoint before";
  const size = readUint(headers, LABEL.size);
  if (size === null || size === 0) return "no tree size";
  const boot = readUint(headers, LABEL.boot);
  if (boot === null) return "no boot number";
  return { kid, ...issued, size, previous, boot, ...optional };
}

/** Those that may be there, and that nothing is there besides those that must. */
function readOptional(
  headers: CborMap,
): Required<Pick<CheckpointClaim, "counter" | "commitKey" | "token">> | string {
  const counter = headers.has(LABEL.counter) ? readUint(headers, LABEL.counter) : undefined;
  if (counter === null) return "a counter that is no number";
  const commitKey = headers.get(LABEL.commitKey);
  if (commitKey !== undefined && !isCommitKey(commitKey)) return "no Ed25519 commit key";
  const token = headers.get(LABEL.token);
  if (token !== undefined && !isHash(token)) return "a time token that is no hash";
  const count = [counter, commitKey, token].filter((value) => value !== undefined).length;
  if (headers.size !== MUST + count) return "protected headers of another version";
  return { counter: counter ?? null, commitKey: commitKey ?? null, token: token ?? null };
}

function isCommitKey(value: CborValue): value is Uint8Array {
  return value instanceof Uint8Array && readCommitKey(value) !== null;
}

function readIssued(
  claims: CborValue | undefined,
): Pick<CheckpointClaim, "gateway" | "log" | "issuedUtcS"> | null {
  if (claims === undefined || !isCborMap(claims) || claims.size !== 3) return null;
  const gateway = claims.get(CLAIM.issuer);
  const log = claims.get(CLAIM.subject);
  const issuedUtcS = readUint(claims, CLAIM.issuedAt);
  if (typeof gateway !== "string" || typeof log !== "string" || issuedUtcS === null) return null;
  return { gateway, log, issuedUtcS };
}

function readProofs(headers: CborMap): ConsistencyProof | null | string {
  if (headers.size === 0) return null;
  const proofs = headers.get(LABEL.proofs);
  if (headers.size !== 1 || proofs === undefined || !isCborMap(proofs) || proofs.size !== 1) {
    return "unprotected headers of another version";
  }
  const list = proofs.get(PROOF.consistency);
  if (list === undefined || !isCborList(list) || list.length !== 1)
    return "not one consistency proof";
  const [bytes] = list;
  if (!(bytes instanceof Uint8Array)) return "a consistency proof that is no byte string";
  return readConsistency(bytes) ?? "a consistency proof of another shape";
}

function proofHeaders(consistency: ConsistencyProof | null): CborMap {
  if (consistency === null) return new Map();
  const proofs = new Map<CborKey, CborValue>([
    [PROOF.consistency, [encodeConsistency(consistency)]],
  ]);
  return new Map([[LABEL.proofs, proofs]]);
}

/** [size1, size2, path] in deterministic CBOR. */
export function encodeConsistency(proof: ConsistencyProof): Uint8Array {
  return encodeCbor([proof.size1, proof.size2, proof.path]);
}

/** Exact inverse of {@link encodeConsistency}; null: anything else. Never throws. */
export function readConsistency(bytes: Uint8Array): ConsistencyProof | null {
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  if (!decoded.ok || !isCborList(decoded.value) || decoded.value.length !== 3) return null;
  const [size1, size2, list] = decoded.value;
  if (typeof size1 !== "number" || typeof size2 !== "number") return null;
  if (size1 < 0 || size2 < 0) return null;
  if (list === undefined || !isCborList(list) || list.length > 2 * 53) return null;
  const path: Uint8Array[] = [];
  for (const hash of list) {
    if (!isHash(hash)) return null;
    path.push(hash);
  }
  return { size1, size2, path };
}

function readUint(map: CborMap, label: number): number | null {
  const value = map.get(label);
  return typeof value === "number" && value >= 0 ? value : null;
}

function isHash(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 32;
}
