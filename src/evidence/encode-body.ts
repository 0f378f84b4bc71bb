import { putCbor } from "../codec/cbor/encode.js";
import { putNumber } from "../codec/cbor/number.js";
import type { CborWriter } from "../codec/cbor/writer.js";
import {
  DEVICE_EVENTS,
  LEASE_EVENTS,
  PROFILE_EVENTS,
  SAFE_STEP_STATES,
  TRIP_EVENTS,
  type AnchorBody,
  type BootBody,
  type DecisionBody,
  type DeviceBody,
  type EntryBody,
  type FloodBody,
  type LeaseBody,
  type ModeBody,
  type NoticeBody,
  type OperatorActBody,
  type OutcomeBody,
  type Part,
  type ProfileBody,
  type SafeStepBody,
  type TripBody,
} from "../kernel/record/entry.js";
import { MODES } from "../kernel/record/look.js";
import {
  putDecision,
  putFixed,
  HASH_BYTES,
  putLook,
  putOptional,
  putOutcome,
} from "./encode-decision.js";
import {
  ANCHOR_KINDS,
  KEY_EVENTS,
  KEY_KINDS,
  numberOf,
  RECOVERIES,
  SITE_EVENTS,
} from "./numbers.js";

/** The body of an entry, keys ascending, in the shape evidence.cddl gives its type. */
export function putBody(writer: CborWriter, body: EntryBody): void {
  if (isOperation(body)) putOperation(writer, body);
  else putStanding(writer, body);
}

/** What happens while commands run, as against what the gateway stands on. */
type Operation =
  | DecisionBody
  | OutcomeBody
  | FloodBody
  | ModeBody
  | TripBody
  | SafeStepBody
  | LeaseBody
  | DeviceBody;

const OPERATIONS: ReadonlySet<string> = new Set<Operation["type"]>([
  "decision",
  "outcome",
  "flood",
  "mode",
  "trip",
  "safe-step",
  "lease",
  "device",
]);

function isOperation(body: EntryBody): body is Operation {
  return OPERATIONS.has(body.type);
}

function putOperation(writer: CborWriter, body: Operation): void {
  switch (body.type) {
    case "decision":
      putDecision(writer, body);
      return;
    case "outcome":
      putOutcome(writer, body);
      return;
    case "flood":
      putFlood(writer, body);
      return;
    case "mode":
      putMode(writer, body);
      return;
    case "trip":
      putTrip(writer, body);
      return;
    case "safe-step":
      putSafeStep(writer, body);
      return;
    case "lease":
      putLease(writer, body);
      return;
    case "device":
      writer.map(body.detail === null ? 2 : 3);
      putField(writer, 1, body.device);
      putField(writer, 2, numberOf(DEVICE_EVENTS, body.event));
      if (body.detail !== null) putField(writer, 3, body.detail);
  }
}

function putStanding(writer: CborWriter, body: Exclude<EntryBody, Operation>): void {
  switch (body.type) {
    case "boot":
      putBoot(writer, body);
      return;
    case "operator-act":
      putOperatorAct(writer, body);
      return;
    case "profile":
      putProfile(writer, body);
      return;
    case "site":
      writer.map(2);
      putHash(writer, 1, body.digest);
      putField(writer, 2, numberOf(SITE_EVENTS, body.event));
      return;
    case "key":
      writer.map(2);
      putField(writer, 1, numberOf(KEY_EVENTS, body.event));
      putField(writer, 2, body.spki);
      return;
    case "anchor":
      putAnchor(writer, body);
      return;
    case "clock":
      writer.map(2);
      putField(writer, 1, body.stepUs);
      putField(writer, 2, body.quality);
      return;
    case "snapshot":
      writer.map(4);
      putField(writer, 1, body.semantics);
      putHash(writer, 2, body.profile);
      writer.uint(3);
      putWhole(writer, body.state);
      putField(writer, 4, body.foldedTo);
      return;
    case "notice":
      putNotice(writer, body);
  }
}

function putMode(writer: CborWriter, body: ModeBody): void {
  writer.map(body.look === null ? 3 : 4);
  putField(writer, 1, numberOf(MODES, body.from));
  putField(writer, 2, numberOf(MODES, body.to));
  putField(writer, 3, body.why);
  if (body.look === null) return;
  writer.uint(4);
  putLook(writer, body.look);
}

function putHash(writer: CborWriter, key: number, hash: Uint8Array): void {
  writer.uint(key);
  putFixed(writer, hash, HASH_BYTES);
}

function putField(
  writer: CborWriter,
  key: number,
  value: number | string | boolean | Uint8Array,
): void {
  writer.uint(key);
  if (typeof value === "number") writer.int(value);
  else if (typeof value === "string") writer.text(value);
  else if (typeof value === "boolean") writer.bool(value);
  else writer.bytes(value);
}

function putBoot(writer: CborWriter, body: BootBody): void {
  writer.map(8 + (body.nv === null ? 0 : 1) + (body.parachute === null ? 0 : 1));
  putField(writer, 1, body.boot);
  putHash(writer, 2, body.software);
  putHash(writer, 3, body.profile);
  putHash(writer, 4, body.site);
  writer.uint(5);
  writer.array(4);
  writer.uint(numberOf(RECOVERIES, body.recovery.found));
  writer.uint(body.recovery.fromSeq);
  writer.uint(body.recovery.cutBytes);
  putOptionalHash(writer, body.recovery.cutHash);
  putField(writer, 6, body.semantics);
  putField(writer, 7, numberOf(KEY_KINDS, body.key));
  putField(writer, 8, body.splitEnforced);
  if (body.nv !== null) putField(writer, 9, body.nv);
  if (body.parachute !== null) putField(writer, 11, body.parachute);
}

function putTrip(writer: CborWriter, body: TripBody): void {
  writer.map(5);
  putField(writer, 1, body.rule);
  putField(writer, 2, numberOf(TRIP_EVENTS, body.event));
  writer.uint(3);
  putLook(writer, body.look);
  putField(writer, 4, body.sinceUs);
  putField(writer, 5, body.firstOut);
}

function putSafeStep(writer: CborWriter, body: SafeStepBody): void {
  writer.map(7);
  putField(writer, 1, body.step);
  putField(writer, 2, body.output);
  putField(writer, 3, body.given);
  putField(writer, 4, numberOf(SAFE_STEP_STATES, body.state));
  writer.uint(5);
  if (body.readBack === null) writer.null();
  else writer.uint(body.readBack);
  putField(writer, 6, body.attempt);
  putField(writer, 7, body.sinceCauseUs);
}

function putLease(writer: CborWriter, body: LeaseBody): void {
  writer.map(body.then === null ? 3 : 4);
  putField(writer, 1, body.controller);
  putField(writer, 2, numberOf(LEASE_EVENTS, body.event));
  putField(writer, 3, body.us);
  if (body.then !== null) putField(writer, 4, body.then);
}

function putOperatorAct(writer: CborWriter, body: OperatorActBody): void {
  writer.map(body.details === null ? 3 : 4);
  putField(writer, 1, body.act);
  writer.uint(2);
  writer.array(2);
  writer.text(body.person);
  putOptional(writer, body.signature);
  putField(writer, 3, body.why);
  if (body.details !== null) putField(writer, 4, body.details);
}

function putProfile(writer: CborWriter, body: ProfileBody): void {
  writer.map(body.why === null ? 6 : 7);
  putHash(writer, 1, body.digest);
  writer.uint(2);
  if (body.bytes === null) writer.null();
  else putWhole(writer, body.bytes);
  writer.uint(3);
  writer.array(body.signatures.length);
  for (const { kid, signature } of body.signatures) {
    writer.array(2);
    writer.bytes(kid);
    writer.bytes(signature);
  }
  putField(writer, 4, numberOf(PROFILE_EVENTS, body.event));
  writer.uint(5);
  putOptionalHash(writer, body.previous);
  writer.uint(6);
  putOptionalHash(writer, body.proof);
  if (body.why !== null) putField(writer, 7, body.why);
}

function putAnchor(writer: CborWriter, body: AnchorBody): void {
  writer.map(body.signature === null ? 3 : 4);
  putField(writer, 1, numberOf(ANCHOR_KINDS, body.kind));
  putField(writer, 2, body.token);
  putField(writer, 3, body.size);
  if (body.signature !== null) putField(writer, 4, body.signature);
}

function putFlood(writer: CborWriter, body: FloodBody): void {
  writer.map(9);
  putField(writer, 1, body.controller);
  writer.uint(2);
  if (body.output === null) writer.null();
  else writer.uint(body.output);
  writer.uint(3);
  writer.array(body.rules.length);
  for (const rule of body.rules) writer.text(rule);
  putField(writer, 4, body.count);
  putField(writer, 5, body.firstUs);
  putField(writer, 6, body.lastUs);
  writer.uint(7);
  if (body.least === null) writer.null();
  else putNumber(writer, body.least);
  writer.uint(8);
  if (body.most === null) writer.null();
  else putNumber(writer, body.most);
  putHash(writer, 9, body.digest);
}

function putNotice(writer: CborWriter, body: NoticeBody): void {
  writer.map(body.details === null ? 1 : 2);
  putField(writer, 1, body.what);
  if (body.details !== null) {
    writer.uint(2);
    putCbor(writer, body.details);
  }
}

function putOptionalHash(writer: CborWriter, hash: Uint8Array | null): void {
  if (hash === null) writer.null();
  else putFixed(writer, hash, HASH_BYTES);
}

function putWhole(writer: CborWriter, whole: Uint8Array | Part): void {
  if (whole instanceof Uint8Array) {
    writer.bytes(whole);
    return;
  }
  writer.array(4);
  writer.uint(whole.part);
  writer.uint(whole.of);
  putFixed(writer, whole.whole, HASH_BYTES);
  writer.bytes(whole.bytes);
}
