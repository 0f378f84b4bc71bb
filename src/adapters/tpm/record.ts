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
};

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

/** The file's bytes: one deterministic CBOR array. */
export function encodeRecord(record: TpmRecord): Uint8Array {
  const { place, kind, chip, rootName, evidence, attestation, counters, firsts } = record;
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
  ]);
}

/** Null for anything but exactly one record of this version, with the gateway's own handles and indices. */
export function decodeRecord(bytes: Uint8Array): TpmRecord | null {
  const from = new FrameReader(bytes, 0, bytes.length);
  const right =
    from.array(11) === 11 && from.text(32) === RECORD_TITLE && from.uint(255) === VERSION;
  const place = right ? parsePlace(from.text(PLACE_CHARS_MAX)) : null;
  const kind = from.uint(1) === 0 ? "tpm" : "tpm-software";
  from.exactly(3);
  const chip = { manufacturer: from.text(16), vendor: from.text(16), firmware: from.text(16) };
  const rootName = from.blob(SIZE.name, SIZE.name);
  const evidence = takeKey(from, "evidenceKey");
  const attestation = takeKey(from, "attestationKey");
  const checkpoint = takeAuthOf(from, COUNTER_INDEX.checkpoint);
  const anchor = takeAuthOf(from, COUNTER_INDEX.anchor);
  from.exactly(2);
  const firsts = { checkpoint: from.uint(COUNT_MAX), anchor: from.uint(COUNT_MAX) };
  if (place === null || evidence === null || attestation === null) return null;
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

/**
 * A chip's own word on who made it, which only the certificate of its endorsement key would prove. What is none of the
 * makers of chips in the TCG's list of vendors counts as software, as does whatever is not a device.
 */
export function kindOf(place: TpmPlace, chip: TpmChip): TpmRecord["kind"] {
  const isChip = place.kind === "device" && CHIP_MAKERS.has(chip.manufacturer);
  return isChip && !/\bSW\b/.test(chip.vendor) ? "tpm" : "tpm-software";
}

const RECORD_TITLE = "holdpoint-tpm-record";
const PLAN_TITLE = "holdpoint-tpm-plan";
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

function takeKey(from: FrameReader, name: KeyName): RecordedKey | null {
  if (from.array(4) !== 4) return null;
  const handle = from.uint(0xffff_ffff);
  const key = { handle, name: from.blob(SIZE.name, SIZE.name) };
  const spki = from.blob(1, SPKI_BYTES_MAX);
  const auth = takeAuth(from);
  return handle === TPM_OBJECTS[name].handle ? { key, spki, auth } : null;
}

function takeAuthOf(from: FrameReader, index: number): Uint8Array | null {
  if (from.array(2) !== 2) return null;
  return from.uint(0xffff_ffff) === index ? takeAuth(from) : null;
}

function takeAuth(from: FrameReader): Uint8Array {
  return from.blob(AUTH_BYTES, AUTH_BYTES);
}
