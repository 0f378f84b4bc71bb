import { decodeCbor, ITEMS_MAX } from "../codec/cbor/decode.js";
import { encodeCbor } from "../codec/cbor/encode.js";
import {
  isCborList,
  isCborMap,
  type CborKey,
  type CborMap,
  type CborValue,
} from "../codec/cbor/value.js";
import type { InclusionProof } from "./merkle-proof.js";
import { WHOLE_BYTES_MAX } from "./parts.js";

/** What says whose key signed (evidence.cddl section 4, key-bundle). */
export type KeyBundle = {
  /** SubjectPublicKeyInfo (DER) of the checkpoint key. */
  readonly spki: Uint8Array;
  /** Its certificates, and those of the endorsement key (DER); empty: not there. */
  readonly certificates: readonly Uint8Array[];
  readonly endorsement: readonly Uint8Array[];
  readonly attestation: KeyAttestation | null;
  /** Entries it may stand for, both ends among them. */
  readonly validSeq: { readonly from: number; readonly to: number } | null;
  /** True: it says itself that no hardware TPM is behind it. */
  readonly software: boolean;
};

export type KeyAttestation = {
  /** Public part of the attestation key. */
  readonly attester: Uint8Array;
  readonly certifyInfo: Uint8Array;
  readonly signature: Uint8Array;
  /** TPMT_PUBLIC of the checkpoint key. */
  readonly certified: Uint8Array;
};

export type BundleItem = {
  /** Exact bytes of the entry: the Merkle leaf. */
  readonly entry: Uint8Array;
  readonly proof: InclusionProof;
};

/** One checkpoint and the entries that it is asked to prove (evidence.cddl section 4, proof-bundle). */
export type ProofBundle = {
  /** COSE_Sign1 as in the log: one signature for all of it. */
  readonly checkpoint: Uint8Array;
  readonly items: readonly BundleItem[];
  readonly key: KeyBundle;
  /** Outside evidence over the checkpoint; empty: not there. */
  readonly outside: readonly Uint8Array[];
  /** Exact bytes of the profile, and its detached signatures. */
  readonly profile: Uint8Array | null;
  readonly profileSignatures: readonly Uint8Array[];
};

/** A longer file is no bundle. */
export const BUNDLE_BYTES_MAX: number = 4 * WHOLE_BYTES_MAX;

/** Deterministic CBOR; optional fields are left out where they are empty. */
export function encodeBundle(bundle: ProofBundle): Uint8Array {
  const value = new Map<CborKey, CborValue>([
    [FIELD.version, VERSION],
    [FIELD.checkpoint, bundle.checkpoint],
    [FIELD.items, bundle.items.map(({ entry, proof }) => [entry, encodeInclusion(proof)])],
    [FIELD.key, keyValue(bundle.key)],
  ]);
  if (bundle.outside.length > 0) value.set(FIELD.outside, bundle.outside);
  if (bundle.profile !== null) value.set(FIELD.profile, bundle.profile);
  if (bundle.profileSignatures.length > 0) {
    value.set(FIELD.profileSignatures, bundle.profileSignatures);
  }
  return encodeCbor({ tag: SELF_DESCRIBED, value });
}

export type BundleRead =
  | { readonly ok: true; readonly bundle: ProofBundle }
  | { readonly ok: false; readonly why: string };

/**
 * Exact inverse of {@link encodeBundle}: every field must be one of this version, in its one form. Hostile
 * input is expected: never throws. Nothing is proved yet.
 */
export function decodeBundle(bytes: Uint8Array): BundleRead {
  if (bytes.length > BUNDLE_BYTES_MAX) return refuse("it is too long to be a bundle");
  if (!isBundle(bytes)) return refuse(NO_BUNDLE);
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  if (!decoded.ok) return refuse("it is not one item of canonical CBOR");
  const { value } = decoded;
  if (typeof value !== "object" || value === null || !("tag" in value)) return refuse(NO_BUNDLE);
  return isCborMap(value.value) ? readFields(value.value) : refuse(NO_BUNDLE);
}

/** It begins as one; more is not known yet. */
export function isBundle(bytes: Uint8Array): boolean {
  return MARK.every((byte, i) => bytes[i] === byte);
}

/** A key bundle alone, as a gateway keeps it for its exports. */
export function encodeKeyBundle(key: KeyBundle): Uint8Array {
  return encodeCbor(keyValue(key));
}

/** Null: it is no key bundle of this version in its one form. Never throws. */
export function decodeKeyBundle(bytes: Uint8Array): KeyBundle | null {
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  return decoded.ok ? readKey(decoded.value) : null;
}

export function encodeInclusion(proof: InclusionProof): Uint8Array {
  return encodeCbor([proof.size, proof.index, proof.path]);
}

/** Null: not [size, index, [hashes]] in its one form. */
export function readInclusion(bytes: Uint8Array): InclusionProof | null {
  const decoded = decodeCbor(bytes, ITEMS_MAX);
  if (!decoded.ok || !isCborList(decoded.value) || decoded.value.length !== 3) return null;
  const [size, index, list] = decoded.value;
  if (!isUint(size) || !isUint(index)) return null;
  if (list === undefined || !isCborList(list) || list.length > PATH_MAX) return null;
  const path = list.filter(isBytes).filter(({ length }) => length === HASH_BYTES);
  return path.length === list.length ? { size, index, path } : null;
}

const VERSION = "holdpoint-proof/1";
/** RFC 8949 section 3.4.6. */
const SELF_DESCRIBED = 55_799;
const MARK = [0xd9, 0xd9, 0xf7];
const FIELD = {
  version: 0,
  checkpoint: 1,
  items: 2,
  key: 3,
  outside: 4,
  profile: 5,
  profileSignatures: 6,
} as const;
const KEY = {
  spki: 1,
  certificates: 2,
  endorsement: 3,
  attestation: 4,
  validSeq: 5,
  software: 6,
} as const;
const SOFTWARE = "software";
const NO_BUNDLE = "it is no proof bundle of this version";
const HASH_BYTES = 32;
/** No tree of safe size is higher. */
const PATH_MAX = 53;

function refuse(why: string): BundleRead {
  return { ok: false, why };
}

function readFields(fields: CborMap): BundleRead {
  if (fields.get(FIELD.version) !== VERSION) return refuse(NO_BUNDLE);
  if (!hasOnly(fields, Object.values(FIELD))) return refuse("it has a field of another version");
  const checkpoint = fields.get(FIELD.checkpoint);
  const items = readItems(fields.get(FIELD.items));
  const key = readKey(fields.get(FIELD.key));
  const profile = readOptional(fields.get(FIELD.profile));
  const outside = readList(fields, FIELD.outside);
  const profileSignatures = readList(fields, FIELD.profileSignatures);
  if (!(checkpoint instanceof Uint8Array)) return refuse("it has no checkpoint");
  if (items === null) return refuse("it has no entries with their paths");
  if (key === null) return refuse("it has no key of this version");
  if (profile === undefined) return refuse("its profile is no bytes");
  if (outside === null || profileSignatures === null)
    return refuse("it has an empty or wrong list");
  return { ok: true, bundle: { checkpoint, items, key, outside, profile, profileSignatures } };
}

function keyValue(key: KeyBundle): CborMap {
  const value = new Map<CborKey, CborValue>([[KEY.spki, key.spki]]);
  if (key.certificates.length > 0) value.set(KEY.certificates, key.certificates);
  if (key.endorsement.length > 0) value.set(KEY.endorsement, key.endorsement);
  if (key.attestation !== null) {
    const { attester, certifyInfo, signature, certified } = key.attestation;
    const parts = [attester, certifyInfo, signature, certified];
    value.set(KEY.attestation, new Map(parts.map((part, i) => [i + 1, part])));
  }
  if (key.validSeq !== null) value.set(KEY.validSeq, [key.validSeq.from, key.validSeq.to]);
  if (key.software) value.set(KEY.software, SOFTWARE);
  return value;
}

function readKey(value: CborValue | undefined): KeyBundle | null {
  if (value === undefined || !isCborMap(value)) return null;
  if (!hasOnly(value, Object.values(KEY))) return null;
  const spki = value.get(KEY.spki);
  const certificates = readList(value, KEY.certificates);
  const endorsement = readList(value, KEY.endorsement);
  const attestation = readAttestation(value.get(KEY.attestation));
  const validSeq = readRange(value.get(KEY.validSeq));
  const software = value.get(KEY.software);
  if (!(spki instanceof Uint8Array) || certificates === null || endorsement === null) return null;
  if (attestation === undefined || validSeq === undefined) return null;
  if (software !== undefined && software !== SOFTWARE) return null;
  const isSoftware = software === SOFTWARE;
  return { spki, certificates, endorsement, attestation, validSeq, software: isSoftware };
}

/** Null: not there; undefined: there, and no bytes (null is a value too). */
function readOptional(value: CborValue | undefined): Uint8Array | null | undefined {
  if (value === undefined) return null;
  return value instanceof Uint8Array ? value : undefined;
}

/** Undefined: there, and wrong. */
function readAttestation(value: CborValue | undefined): KeyAttestation | null | undefined {
  if (value === undefined) return null;
  if (!isCborMap(value) || value.size !== 4) return undefined;
  const [attester, certifyInfo, signature, certified] = [1, 2, 3, 4].map((key) => value.get(key));
  if (!(attester instanceof Uint8Array) || !(certifyInfo instanceof Uint8Array)) return undefined;
  if (!(signature instanceof Uint8Array) || !(certified instanceof Uint8Array)) return undefined;
  return { attester, certifyInfo, signature, certified };
}

/** Undefined: there, and wrong. */
function readRange(value: CborValue | undefined): KeyBundle["validSeq"] | undefined {
  if (value === undefined) return null;
  if (!isCborList(value) || value.length !== 2) return undefined;
  const [from, to] = value;
  return isUint(from) && isUint(to) && from <= to ? { from, to } : undefined;
}

function readItems(value: CborValue | undefined): readonly BundleItem[] | null {
  if (value === undefined || !isCborList(value) || value.length === 0) return null;
  const items: BundleItem[] = [];
  for (const pair of value) {
    if (!isCborList(pair) || pair.length !== 2) return null;
    const [entry, bytes] = pair;
    if (!(entry instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return null;
    const proof = readInclusion(bytes);
    if (proof === null) return null;
    items.push({ entry, proof });
  }
  return items;
}

/** Byte strings, at least one; empty: the field is not there; null: it is something else. */
function readList(fields: CborMap, field: number): readonly Uint8Array[] | null {
  const value = fields.get(field);
  if (value === undefined) return [];
  if (!isCborList(value) || value.length === 0) return null;
  const list = value.filter(isBytes);
  return list.length === value.length ? list : null;
}

function hasOnly(map: CborMap, keys: readonly CborKey[]): boolean {
  return [...map.keys()].every((key) => keys.includes(key));
}

function isBytes(value: CborValue): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isUint(value: CborValue | undefined): value is number {
  return typeof value === "number" && value >= 0;
}
