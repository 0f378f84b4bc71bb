import {
  READ_BITS_MAX,
  READ_WORDS_MAX,
  READ_WRITE_WORDS_MAX,
  TABLE_ADDRESSES,
  WRITE_BITS_MAX,
  WRITE_WORDS_MAX,
} from "./limits.js";
import { readBits, readWord, readWords } from "./word.js";

/** A request, every length and count of which has been checked. Addresses are zero-based; words are 0..65535. */
export type ModbusRequest = ReadRequest | WriteRequest | ReadWriteRequest | IdentifyRequest;

export type ReadRequest = ReadBitsRequest | ReadWordsRequest;

/** 1 reads coils, 2 discrete inputs; 1..2000 of them. */
export type ReadBitsRequest = {
  readonly kind: "read-bits";
  readonly function: 1 | 2;
  readonly address: number;
  readonly quantity: number;
};

/** 3 reads holding registers, 4 input registers; 1..125 of them. */
export type ReadWordsRequest = {
  readonly kind: "read-words";
  readonly function: 3 | 4;
  readonly address: number;
  readonly quantity: number;
};

export type WriteRequest = WriteBitsRequest | WriteWordsRequest | MaskWordRequest;

/** 5 writes one coil (FF00 or 0000 on the wire), 15 writes 1..1968. */
export type WriteBitsRequest = {
  readonly kind: "write-bits";
  readonly function: 5 | 15;
  readonly address: number;
  readonly bits: readonly boolean[];
};

/** 6 writes one holding register, 16 writes 1..123. */
export type WriteWordsRequest = {
  readonly kind: "write-words";
  readonly function: 6 | 16;
  readonly address: number;
  readonly words: readonly number[];
};

/** Result = (now AND and) OR (or AND NOT and). */
export type MaskWordRequest = {
  readonly kind: "mask-word";
  readonly function: 22;
  readonly address: number;
  readonly and: number;
  readonly or: number;
};

/** Writes 1..121 words first, then reads 1..125. */
export type ReadWriteRequest = {
  readonly kind: "read-write-words";
  readonly function: 23;
  readonly readAddress: number;
  readonly readQuantity: number;
  readonly address: number;
  readonly words: readonly number[];
};

/** 43/14. Level 1 basic, 2 regular, 3 extended: a stream of objects from `object` on; 4: that one object. */
export type IdentifyRequest = {
  readonly kind: "identify";
  readonly function: 43;
  readonly level: 1 | 2 | 3 | 4;
  readonly object: number;
};

export type ParsedRequest = { readonly ok: true; readonly request: ModbusRequest } | RequestFault;

/**
 * `exception` is what answers it. `function`: not one of those served. `malformed`: a length, count or value
 * that the specification does not allow, or bytes too many. `address`: well formed, but reaches beyond 65535.
 */
export type RequestFault = {
  readonly ok: false;
  /** As it came; 0 for an empty PDU. */
  readonly function: number;
} & (
  | { readonly code: "function"; readonly exception: 1 }
  | { readonly code: "address"; readonly exception: 2 }
  | { readonly code: "malformed"; readonly exception: 3 }
);

/**
 * Reads one request PDU (Modbus Application Protocol V1.1b3, section 6), never throws, and keeps no reference
 * to the bytes. Bits that pad the last byte of FC15 are ignored: the specification says they should be
 * zero, clients differ, and they can change nothing since no request is passed on as the bytes it came in.
 */
export function parseRequest(pdu: Uint8Array): ParsedRequest {
  const code = pdu[0] ?? 0;
  switch (code) {
    case 1:
    case 2:
      return parseRead(pdu, READ_BITS_MAX, { kind: "read-bits", function: code });
    case 3:
    case 4:
      return parseRead(pdu, READ_WORDS_MAX, { kind: "read-words", function: code });
    case 5:
      return parseWriteBit(pdu);
    case 6:
      return parseWriteWord(pdu);
    case 15:
      return parseWriteBits(pdu);
    case 16:
      return parseWriteWords(pdu);
    case 22:
      return parseMaskWord(pdu);
    case 23:
      return parseReadWrite(pdu);
    case 43:
      return parseIdentify(pdu);
    default:
      return pdu.length === 0
        ? malformed(0)
        : { ok: false, function: code, code: "function", exception: 1 };
  }
}

type ReadKind =
  | { readonly kind: "read-bits"; readonly function: 1 | 2 }
  | { readonly kind: "read-words"; readonly function: 3 | 4 };

function parseRead(pdu: Uint8Array, quantityMax: number, what: ReadKind): ParsedRequest {
  const address = readWord(pdu, 1);
  const quantity = readWord(pdu, 3);
  if (pdu.length !== 5 || quantity < 1 || quantity > quantityMax) return malformed(what.function);
  if (address + quantity > TABLE_ADDRESSES) return beyond(what.function);
  if (what.kind === "read-bits") {
    return accept({ kind: "read-bits", function: what.function, address, quantity });
  }
  return accept({ kind: "read-words", function: what.function, address, quantity });
}

function parseWriteBit(pdu: Uint8Array): ParsedRequest {
  const value = readWord(pdu, 3);
  if (pdu.length !== 5 || (value !== 0 && value !== 0xff00)) return malformed(5);
  const bits = [value !== 0];
  return accept({ kind: "write-bits", function: 5, address: readWord(pdu, 1), bits });
}

function parseWriteWord(pdu: Uint8Array): ParsedRequest {
  if (pdu.length !== 5) return malformed(6);
  const words = [readWord(pdu, 3)];
  return accept({ kind: "write-words", function: 6, address: readWord(pdu, 1), words });
}

function parseWriteBits(pdu: Uint8Array): ParsedRequest {
  const address = readWord(pdu, 1);
  const quantity = readWord(pdu, 3);
  const byteCount = (quantity + 7) >> 3;
  if (pdu.length < 6 || quantity < 1 || quantity > WRITE_BITS_MAX) return malformed(15);
  if (pdu[5] !== byteCount || pdu.length !== 6 + byteCount) return malformed(15);
  if (address + quantity > TABLE_ADDRESSES) return beyond(15);
  return accept({ kind: "write-bits", function: 15, address, bits: readBits(pdu, 6, quantity) });
}

function parseWriteWords(pdu: Uint8Array): ParsedRequest {
  const address = readWord(pdu, 1);
  const quantity = readWord(pdu, 3);
  if (pdu.length < 6 || quantity < 1 || quantity > WRITE_WORDS_MAX) return malformed(16);
  if (pdu[5] !== 2 * quantity || pdu.length !== 6 + 2 * quantity) return malformed(16);
  if (address + quantity > TABLE_ADDRESSES) return beyond(16);
  return accept({ kind: "write-words", function: 16, address, words: readWords(pdu, 6, quantity) });
}

function parseMaskWord(pdu: Uint8Array): ParsedRequest {
  if (pdu.length !== 7) return malformed(22);
  return accept({
    kind: "mask-word",
    function: 22,
    address: readWord(pdu, 1),
    and: readWord(pdu, 3),
    or: readWord(pdu, 5),
  });
}

function parseReadWrite(pdu: Uint8Array): ParsedRequest {
  const readAddress = readWord(pdu, 1);
  const readQuantity = readWord(pdu, 3);
  const address = readWord(pdu, 5);
  const quantity = readWord(pdu, 7);
  if (pdu.length < 10 || readQuantity < 1 || readQuantity > READ_WORDS_MAX) return malformed(23);
  if (quantity < 1 || quantity > READ_WRITE_WORDS_MAX) return malformed(23);
  if (pdu[9] !== 2 * quantity || pdu.length !== 10 + 2 * quantity) return malformed(23);
  if (readAddress + readQuantity > TABLE_ADDRESSES) return beyond(23);
  if (address + quantity > TABLE_ADDRESSES) return beyond(23);
  const words = readWords(pdu, 10, quantity);
  return accept({
    kind: "read-write-words",
    function: 23,
    readAddress,
    readQuantity,
    address,
    words,
  });
}

/** MEI types other than 14 carry other protocols: not served (V1.1b3 section 6.19). */
function parseIdentify(pdu: Uint8Array): ParsedRequest {
  if (pdu.length < 2) return malformed(43);
  if (pdu[1] !== 14) return { ok: false, function: 43, code: "function", exception: 1 };
  const level = pdu[2] ?? 0;
  if (pdu.length !== 4) return malformed(43);
  if (level !== 1 && level !== 2 && level !== 3 && level !== 4) return malformed(43);
  return accept({ kind: "identify", function: 43, level, object: pdu[3] ?? 0 });
}

function accept(request: ModbusRequest): ParsedRequest {
  return { ok: true, request };
}

function malformed(code: number): ParsedRequest {
  return { ok: false, function: code, code: "malformed", exception: 3 };
}

function beyond(code: number): ParsedRequest {
  return { ok: false, function: code, code: "address", exception: 2 };
}
