import { CborReader } from "../codec/cbor/reader.js";
import { CborWriter } from "../codec/cbor/writer.js";
import { EDDSA, encodeSign1, sigStructure } from "../codec/cose/sign1.js";
import { equalBytes } from "./merkle-proof.js";

/**
 * Body of a commit frame (evidence.cddl section 3): the root of everything before it in the log, or the signature, by
 * the key of its interval, over the root that an earlier commit had.
 */
export type Commit = { readonly kind: "root"; readonly root: Uint8Array } | SignedCommit;

export type SignedCommit = {
  readonly kind: "signed";
  /** First 8 bytes of SHA-256 of the COSE_Key. */
  readonly keyId: Uint8Array;
  /** Entries under the root that is signed; above 0. The root itself is not in it. */
  readonly size: number;
  readonly protectedBytes: Uint8Array;
  /** Ed25519 over `commitSigned`: 64 bytes. */
  readonly signature: Uint8Array;
};

/** A root alone: 58 20 || root. */
export function encodeCommit(root: Uint8Array): Uint8Array {
  const writer = new CborWriter(34);
  writer.bytes(root);
  return writer.copy();
}

/** Null: neither a root nor a signed commit of this version. Nothing is verified yet. */
export function readCommit(body: Uint8Array): Commit | null {
  return body[0] === SIGN1 ? readSigned(body) : readRoot(body);
}

/** Protected headers of a signed commit, which are signed with the root. */
export function draftCommit(keyId: Uint8Array, size: number): Uint8Array {
  const writer = new CborWriter(48);
  writer.map(5);
  writer.uint(LABEL.algorithm);
  writer.int(EDDSA);
  writer.uint(LABEL.keyId);
  writer.bytes(keyId);
  writer.uint(LABEL.type);
  writer.text(TYPE);
  writer.uint(LABEL.structure);
  writer.uint(RFC9162_SHA256);
  writer.int(LABEL.size);
  writer.uint(size);
  return writer.copy();
}

/** The bytes that are signed. */
export function commitSigned(protectedBytes: Uint8Array, root: Uint8Array): Uint8Array {
  return sigStructure(protectedBytes, root);
}

/** Body of the frame. */
export function finishCommit(protectedBytes: Uint8Array, signature: Uint8Array): Uint8Array {
  return encodeSign1({
    protectedBytes,
    unprotectedHeaders: new Map(),
    payload: null,
    signature,
  });
}

/** Tag 18. */
const SIGN1 = 0xd2;
const TYPE = "hp-commit";
const RFC9162_SHA256 = 1;
/** COSE headers: RFC 9052 section 3.1, RFC 9596 (16), RFC 9942 (395), and our own. */
const LABEL = { algorithm: 1, keyId: 4, type: 16, structure: 395, size: -70001 } as const;

function readRoot(body: Uint8Array): Commit | null {
  const reader = new CborReader(body);
  const root = reader.bytes(32, 32);
  return reader.finish() ? { kind: "root", root } : null;
}

/** There is one form: what is read out of its places must give the same bytes again. */
function readSigned(body: Uint8Array): Commit | null {
  const protectedBytes = body.slice(PROTECTED_AT, PROTECTED_AT + (body[PROTECTED_AT - 1] ?? 0));
  const keyId = protectedBytes.slice(KEY_ID_AT, KEY_ID_AT + 8);
  const reader = new CborReader(protectedBytes, SIZE_AT);
  const size = reader.uint();
  if (!reader.finish() || keyId.length !== 8 || size === 0) return null;
  const signature = body.slice(-64);
  const draft = draftCommit(keyId, size);
  if (!equalBytes(finishCommit(draft, signature), body)) return null;
  return { kind: "signed", keyId, size, protectedBytes, signature };
}

/** d2 84 58 LL, then the headers: in these the key id behind a5 01 27 04 48, the size at the end. */
const PROTECTED_AT = 4;
const KEY_ID_AT = 5;
const SIZE_AT = 33;
