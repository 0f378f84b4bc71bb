import {
  READ_BITS_MAX,
  READ_WORDS_MAX,
  READ_WRITE_WORDS_MAX,
  TABLE_ADDRESSES,
  WRITE_BITS_MAX,
  WRITE_WORDS_MAX,
} from "./limits.js";
import type { IdentifyRequest, ModbusRequest } from "./pdu-request.js";
import type { ReadRequest, ReadWriteRequest, WriteBitsRequest } from "./pdu-request.js";
import type { WriteWordsRequest } from "./pdu-request.js";
import { areWords, isWord, writeBits, writeWords } from "./word.js";

/**
 * The request PDU; `parseRequest` reads the same request back. Null when it cannot be said in one PDU of its
 * function: a count over the limit or zero, several values for FC5 or FC6, a number that is no 16-bit word,
 * an address beyond 65535. Nothing is rounded, masked or cut to make it fit.
 */
export function encodeRequest(request: ModbusRequest): Uint8Array | null {
  switch (request.kind) {
    case "read-bits":
      return encodeRead(request, READ_BITS_MAX);
    case "read-words":
      return encodeRead(request, READ_WORDS_MAX);
    case "write-bits":
      return request.function === 5 ? encodeWriteBit(request) : encodeWriteBits(request);
    case "write-words":
      return request.function === 6 ? encodeWriteWord(request) : encodeWriteWords(request);
    case "mask-word": {
      const numbers = [request.address, request.and, request.or];
      return areWords(numbers) ? startPdu(7, request.function, numbers) : null;
    }
    case "read-write-words":
      return encodeReadWrite(request);
    case "identify":
      return encodeIdentify(request);
  }
}

function encodeRead(request: ReadRequest, quantityMax: number): Uint8Array | null {
  const { address, quantity } = request;
  if (!isSpan(address, quantity, quantityMax)) return null;
  return startPdu(5, request.function, [address, quantity]);
}

function encodeWriteBit(request: WriteBitsRequest): Uint8Array | null {
  const [bit] = request.bits;
  if (bit === undefined || !isSpan(request.address, request.bits.length, 1)) return null;
  return startPdu(5, 5, [request.address, bit ? 0xff00 : 0]);
}

function encodeWriteWord(request: WriteWordsRequest): Uint8Array | null {
  const [word] = request.words;
  if (word === undefined || !isWord(word)) return null;
  if (!isSpan(request.address, request.words.length, 1)) return null;
  return startPdu(5, 6, [request.address, word]);
}

function encodeWriteBits(request: WriteBitsRequest): Uint8Array | null {
  const { address, bits } = request;
  if (!isSpan(address, bits.length, WRITE_BITS_MAX)) return null;
  const byteCount = (bits.length + 7) >> 3;
  const pdu = startPdu(6 + byteCount, 15, [address, bits.length]);
  pdu[5] = byteCount;
  writeBits(pdu, 6, bits);
  return pdu;
}

function encodeWriteWords(request: WriteWordsRequest): Uint8Array | null {
  const { address, words } = request;
  if (!isSpan(address, words.length, WRITE_WORDS_MAX) || !areWords(words)) return null;
  const pdu = startPdu(6 + 2 * words.length, 16, [address, words.length]);
  pdu[5] = 2 * words.length;
  writeWords(pdu, 6, words);
  return pdu;
}

function encodeReadWrite(request: ReadWriteRequest): Uint8Array | null {
  const { readAddress, readQuantity, address, words } = request;
  if (!isSpan(readAddress, readQuantity, READ_WORDS_MAX)) return null;
  if (!isSpan(address, words.length, READ_WRITE_WORDS_MAX) || !areWords(words)) return null;
  const head = [readAddress, readQuantity, address, words.length];
  const pdu = startPdu(10 + 2 * words.length, 23, head);
  pdu[9] = 2 * words.length;
  writeWords(pdu, 10, words);
  return pdu;
}

function encodeIdentify(request: IdentifyRequest): Uint8Array | null {
  if (!isWord(request.object) || request.object > 0xff) return null;
  return Uint8Array.of(43, 14, request.level, request.object);
}

function isSpan(address: number, quantity: number, quantityMax: number): boolean {
  if (!isWord(address) || !isWord(quantity)) return false;
  return quantity >= 1 && quantity <= quantityMax && address + quantity <= TABLE_ADDRESSES;
}

function startPdu(bytes: number, code: number, words: readonly number[]): Uint8Array {
  const pdu = new Uint8Array(bytes);
  pdu[0] = code;
  writeWords(pdu, 1, words);
  return pdu;
}
