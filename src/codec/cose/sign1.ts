import { decodeCbor, ITEMS_MAX } from "../cbor/decode.js";
import { encodeCbor, putCbor } from "../cbor/encode.js";
import type { CborFault } from "../cbor/reader.js";
import { isCborList, isCborMap, type CborMap, type CborValue } from "../cbor/value.js";
import { CborWriter } from "../cbor/writer.js";

/** COSE algorithm numbers (RFC 9053 section 2). */
export const ES256 = -7;
export const EDDSA = -8;

/** Header labels (RFC 9052 section 3.1). */
const LABEL = { algorithm: 1, critical: 2 } as const;

export type Sign1 = {
  /** As they stand in the message: what is signed is bytes, never a re-encoding. Empty for an empty map. */
  readonly protectedBytes: Uint8Array;
  readonly protectedHeaders: CborMap;
  readonly unprotectedHeaders: CborMap;
  /** Null: detached, the verifier brings it. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
};

export type Sign1Fault =
  /** Not core-deterministic CBOR. */
  | { readonly code: "cbor"; readonly fault: CborFault }
  /** Not tag 18 around [bstr, map, bstr / nil, bstr]. */
  | { readonly code: "shape" }
  /** Protected headers that are no map, one label in both maps, or `crit`, which nobody here understands. */
  | { readonly code: "headers" };

export type Sign1Decoded =
  { readonly ok: true; readonly sign1: Sign1 } | { readonly ok: false; readonly fault: Sign1Fault };

/**
 * Sig_structure of COSE_Sign1 (RFC 9052 section 4.4): the bytes that are signed. An empty protected map
 * enters as h'' however it stands in the message.
 */
export function sigStructure(
  protectedBytes: Uint8Array,
  payload: Uint8Array,
  external: Uint8Array = EMPTY,
): Uint8Array {
  return encodeCbor(["Signature1", canonicalProtected(protectedBytes), external, payload]);
}

/** COSE_Sign1_Tagged (RFC 9052 section 4.2), unprotected map sorted. */
export function encodeSign1(sign1: Omit<Sign1, "protectedHeaders">): Uint8Array {
  const writer = new CborWriter(512);
  writer.tag(TAG);
  writer.array(4);
  writer.bytes(canonicalProtected(sign1.protectedBytes));
  putCbor(writer, sign1.unprotectedHeaders);
  if (sign1.payload === null) writer.null();
  else writer.bytes(sign1.payload);
  writer.bytes(sign1.signature);
  return writer.copy();
}

/** Strict: tag 18 must be there, unless the protocol around says what it is (`untagged`). */
export function decodeSign1(
  bytes: Uint8Array,
  form: "tagged" | "untagged" = "tagged",
): Sign1Decoded {
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  if (!decoded.ok) return { ok: false, fault: { code: "cbor", fault: decoded.fault } };
  const parts = form === "tagged" ? untag(decoded.value) : decoded.value;
  return isCborList(parts) && parts.length === 4 ? readParts(parts) : SHAPE;
}

export type Sign1Check = {
  /** The one algorithm the caller accepts, whatever the message says. */
  readonly algorithm: number;
  readonly verify: (toBeSigned: Uint8Array, signature: Uint8Array) => boolean;
  readonly external?: Uint8Array;
  /** For a detached payload. */
  readonly payload?: Uint8Array;
};

/** True only when the message names the demanded algorithm, has a payload, and `verify` says so. */
export function verifySign1(sign1: Sign1, check: Sign1Check): boolean {
  const algorithm =
    sign1.protectedHeaders.get(LABEL.algorithm) ?? sign1.unprotectedHeaders.get(LABEL.algorithm);
  const payload = sign1.payload ?? check.payload ?? null;
  if (algorithm !== check.algorithm || payload === null) return false;
  return check.verify(
    sigStructure(sign1.protectedBytes, payload, check.external ?? EMPTY),
    sign1.signature,
  );
}

const TAG = 18;
const EMPTY = new Uint8Array(0);
const SHAPE = { ok: false, fault: { code: "shape" } } as const;

function readParts(parts: readonly CborValue[]): Sign1Decoded {
  const [protectedBytes, unprotectedHeaders, payload, signature] = parts;
  if (!(protectedBytes instanceof Uint8Array) || !(signature instanceof Uint8Array)) return SHAPE;
  if (payload === undefined || !(payload === null || payload instanceof Uint8Array)) return SHAPE;
  if (unprotectedHeaders === undefined || !isCborMap(unprotectedHeaders)) return SHAPE;
  const protectedHeaders = readProtected(protectedBytes);
  if (protectedHeaders === null || !areSound(protectedHeaders, unprotectedHeaders)) {
    return { ok: false, fault: { code: "headers" } };
  }
  return {
    ok: true,
    sign1: { protectedBytes, protectedHeaders, unprotectedHeaders, payload, signature },
  };
}

function canonicalProtected(bytes: Uint8Array): Uint8Array {
  return bytes.length === 1 && bytes[0] === 0xa0 ? EMPTY : bytes;
}

function untag(value: CborValue): CborValue {
  if (typeof value !== "object" || value === null || !("tag" in value)) return null;
  return value.tag === TAG ? value.value : null;
}

function readProtected(bytes: Uint8Array): CborMap | null {
  if (bytes.length === 0) return new Map();
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  return decoded.ok && isCborMap(decoded.value) ? decoded.value : null;
}

/** RFC 9052 section 3: a label stands once; an unknown critical header means refusal. */
function areSound(protectedHeaders: CborMap, unprotectedHeaders: CborMap): boolean {
  if (protectedHeaders.has(LABEL.critical) || unprotectedHeaders.has(LABEL.critical)) return false;
  return [...protectedHeaders.keys()].every((label) => !unprotectedHeaders.has(label));
}
