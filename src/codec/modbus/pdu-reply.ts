import { encodeIdentity, parseIdentity } from "./device-identification.js";
import type { Identity } from "./device-identification.js";
import { encodeException, exceptionOf } from "./exception.js";
import type { ExceptionCode } from "./exception.js";
import { READ_BITS_MAX, READ_WORDS_MAX } from "./limits.js";
import { encodeRequest } from "./encode-request.js";
import type { ModbusRequest, WriteRequest } from "./pdu-request.js";
import { areWords, readBits, readWords, writeBits, writeWords } from "./word.js";

/** An answer that says of itself what it answers. */
export type ModbusReply =
  | { readonly kind: "bits"; readonly function: 1 | 2; readonly bits: readonly boolean[] }
  | { readonly kind: "words"; readonly function: 3 | 4 | 23; readonly words: readonly number[] }
  /** The write that was done: its echo is the whole answer. */
  | { readonly kind: "written"; readonly request: WriteRequest }
  | Identity
  | { readonly kind: "exception"; readonly function: number; readonly code: ExceptionCode };

/**
 * What a reply means for the request it is held against. `mismatch`: it cannot be the answer to that request,
 * so nothing is known of what the device did, and the next bytes of the stream are as doubtful.
 */
export type ParsedReply =
  | { readonly kind: "bits"; readonly bits: readonly boolean[] }
  | { readonly kind: "words"; readonly words: readonly number[] }
  | { readonly kind: "written" }
  | Identity
  | { readonly kind: "exception"; readonly code: ExceptionCode }
  | { readonly kind: "mismatch"; readonly why: ReplyMismatch };

export type ReplyMismatch = "function" | "length" | "byte-count" | "echo" | "exception" | "content";

/** The reply PDU; null when its values do not fit one (too many, none, or no 16-bit words). */
export function encodeReply(reply: ModbusReply): Uint8Array | null {
  switch (reply.kind) {
    case "bits":
      return encodeBits(reply.function, reply.bits);
    case "words":
      return encodeWords(reply.function, reply.words);
    case "written":
      return encodeEcho(reply.request);
    case "identity":
      return encodeIdentity(reply);
    case "exception":
      return encodeException(reply.function, reply.code);
  }
}

/**
 * Holds a reply PDU strictly against its request: function, length, byte count = what was asked for, write echo
 * to the byte, exception codes of the specification only. Never throws; keeps no reference to the bytes.
 */
export function parseReply(request: ModbusRequest, pdu: Uint8Array): ParsedReply {
  const code = pdu[0] ?? 0;
  if (code === (request.function | 0x80)) return parseException(pdu);
  if (code !== request.function) return mismatch("function");
  switch (request.kind) {
    case "read-bits":
      return parseBits(request.quantity, pdu);
    case "read-words":
      return parseWords(request.quantity, pdu);
    case "read-write-words":
      return parseWords(request.readQuantity, pdu);
    case "write-bits":
    case "write-words":
    case "mask-word":
      return parseEcho(request, pdu);
    case "identify":
      return parseIdentity(request, pdu) ?? mismatch("content");
  }
}

function parseException(pdu: Uint8Array): ParsedReply {
  const exception = exceptionOf(pdu[1] ?? 0);
  if (pdu.length !== 2) return mismatch("length");
  return exception === null ? mismatch("exception") : { kind: "exception", code: exception.code };
}

function parseBits(quantity: number, pdu: Uint8Array): ParsedReply {
  const byteCount = (quantity + 7) >> 3;
  if (pdu.length !== 2 + byteCount) return mismatch("length");
  if (pdu[1] !== byteCount) return mismatch("byte-count");
  return { kind: "bits", bits: readBits(pdu, 2, quantity) };
}

function parseWords(quantity: number, pdu: Uint8Array): ParsedReply {
  if (pdu.length !== 2 + 2 * quantity) return mismatch("length");
  if (pdu[1] !== 2 * quantity) return mismatch("byte-count");
  return { kind: "words", words: readWords(pdu, 2, quantity) };
}

function parseEcho(request: WriteRequest, pdu: Uint8Array): ParsedReply {
  const echo = encodeEcho(request);
  if (echo?.length !== pdu.length) return mismatch("length");
  for (const [n, byte] of echo.entries()) if (pdu[n] !== byte) return mismatch("echo");
  return { kind: "written" };
}

/** FC5, 6 and 22 answer with the request itself, FC15 and 16 with its first five bytes. */
function encodeEcho(request: WriteRequest): Uint8Array | null {
  const pdu = encodeRequest(request);
  return request.function === 15 || request.function === 16 ? (pdu?.slice(0, 5) ?? null) : pdu;
}

function encodeBits(code: number, bits: readonly boolean[]): Uint8Array | null {
  if (bits.length < 1 || bits.length > READ_BITS_MAX) return null;
  const byteCount = (bits.length + 7) >> 3;
  const pdu = startPdu(code, byteCount);
  writeBits(pdu, 2, bits);
  return pdu;
}

function encodeWords(code: number, words: readonly number[]): Uint8Array | null {
  if (words.length < 1 || words.length > READ_WORDS_MAX || !areWords(words)) return null;
  const pdu = startPdu(code, 2 * words.length);
  writeWords(pdu, 2, words);
  return pdu;
}

function startPdu(code: number, byteCount: number): Uint8Array {
  const pdu = new Uint8Array(2 + byteCount);
  pdu[0] = code;
  pdu[1] = byteCount;
  return pdu;
}

function mismatch(why: ReplyMismatch): ParsedReply {
  return { kind: "mismatch", why };
}
