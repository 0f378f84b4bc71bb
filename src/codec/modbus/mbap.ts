import { ADU_BYTES_MAX, MBAP_BYTES, PDU_BYTES_MAX } from "./limits.js";
import { isWord, readWord, writeWord } from "./word.js";

/** Bytes of the header up to and with the length field; what that counts comes after it. */
const PREFIX_BYTES = 6;

/**
 * One direction of one Modbus/TCP connection, cut into frames. The holder keeps it, feeds it and empties it;
 * it never holds more than the chunk last fed and one unfinished frame.
 */
export type MbapReader = {
  /** What was fed last, and where the first byte not yet used stands in it. */
  chunk: Uint8Array;
  at: number;
  /** An unfinished frame: the first `keptBytes` of `kept`. */
  readonly kept: Uint8Array;
  keptBytes: number;
  fault: MbapFault | null;
};

/** `pdu` is never empty and at most 253 bytes. */
export type MbapFrame = {
  readonly kind: "frame";
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Uint8Array;
};

/** Not Modbus/TCP, and the stream has no mark to find the next frame by: close the connection. */
export type MbapFault = { readonly kind: "fault"; readonly why: "protocol" | "length" };

export type MbapRead = MbapFrame | MbapFault | { readonly kind: "more" };

const MORE = { kind: "more" } as const;
const BAD_PROTOCOL = { kind: "fault", why: "protocol" } as const;
const BAD_LENGTH = { kind: "fault", why: "length" } as const;
const NOTHING = new Uint8Array(0);

export function createMbapReader(): MbapReader {
  return {
    chunk: NOTHING,
    at: 0,
    kept: new Uint8Array(ADU_BYTES_MAX),
    keptBytes: 0,
    fault: null,
  };
}

/**
 * Gives the reader the next bytes. Call it only when `readFrame` has said "more": bytes not yet read of the
 * chunk before would be lost, so that is a fault and not a gap in the stream.
 */
export function feedMbap(reader: MbapReader, chunk: Uint8Array): void {
  if (reader.at < reader.chunk.length) reader.fault = BAD_LENGTH;
  reader.chunk = chunk;
  reader.at = 0;
}

/**
 * The next frame, "more" when there is no whole one, or a fault, which stays. A frame that lies within the
 * chunk is a view of it, not a copy: copy what must outlive the chunk. On "more" nothing of the chunk is
 * referred to any longer, so a receive buffer may be used again.
 *
 * Faults (messaging on TCP/IP V1.0b, 3.1.3): protocol not 0; length 0, 1 or over 254 (unit and 1..253 of PDU).
 */
export function readFrame(reader: MbapReader): MbapRead {
  if (reader.fault !== null) return reader.fault;
  if (reader.keptBytes > 0) return finishKept(reader);
  const { chunk, at } = reader;
  const left = chunk.length - at;
  if (left < PREFIX_BYTES) return keepRest(reader);
  const bytes = frameBytes(chunk, at);
  if (typeof bytes !== "number") return fail(reader, bytes);
  if (left < bytes) return keepRest(reader);
  reader.at = at + bytes;
  return {
    kind: "frame",
    transaction: readWord(chunk, at),
    unit: chunk[at + PREFIX_BYTES] ?? 0,
    pdu: chunk.subarray(at + MBAP_BYTES, at + bytes),
  };
}

/** Bytes of an unfinished frame: more than none for too long means that the peer stopped in the middle. */
export function unfinishedBytes(reader: MbapReader): number {
  return reader.keptBytes + reader.chunk.length - reader.at;
}

/** A whole frame; null when the numbers do not fit their fields or the PDU is empty or too long. */
export function encodeMbap(transaction: number, unit: number, pdu: Uint8Array): Uint8Array | null {
  if (!isWord(transaction) || !isWord(unit) || unit > 0xff) return null;
  if (pdu.length < 1 || pdu.length > PDU_BYTES_MAX) return null;
  const frame = new Uint8Array(MBAP_BYTES + pdu.length);
  writeWord(frame, 0, transaction);
  writeWord(frame, 4, pdu.length + 1);
  frame[PREFIX_BYTES] = unit;
  frame.set(pdu, MBAP_BYTES);
  return frame;
}

function frameBytes(bytes: Uint8Array, at: number): number | MbapFault {
  if (readWord(bytes, at + 2) !== 0) return BAD_PROTOCOL;
  const length = readWord(bytes, at + 4);
  return length < 2 || length > PDU_BYTES_MAX + 1 ? BAD_LENGTH : PREFIX_BYTES + length;
}

/** A frame that came in pieces is the only one copied. */
function finishKept(reader: MbapReader): MbapRead {
  if (!keep(reader, PREFIX_BYTES)) return MORE;
  const bytes = frameBytes(reader.kept, 0);
  if (typeof bytes !== "number") return fail(reader, bytes);
  if (!keep(reader, bytes)) return MORE;
  reader.keptBytes = 0;
  return {
    kind: "frame",
    transaction: readWord(reader.kept, 0),
    unit: reader.kept[PREFIX_BYTES] ?? 0,
    pdu: reader.kept.slice(MBAP_BYTES, bytes),
  };
}

/** Moves bytes until `wanted` are kept; false while the chunk did not have enough. */
function keep(reader: MbapReader, wanted: number): boolean {
  const from = reader.at;
  const to = Math.min(reader.chunk.length, from + Math.max(0, wanted - reader.keptBytes));
  reader.kept.set(reader.chunk.subarray(from, to), reader.keptBytes);
  reader.keptBytes += to - from;
  reader.at = to;
  if (to === reader.chunk.length) emptyChunk(reader);
  return reader.keptBytes >= wanted;
}

/** Less than one frame is left of the chunk, so it fits. */
function keepRest(reader: MbapReader): MbapRead {
  keep(reader, ADU_BYTES_MAX);
  return MORE;
}

function emptyChunk(reader: MbapReader): void {
  reader.chunk = NOTHING;
  reader.at = 0;
}

function fail(reader: MbapReader, fault: MbapFault): MbapFault {
  reader.fault = fault;
  emptyChunk(reader);
  return fault;
}
