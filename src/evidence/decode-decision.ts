import { MAJOR, type CborReader } from "../codec/cbor/reader.js";
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
  takeId,
  takeBytesOrNull,
  takeHash,
  takeList,
  takeLook,
  takeReasons,
  takeUintOrNull,
  takeWord,
  takeWrite,
} from "./decode-parts.js";
import { RECEIVED_BYTES_MAX } from "./encode-decision.js";

export function takeDecision(reader: CborReader): DecisionBody {
  reader.key(1);
  const id = takeId(reader);
  reader.key(2);
  const source = takeSource(reader);
  reader.key(3);
  const bytes = reader.bytes(0, RECEIVED_BYTES_MAX);
  const bytesHash = reader.has(4) ? takeHash(reader) : null;
  reader.key(5);
  const writes = takeWrites(reader);
  reader.key(6);
  const verdict = takeWord(reader, VERDICTS);
  reader.key(7);
  const reasons = takeReasons(reader);
  reader.key(8);
  const profile = takeHash(reader);
  reader.key(9);
  const look = takeLook(reader);
  reader.key(10);
  const sinceArrivalUs = reader.uint();
  return {
    type: "decision",
    id,
    source,
    bytes,
    bytesHash,
    writes,
    verdict,
    reasons,
    profile,
    look,
    sinceArrivalUs,
  };
}

export function takeOutcome(reader: CborReader): OutcomeBody {
  reader.key(1);
  const id = takeId(reader);
  reader.key(2);
  const outcome = takeWord(reader, OUTCOMES);
  const reply = reader.has(3) ? reader.bytes() : null;
  const sincePermitUs = reader.has(4) ? reader.uint() : null;
  const readBack = reader.has(5)
    ? takeList(reader, (from) => {
        from.array(2);
        return { output: from.uint(), raw: takeUintOrNull(from) };
      })
    : null;
  const reasons = reader.has(6) ? takeReasons(reader) : null;
  const look = reader.has(7) ? takeLook(reader) : null;
  return { type: "outcome", id, outcome, reply, sincePermitUs, readBack, reasons, look };
}

function takeSource(reader: CborReader): Source {
  const start = reader.at;
  const length = reader.array();
  const kind = reader.uint();
  if (SOURCE_LENGTHS[kind] !== length) reader.fail("length", start);
  if (kind === 0) {
    return {
      kind: "controller",
      door: takeWord(reader, DOORS),
      controller: reader.text(),
      auth: takeWord(reader, AUTHS),
      kid: takeBytesOrNull(reader),
    };
  }
  if (kind === 1) return { kind: "person", person: reader.text(), signature: reader.bytes() };
  return { kind: "own", cause: takeWord(reader, OWN_CAUSES) };
}

/** Items of a source, by its kind: controller, person, ourselves. */
const SOURCE_LENGTHS: readonly number[] = [5, 3, 2];

function takeWrites(reader: CborReader): readonly WriteRecord[] | Uint8Array {
  if (reader.peek() !== MAJOR.array) return reader.bytes();
  const start = reader.at;
  const writes = takeList(reader, takeWrite);
  if (writes.length === 0 || writes.length > 16) reader.fail("length", start);
  return writes;
}
