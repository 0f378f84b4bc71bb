import {
  DER_TAG as TAG,
  enter,
  enterOnly,
  isObject,
  take,
  whole,
  type DerInside as Inside,
  type DerValue,
} from "../der/read.js";

/** What a time stamp (RFC 3161 section 2.4.2) is over, and when it says that was there. */
export type TimeStamp = {
  /** SHA-256 that the authority was given. */
  readonly imprint: Uint8Array;
  /** UTC seconds, by the authority's word. */
  readonly utcS: number;
};

/** A whole TimeStampResp is never longer; one with its certificates takes some 5 kB. */
export const TIME_STAMP_BYTES_MAX: number = 32 * 1024;

/**
 * Reads a granted TimeStampResp over a SHA-256. Says nothing of who signed it. Null for anything else, also with bytes
 * behind it. Never throws.
 */
export function readTimeStamp(bytes: Uint8Array): TimeStamp | null {
  if (bytes.length > TIME_STAMP_BYTES_MAX) return null;
  const response = enter(whole(bytes), TAG.sequence);
  if (!isGranted(take(response))) return null;
  const content = enter(take(response), TAG.sequence);
  if (response?.length !== response?.at || !isObject(take(content), SIGNED_DATA)) return null;
  const signed = enter(enterOnly(take(content), TAG.context0), TAG.sequence);
  return readSigned(signed);
}

/** The last second of the year 9999: a leap second, or a day that its month does not have, may lead beyond. */
const UTC_S_MAX = 253_402_300_799;
/** Object identifiers as their content bytes, in hexadecimal. */
const SIGNED_DATA = "2a864886f70d010702";
const TST_INFO = "2a864886f70d0109100104";
const SHA256 = "608648016503040201";

/** PKIStatusInfo: granted, or granted with modifications. */
function isGranted(info: DerValue | null): boolean {
  const status = take(enter(info, TAG.sequence));
  return status?.tag === TAG.integer && status.value.length === 1 && (status.value[0] ?? 2) <= 1;
}

/** SignedData (RFC 5652 section 5.1) as far as its content. */
function readSigned(signed: Inside | null): TimeStamp | null {
  if (take(signed)?.tag !== TAG.integer || take(signed)?.tag !== TAG.set) return null;
  const inner = enter(take(signed), TAG.sequence);
  if (!isObject(take(inner), TST_INFO)) return null;
  const info = enterOnly(take(inner), TAG.context0);
  return info?.tag === TAG.octets ? readInfo(info.value) : null;
}

function readInfo(bytes: Uint8Array): TimeStamp | null {
  const info = enter(whole(bytes), TAG.sequence);
  if (take(info)?.tag !== TAG.integer || take(info)?.tag !== TAG.object) return null;
  const imprint = enter(take(info), TAG.sequence);
  if (!isObject(take(enter(take(imprint), TAG.sequence)), SHA256)) return null;
  const hash = take(imprint);
  if (hash?.tag !== TAG.octets || hash.value.length !== 32) return null;
  if (take(info)?.tag !== TAG.integer) return null;
  const at = take(info);
  const utcS = at?.tag === TAG.time ? readTime(at.value) : null;
  return utcS === null ? null : { imprint: hash.value, utcS };
}

/** GeneralizedTime in UTC, with or without a fraction; whole seconds of it. */
function readTime(bytes: Uint8Array): number | null {
  const text = String.fromCharCode(...bytes.subarray(0, 32));
  const form = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d{1,9})?Z$/;
  const found = form.exec(text);
  if (found === null) return null;
  const part = (place: number): number => Number(found[place]);
  const [year, month, day] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const isDay = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (!isDay || hour > 23 || minute > 59 || second > 60) return null;
  const utcS = daysTo(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
  return utcS <= UTC_S_MAX ? utcS : null;
}

/** Days since 1970-01-01 in the Gregorian calendar. */
function daysTo(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const ofEraDays = ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear;
  return era * 146_097 + ofEraDays - 719_468;
}
