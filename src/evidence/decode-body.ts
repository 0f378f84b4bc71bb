import { ITEMS_MAX, takeCbor } from "../codec/cbor/decode.js";
import { MAJOR, type CborReader } from "../codec/cbor/reader.js";
import { isCborMap } from "../codec/cbor/value.js";
import {
  DEVICE_EVENTS,
  LEASE_EVENTS,
  PROFILE_EVENTS,
  SAFE_STEP_STATES,
  TRIP_EVENTS,
  type ENTRY_TYPES,
  type AnchorBody,
  type BootBody,
  type DeviceBody,
  type EntryBody,
  type FloodBody,
  type KeyBody,
  type LeaseBody,
  type ModeBody,
  type NoticeBody,
  type NoticeValue,
  type OperatorActBody,
  type ProfileBody,
  type SafeStepBody,
  type SiteBody,
  type SnapshotBody,
  type TripBody,
} from "../kernel/record/entry.js";
import { MODES } from "../kernel/record/look.js";
import { takeDecision, takeOutcome } from "./decode-decision.js";
import {
  takeBytesOrNull,
  takeHash,
  takeHashOrNull,
  takeList,
  takeLook,
  takeNumberOrNull,
  takeText,
  takeUintOrNull,
  takeWhole,
  takeWord,
} from "./decode-parts.js";
import { ANCHOR_KINDS, KEY_EVENTS, KEY_KINDS, RECOVERIES, SITE_EVENTS } from "./numbers.js";

/** The body of an entry of this type; null for the types no entry of this version has (approval, bypass). */
export function takeBody(reader: CborReader, type: (typeof ENTRY_TYPES)[number]): EntryBody | null {
  if (type === "approval" || type === "bypass") return null;
  reader.open();
  const body = TAKERS[type](reader);
  reader.close();
  return body;
}

const TAKERS: {
  readonly [Type in EntryBody["type"]]: (
    reader: CborReader,
  ) => Extract<EntryBody, { readonly type: Type }>;
} = {
  decision: takeDecision,
  outcome: takeOutcome,
  boot: takeBoot,
  mode: takeMode,
  trip: takeTrip,
  "safe-step": takeSafeStep,
  lease: takeLease,
  "operator-act": takeOperatorAct,
  profile: takeProfile,
  site: takeSite,
  key: takeKey,
  anchor: takeAnchor,
  flood: takeFlood,
  device: takeDevice,
  clock: (reader) => {
    reader.key(1);
    const stepUs = reader.int();
    reader.key(2);
    const quality = CLOCK_QUALITIES[reader.uint()];
    if (quality === undefined) reader.fail("range");
    return { type: "clock", stepUs, quality: quality ?? 0 };
  },
  snapshot: takeSnapshot,
  notice: takeNotice,
};

const CLOCK_QUALITIES = [0, 1, 2, 3] as const;

function takeBoot(reader: CborReader): BootBody {
  reader.key(1);
  const boot = reader.uint();
  reader.key(2);
  const software = takeHash(reader);
  reader.key(3);
  const profile = takeHash(reader);
  reader.key(4);
  const site = takeHash(reader);
  reader.key(5);
  reader.array(4);
  const recovery = {
    found: takeWord(reader, RECOVERIES),
    fromSeq: reader.uint(),
    cutBytes: reader.uint(),
    cutHash: takeHashOrNull(reader),
  };
  reader.key(6);
  const semantics = reader.uint();
  reader.key(7);
  const key = takeWord(reader, KEY_KINDS);
  reader.key(8);
  const splitEnforced = reader.bool();
  const nv = reader.has(9) ? reader.uint() : null;
  const parachute = reader.has(11) ? reader.bytes() : null;
  return {
    type: "boot",
    boot,
    software,
    profile,
    site,
    recovery,
    semantics,
    key,
    splitEnforced,
    nv,
    parachute,
  };
}

function takeMode(reader: CborReader): ModeBody {
  reader.key(1);
  const from = takeWord(reader, MODES);
  reader.key(2);
  const to = takeWord(reader, MODES);
  reader.key(3);
  const why = reader.text();
  return { type: "mode", from, to, why, look: reader.has(4) ? takeLook(reader) : null };
}

function takeTrip(reader: CborReader): TripBody {
  reader.key(1);
  const rule = reader.text();
  reader.key(2);
  const event = takeWord(reader, TRIP_EVENTS);
  reader.key(3);
  const look = takeLook(reader);
  reader.key(4);
  const sinceUs = reader.uint();
  reader.key(5);
  return { type: "trip", rule, event, look, sinceUs, firstOut: reader.text() };
}

function takeSafeStep(reader: CborReader): SafeStepBody {
  reader.key(1);
  const step = reader.uint();
  reader.key(2);
  const output = reader.uint();
  reader.key(3);
  const given = reader.uint();
  reader.key(4);
  const state = takeWord(reader, SAFE_STEP_STATES);
  reader.key(5);
  const readBack = takeUintOrNull(reader);
  reader.key(6);
  const attempt = reader.uint();
  reader.key(7);
  const sinceCauseUs = reader.uint();
  return { type: "safe-step", step, output, given, state, readBack, attempt, sinceCauseUs };
}

function takeLease(reader: CborReader): LeaseBody {
  reader.key(1);
  const controller = reader.text();
  reader.key(2);
  const event = takeWord(reader, LEASE_EVENTS);
  reader.key(3);
  const us = reader.uint();
  return { type: "lease", controller, event, us, then: reader.has(4) ? reader.text() : null };
}

function takeOperatorAct(reader: CborReader): OperatorActBody {
  reader.key(1);
  const act = reader.text();
  reader.key(2);
  reader.array(2);
  const person = reader.text();
  const signature = takeBytesOrNull(reader);
  reader.key(3);
  const why = reader.text();
  const details = reader.has(4) ? reader.bytes() : null;
  return { type: "operator-act", act, person, signature, why, details };
}

function takeProfile(reader: CborReader): ProfileBody {
  reader.key(1);
  const digest = takeHash(reader);
  reader.key(2);
  const bytes = reader.isNull() ? null : takeWhole(reader);
  reader.key(3);
  const signatures = takeList(reader, (from) => {
    from.array(2);
    return { kid: from.bytes(), signature: from.bytes() };
  });
  reader.key(4);
  const event = takeWord(reader, PROFILE_EVENTS);
  reader.key(5);
  const previous = takeHashOrNull(reader);
  reader.key(6);
  const proof = takeHashOrNull(reader);
  const why = reader.has(7) ? reader.text() : null;
  return { type: "profile", digest, bytes, signatures, event, previous, proof, why };
}

function takeSite(reader: CborReader): SiteBody {
  reader.key(1);
  const digest = takeHash(reader);
  reader.key(2);
  return { type: "site", digest, event: takeWord(reader, SITE_EVENTS) };
}

function takeKey(reader: CborReader): KeyBody {
  reader.key(1);
  const event = takeWord(reader, KEY_EVENTS);
  reader.key(2);
  return { type: "key", event, spki: reader.bytes() };
}

function takeAnchor(reader: CborReader): AnchorBody {
  reader.key(1);
  const kind = takeWord(reader, ANCHOR_KINDS);
  reader.key(2);
  const token = reader.bytes();
  reader.key(3);
  const size = reader.uint();
  return { type: "anchor", kind, token, size, signature: reader.has(4) ? reader.bytes() : null };
}

function takeFlood(reader: CborReader): FloodBody {
  reader.key(1);
  const controller = reader.text();
  reader.key(2);
  const output = takeUintOrNull(reader);
  reader.key(3);
  const rules = takeList(reader, takeText);
  reader.key(4);
  const count = reader.uint();
  reader.key(5);
  const firstUs = reader.uint();
  reader.key(6);
  const lastUs = reader.uint();
  reader.key(7);
  const least = takeNumberOrNull(reader);
  reader.key(8);
  const most = takeNumberOrNull(reader);
  reader.key(9);
  const digest = takeHash(reader);
  return { type: "flood", controller, output, rules, count, firstUs, lastUs, least, most, digest };
}

function takeDevice(reader: CborReader): DeviceBody {
  reader.key(1);
  const device = reader.text();
  reader.key(2);
  const event = takeWord(reader, DEVICE_EVENTS);
  return { type: "device", device, event, detail: reader.has(3) ? reader.text() : null };
}

function takeSnapshot(reader: CborReader): SnapshotBody {
  reader.key(1);
  const semantics = reader.uint();
  reader.key(2);
  const profile = takeHash(reader);
  reader.key(3);
  const state = takeWhole(reader);
  reader.key(4);
  return { type: "snapshot", semantics, profile, state, foldedTo: reader.uint() };
}

function takeNotice(reader: CborReader): NoticeBody {
  reader.key(1);
  const what = reader.text();
  if (!reader.has(2)) return { type: "notice", what, details: null };
  const start = reader.at;
  const details = new Map<string, NoticeValue>();
  if (reader.peek() !== MAJOR.map) reader.fail("type");
  reader.limit(ITEMS_MAX);
  const value = takeCbor(reader);
  if (isCborMap(value)) {
    for (const [key, item] of value) {
      if (typeof key === "string" && isNoticeValue(item)) details.set(key, item);
      else reader.fail("type", start);
    }
  }
  return { type: "notice", what, details };
}

function isNoticeValue(value: unknown): value is NoticeValue {
  if (value === null || value instanceof Uint8Array) return true;
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}
