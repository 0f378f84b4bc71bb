import { takeNumber } from "../codec/cbor/number.js";
import { MAJOR, type CborReader } from "../codec/cbor/reader.js";
import type { Part, WriteRecord } from "../kernel/record/entry.js";
import {
  KERNEL_FACTS,
  MODES,
  QUALITIES,
  type KernelFact,
  type Look,
  type TagFact,
} from "../kernel/record/look.js";
import type { Reason } from "../kernel/record/reason.js";
import { reasonCode } from "./numbers.js";
import { PART_BYTES_MAX } from "./parts.js";

/** Pieces that several entry types share. After a fault they return something of the right type; the reader keeps the fault. */
export function takeLook(reader: CborReader): Look {
  reader.open();
  reader.key(1);
  const monoUs = reader.uint();
  reader.key(2);
  const tags = takeList(reader, takeTagFact);
  reader.key(3);
  const kernel = takeList(reader, takeKernelFact);
  reader.key(4);
  const mode = takeWord(reader, MODES);
  reader.key(5);
  const latched = takeList(reader, takeText);
  reader.key(6);
  const bypasses = takeList(reader, takeUint);
  let lease: Look["lease"] = null;
  if (reader.has(7)) {
    reader.array(2);
    lease = { gainSeq: reader.uint(), leftUs: reader.uint() };
  }
  reader.close();
  return { monoUs, tags, kernel, mode, latched, bypasses, lease };
}

export function takeReasons(reader: CborReader): readonly Reason[] {
  return takeList(reader, takeReason);
}

export function takeWrite(reader: CborReader): WriteRecord {
  reader.array(5);
  return {
    output: reader.uint(),
    asked: reader.uint(),
    given: takeUintOrNull(reader),
    was: takeUintOrNull(reader),
    wasProven: reader.bool(),
  };
}

/** Items until the claimed length or the first fault. */
export function takeList<Item>(
  reader: CborReader,
  take: (reader: CborReader) => Item,
): readonly Item[] {
  const length = reader.array();
  const list: Item[] = [];
  for (let i = 0; i < length && !reader.failed(); i += 1) list.push(take(reader));
  return list;
}

/** A number that must have a word in the table. */
export function takeWord<Word extends string>(
  reader: CborReader,
  table: readonly [Word, ...Word[]],
): Word {
  const start = reader.at;
  const word = table[reader.uint()];
  if (word === undefined) reader.fail("range", start);
  return word ?? table[0];
}

export function takeUintOrNull(reader: CborReader): number | null {
  return reader.isNull() ? null : reader.uint();
}

export function takeNumberOrNull(reader: CborReader): number | null {
  return reader.isNull() ? null : takeNumber(reader);
}

export function takeBytesOrNull(reader: CborReader): Uint8Array | null {
  return reader.isNull() ? null : reader.bytes();
}

export function takeHash(reader: CborReader): Uint8Array {
  return reader.bytes(32, 32);
}

export function takeHashOrNull(reader: CborReader): Uint8Array | null {
  return reader.isNull() ? null : takeHash(reader);
}

/** 16 bytes: the id of a command or of a run. */
export function takeId(reader: CborReader): Uint8Array {
  return reader.bytes(16, 16);
}

/** The bytes themselves, or one part of them. */
export function takeWhole(reader: CborReader): Uint8Array | Part {
  if (reader.peek() !== MAJOR.array) return reader.bytes(0, PART_BYTES_MAX);
  reader.array(4);
  return {
    part: reader.uint(),
    of: reader.uint(),
    whole: takeHash(reader),
    bytes: reader.bytes(0, PART_BYTES_MAX),
  };
}

export function takeText(reader: CborReader): string {
  return reader.text();
}

function takeUint(reader: CborReader): number {
  return reader.uint();
}

function takeTagFact(reader: CborReader): TagFact {
  reader.array(4);
  return {
    tag: reader.uint(),
    raw: takeUintOrNull(reader),
    quality: takeWord(reader, QUALITIES),
    ageUs: reader.uint(),
  };
}

function takeKernelFact(reader: CborReader): KernelFact {
  const length = reader.array();
  if (length !== 3 && length !== 4) reader.fail("length");
  const kind = takeWord(reader, KERNEL_FACTS);
  const index = reader.uint();
  const value = reader.isNull() ? null : reader.int();
  return length === 4 ? { kind, index, value, ageUs: reader.uint() } : { kind, index, value };
}

function takeReason(reader: CborReader): Reason {
  reader.array(5);
  const start = reader.at;
  const code = reasonCode(reader.uint());
  if (code === undefined) reader.fail("range", start);
  return {
    code: code ?? "internal",
    rule: reader.isNull() ? null : reader.text(),
    output: takeUintOrNull(reader),
    limit: takeNumberOrNull(reader),
    freeUs: takeUintOrNull(reader),
  };
}
