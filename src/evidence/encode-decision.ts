import { putNumber } from "../codec/cbor/number.js";
import type { CborWriter } from "../codec/cbor/writer.js";
import {
  AUTHS,
  DOORS,
  OUTCOMES,
  OWN_CAUSES,
  VERDICTS,
  type DecisionBody,
  type OutcomeBody,
  type Source,
  type WriteRecord,
} from "../kernel/record/entry.js";
import {
  KERNEL_FACTS,
  MODES,
  QUALITIES,
  type KernelFact,
  type Look,
  type TagFact,
} from "../kernel/record/look.js";
import type { Reason } from "../kernel/record/reason.js";
import { numberOf, reasonNumber } from "./numbers.js";

/** Longest request kept byte for byte; of a longer one only the hash is (evidence.cddl, decision 3 and 4). */
export const RECEIVED_BYTES_MAX = 512;

/** The hot path: one of these and one outcome for every command. */
export function putDecision(writer: CborWriter, body: DecisionBody): void {
  if (body.bytes.length > RECEIVED_BYTES_MAX) {
    throw new RangeError(`evidence: ${body.bytes.length} bytes as received; keep the hash instead`);
  }
  writer.map(body.bytesHash === null ? 9 : 10);
  writer.uint(1);
  putFixed(writer, body.id, ID_BYTES);
  writer.uint(2);
  putSource(writer, body.source);
  writer.uint(3);
  writer.bytes(body.bytes);
  if (body.bytesHash !== null) {
    writer.uint(4);
    putFixed(writer, body.bytesHash, HASH_BYTES);
  }
  writer.uint(5);
  putWrites(writer, body.writes);
  writer.uint(6);
  writer.uint(numberOf(VERDICTS, body.verdict));
  writer.uint(7);
  putReasons(writer, body.reasons);
  writer.uint(8);
  putFixed(writer, body.profile, HASH_BYTES);
  writer.uint(9);
  putLook(writer, body.look);
  writer.uint(10);
  writer.uint(body.sinceArrivalUs);
}

export function putOutcome(writer: CborWriter, body: OutcomeBody): void {
  const optional =
    present(body.reply) +
    present(body.sincePermitUs) +
    present(body.readBack) +
    present(body.reasons) +
    present(body.look);
  writer.map(2 + optional);
  writer.uint(1);
  putFixed(writer, body.id, ID_BYTES);
  writer.uint(2);
  writer.uint(numberOf(OUTCOMES, body.outcome));
  if (body.reply !== null) {
    writer.uint(3);
    writer.bytes(body.reply);
  }
  if (body.sincePermitUs !== null) {
    writer.uint(4);
    writer.uint(body.sincePermitUs);
  }
  if (body.readBack !== null) {
    writer.uint(5);
    writer.array(body.readBack.length);
    for (const read of body.readBack) {
      writer.array(2);
      writer.uint(read.output);
      putRaw(writer, read.raw);
    }
  }
  if (body.reasons !== null) {
    writer.uint(6);
    putReasons(writer, body.reasons);
  }
  if (body.look !== null) {
    writer.uint(7);
    putLook(writer, body.look);
  }
}

export function putLook(writer: CborWriter, look: Look): void {
  writer.map(look.lease === null ? 6 : 7);
  writer.uint(1);
  writer.uint(look.monoUs);
  writer.uint(2);
  writer.array(look.tags.length);
  for (const fact of look.tags) putTagFact(writer, fact);
  writer.uint(3);
  writer.array(look.kernel.length);
  for (const fact of look.kernel) putKernelFact(writer, fact);
  writer.uint(4);
  writer.uint(numberOf(MODES, look.mode));
  writer.uint(5);
  writer.array(look.latched.length);
  for (const trip of look.latched) writer.text(trip);
  writer.uint(6);
  writer.array(look.bypasses.length);
  for (const seq of look.bypasses) writer.uint(seq);
  if (look.lease !== null) {
    writer.uint(7);
    writer.array(2);
    writer.uint(look.lease.gainSeq);
    writer.uint(look.lease.leftUs);
  }
}

export const HASH_BYTES = 32;
export const ID_BYTES = 16;

/** What the format gives one length: writing another would make a log nobody can read. */
export function putFixed(writer: CborWriter, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new RangeError(`evidence: ${bytes.length} bytes where ${length} stand`);
  }
  writer.bytes(bytes);
}

export function putOptional(writer: CborWriter, bytes: Uint8Array | null): void {
  if (bytes === null) writer.null();
  else writer.bytes(bytes);
}

function putSource(writer: CborWriter, source: Source): void {
  switch (source.kind) {
    case "controller":
      writer.array(5);
      writer.uint(0);
      writer.uint(numberOf(DOORS, source.door));
      writer.text(source.controller);
      writer.uint(numberOf(AUTHS, source.auth));
      putOptional(writer, source.kid);
      return;
    case "person":
      writer.array(3);
      writer.uint(1);
      writer.text(source.person);
      writer.bytes(source.signature);
      return;
    case "own":
      writer.array(2);
      writer.uint(2);
      writer.uint(numberOf(OWN_CAUSES, source.cause));
  }
}

/** No writes at all is no mapped request either, and stands as empty bytes: the array has at least one. */
function putWrites(writer: CborWriter, writes: readonly WriteRecord[] | Uint8Array): void {
  if (writes instanceof Uint8Array) {
    writer.bytes(writes);
    return;
  }
  if (writes.length === 0) {
    writer.bytes(NONE);
    return;
  }
  if (writes.length > WRITES_MAX) {
    throw new RangeError(`evidence: ${writes.length} writes in one decision`);
  }
  writer.array(writes.length);
  for (const write of writes) {
    writer.array(5);
    writer.uint(write.output);
    writer.uint(write.asked);
    putRaw(writer, write.given);
    putRaw(writer, write.was);
    writer.bool(write.wasProven);
  }
}

function putReasons(writer: CborWriter, reasons: readonly Reason[]): void {
  writer.array(reasons.length);
  for (const reason of reasons) {
    writer.array(5);
    writer.uint(reasonNumber(reason.code));
    if (reason.rule === null) writer.null();
    else writer.text(reason.rule);
    putRaw(writer, reason.output);
    if (reason.limit === null) writer.null();
    else putNumber(writer, reason.limit);
    putRaw(writer, reason.freeUs);
  }
}

function putTagFact(writer: CborWriter, fact: TagFact): void {
  writer.array(4);
  writer.uint(fact.tag);
  putRaw(writer, fact.raw);
  writer.uint(numberOf(QUALITIES, fact.quality));
  writer.uint(fact.ageUs);
}

function putKernelFact(writer: CborWriter, fact: KernelFact): void {
  writer.array(fact.ageUs === undefined ? 3 : 4);
  writer.uint(numberOf(KERNEL_FACTS, fact.kind));
  writer.uint(fact.index);
  if (fact.value === null) writer.null();
  else writer.int(fact.value);
  if (fact.ageUs !== undefined) writer.uint(fact.ageUs);
}

function putRaw(writer: CborWriter, raw: number | null): void {
  if (raw === null) writer.null();
  else writer.uint(raw);
}

const WRITES_MAX = 16;
const NONE = new Uint8Array(0);

function present(value: unknown): 0 | 1 {
  return value === null ? 0 : 1;
}
