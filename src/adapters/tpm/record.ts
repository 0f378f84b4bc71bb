import { encodeCbor } from "../../codec/cbor/encode.js";
import type { CborValue } from "../../codec/cbor/value.js";
import { FrameReader } from "../../codec/door/wire.js";
import { SIZE } from "../../codec/tpm2/constant.js";
import { COUNTER_INDEX } from "../../codec/tpm2/nv-public.js";
import { TPM_OBJECTS } from "../../codec/tpm2/public-area.js";
import { spkiOf } from "../../codec/tpm2/spki.js";
import type { TpmChip } from "./chip.js";
import type { TpmCounter } from "./counters.js";
import type { KeyUse, TpmKey } from "./keys.js";
import type { KeyName } from "./message.js";
import { parsePlace, PLACE_CHARS_MAX, placeText, type TpmPlace } from "./place.js";

/** What provisioning found and made, and the values that let one use it: secret. */
export type TpmRecord = {
  readonly place: TpmPlace;
  /** `tpm-software` unless the chip says that a known maker of chips made it. */
  readonly kind: "tpm" | "tpm-software";
  readonly chip: TpmChip;
  /** Name of the storage root, which sessions are salted to. */
  readonly rootName: Uint8Array;
  readonly evidence: RecordedKey;
  readonly attestation: RecordedKey;
  readonly counters: TpmCounters;
  /** What the counters stood at when they were made: a log that begins later than here has lost its beginning. */
  readonly firsts: CounterFirsts;
  /** What `key rotate` has begun, and what the last rotation left; absent: the key was never rotated. */
  readonly rotation?: Rotation;
};

export type Rotation = {
  /**
   * Made to take over from `evidence`, and waiting for a gateway to do so. `givenUp`: the key that signs now cannot vouch
   * for it any more, by the word of a person.
   */
  readonly next: (RecordedKey & { readonly givenUp: boolean }) | null;
  /** The key that signed before `evidence`. Its value is forgotten: it is still in the TPM, and nobody can use it. */
  readonly before: FormerKey | null;
};

export type FormerKey = Omit<RecordedKey, "auth">;

export type CounterFirsts = Readonly<Record<keyof TpmCounters, number>>;

export type RecordedKey = KeyUse & {
  /** DER. */
  readonly spki: Uint8Array;
};

/** `checkpoint` is orderly and raised with each checkpoint, `anchor` is in flash and raised with each anchor. */
export type TpmCounters = { readonly checkpoint: TpmCounter; readonly anchor: TpmCounter };

/** One authorisation value of 32 random bytes for each object that has one. */
export type TpmAuths = Readonly<Record<"evidence" | "attestation" | keyof TpmCounters, Uint8Array>>;

export function countersOf(auths: TpmAuths): TpmCounters {
  return {
    checkpoint: { index: COUNTER_INDEX.checkpoint, kind: "orderly", auth: auths.checkpoint },
    anchor: { index: COUNTER_INDEX.anchor, kind: "flash", auth: auths.anchor },
  };
}

export function recordKey(key: TpmKey, auth: Uint8Array): RecordedKey {
  return { key: { handle: key.handle, name: key.name }, auth, spki: spkiOf(key.area) };
}

/** What stands at the handle of this key. */
export function nameAt({ key }: FormerKey): KeyName {
  return NAMES.find((name) => TPM_OBJECTS[name].handle === key.handle) ?? "evidenceKey";
}

/** The place that an evidence key leaves free. */
export function otherPlace(evidence: FormerKey): "evidenceKey" | "otherEvidenceKey" {
  return nameAt(evidence) === "evidenceKey" ? "otherEvidenceKey" : "evidenceKey";
}

/** The file's bytes: one deterministic CBOR array. */
export function encodeRecord(record: TpmRecord): Uint8Array {
  const { place, kind, chip, rootName, evidence, attestation, counters, firsts } = record;
  const { rotation } = record;
  return encodeCbor([
    RECORD_TITLE,
    VERSION,
    placeText(place),
    KINDS.indexOf(kind),
    [chip.manufacturer, chip.vendor, chip.firmware],
    rootName,
    keyItems(evidence),
    keyItems(attestation),
    counterItems(counters.checkpoint),
    counterItems(counters.anchor),
    [firsts.checkpoint, firsts.anchor],
    ...(rotation === undefined ? [] : [rotationItems(rotation)]),
  ]);
}

/** Null for anything but exactly one record of this version, with the gateway's own handles and indices. */
export function decodeRecord(bytes: Uint8Array): TpmRecord | null {
  const from = new FrameReader(bytes, 0, bytes.length);
  const items = from.array(12);
  const right = items >= 11 && from.text(32) === RECORD_TITLE && from.uint(255) === VERSION;
  const place = right ? parsePlace(from.text(PLACE_CHARS_MAX)) : null;
  const kind = from.uint(1) === 0 ? "tpm" : "tpm-software";
  from.exactly(3);
  const chip = { manufacturer: from.text(16), vendor: from.text(16), firmware: from.text(16) };
  const rootName = from.blob(SIZE.name, SIZE.name);
  const evidence = takeKey(from, EVIDENCE_PLACES);
  const attestation = takeKey(from, ["attestationKey"]);
  const checkpoint = takeAuthOf(from, COUNTER_INDEX.checkpoint);
  const anchor = takeAuthOf(from, COUNTER_INDEX.anchor);
  from.exactly(2);
  const firsts = { checkpoint: from.uint(COUNT_MAX), anchor: from.uint(COUNT_MAX) };
  if (place === null || evidence === null || attestation === null) return null;
  const rotation = items === 12 ? takeRotation(from, evidence) : neverRotated(evidence);
  if (rotation === null) return null;
  if (!from.complete() || checkpoint === null || anchor === null) return null;
  const auths = { evidence: evidence.auth, attestation: attestation.auth, checkpoint, anchor };
  return {
    place,
    kind,
    chip,
    rootName,
    evidence,
    attestation,
    counters: countersOf(auths),
    firsts,
    ...rotation,
  };
}

/** What is to be made, written down before it is: after a crash the same values open what was made. */
export function encodePlan(auths: TpmAuths): Uint8Array {
  const { evidence, attestation, checkpoint, anchor } = auths;
  return encodeCbor([PLAN_TITLE, VERSION, evidence, attestation, checkpoint, anchor]);
}

export function decodePlan(bytes: Uint8Array): TpmAuths | null {
  const from = new FrameReader(bytes, 0, bytes.length);
  const right = from.array(6) === 6 && from.text(32) === PLAN_TITLE && from.uint(255) === VERSION;
  const [evidence, attestation] = [takeAuth(from), takeAuth(from)];
  const [checkpoint, anchor] = [takeAuth(from), takeAuth(from)];
  if (!from.complete() || !right) return null;
  return { evidence, attestation, checkpoint, anchor };
}

/** The value of a key that is to take over, written down before it is made. */
export function encodeNextPlan(auth: Uint8Array): Uint8Array {
  return encodeCbor([NEXT_TITLE, VERSION, auth]);
}

export function decodeNextPlan(bytes: Uint8Array): Uint8Array | null {
  const from = new FrameReader(bytes, 0, bytes.length);
  const right = from.array(3) === 3 && from.text(32) === NEXT_TITLE && from.uint(255) === VERSION;
  const auth = takeAuth(from);
  return from.complete() && right ? auth : null;
}

/**
 * A chip's own word on who made it, which only the certificate of its endorsement key would prove. What is none of the
 * makers of chips in the TCG's list of vendors counts as software, as does whatever is not a device.
 */
export function kindOf(place: TpmPlace, chip: TpmChip): TpmRecord["kind"] {
  const isChip = place.kind === "device" && CHIP_MAKERS.has(chip.manufacturer);
  return isChip && !/\bSW\b/.test(chip.vendor) ? "tpm" : "tpm-software";
}

const EVIDENCE_PLACES = ["evidenceKey", "otherEvidenceKey"] as const;
const NAMES: readonly KeyName[] = [...EVIDENCE_PLACES, "attestationKey"];
const RECORD_TITLE = "holdpoint-tpm-record";
const PLAN_TITLE = "holdpoint-tpm-plan";
const NEXT_TITLE = "holdpoint-tpm-next";
const VERSION = 1;
const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const AUTH_BYTES = 32;
const SPKI_BYTES_MAX = 128;
const KINDS: readonly TpmRecord["kind"][] = ["tpm", "tpm-software"];

/** TCG Vendor ID Registry, those that make chips or firmware TPMs in them. */
const CHIP_MAKERS: ReadonlySet<string> = new Set([
  ...["AMD", "ATML", "BRCM", "CSCO", "FLYS", "HISI", "IFX", "INTC", "NSM", "NTC", "NTZ", "NSG"],
  ...["QCOM", "ROCC", "SEAL", "SECE", "SMSC", "SMSN", "SNS", "STM", "TXN", "WEC"],
]);

function keyItems({ key, auth, spki }: RecordedKey): CborValue {
  return [key.handle, key.name, spki, auth];
}

function counterItems({ index, auth }: TpmCounter): CborValue {
  return [index, auth];
}

function rotationItems({ next, before }: Rotation): CborValue {
  return [
    next === null ? [] : [next.givenUp ? 1 : 0, keyItems(next)],
    before === null ? [] : [before.key.handle, before.key.name, before.spki],
  ];
}

/** Null: no rotation of this evidence key. A new key never stands where it stands. */
function takeRotation(
  from: FrameReader,
  evidence: RecordedKey,
): Pick<TpmRecord, "rotation"> | null {
  if (from.array(2) !== 2) return null;
  const free = otherPlace(evidence);
  let next: Rotation["next"] = null;
  const nextItems = from.array(2);
  if (nextItems === 2) {
    const givenUp = from.uint(1) === 1;
    const key = takeKey(from, [free]);
    if (key === null) return null;
    next = { ...key, givenUp };
  } else if (nextItems !== 0) return null;
  const beforeItems = from.array(3);
  if (beforeItems === 0) return next === null ? null : { rotation: { next, before: null } };
  const handle = from.uint(0xffff_ffff);
  const key = { handle, name: from.blob(SIZE.name, SIZE.name) };
  const spki = from.blob(1, SPKI_BYTES_MAX);
  const isRight = beforeItems === 3 && handle === TPM_OBJECTS[free].handle;
  return isRight ? { rotation: { next, before: { key, spki } } } : null;
}

/** A key at the other place came there by a rotation. */
function neverRotated(evidence: RecordedKey): Pick<TpmRecord, "rotation"> | null {
  return nameAt(evidence) === "evidenceKey" ? {} : null;
}

function takeKey(from: FrameReader, places: readonly KeyName[]): RecordedKey | null {
  if (from.array(4) !== 4) return null;
  const handle = from.uint(0xffff_ffff);
  const key = { handle, name: from.blob(SIZE.name, SIZE.name) };
  const spki = from.blob(1, SPKI_BYTES_MAX);
  const auth = takeAuth(from);
  const isThere = places.some((name) => TPM_OBJECTS[name].handle === handle);
  return isThere ? { key, spki, auth } : null;
}

function takeAuthOf(from: FrameReader, index: number): Uint8Array | null {
  if (from.array(2) !== 2) return null;
  return from.uint(0xffff_ffff) === index ? takeAuth(from) : null;
}

function takeAuth(from: FrameReader): Uint8Array {
  return from.blob(AUTH_BYTES, AUTH_BYTES);
}
