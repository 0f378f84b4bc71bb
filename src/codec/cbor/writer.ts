/**
 * Deterministic CBOR (RFC 8949 section 4.2.1) into one reused buffer: shortest heads, definite lengths, no
 * floats. The caller writes map keys in their canonical order (for whole values of unknown shape there is
 * `encodeCbor`, which sorts). What cannot be written exactly is refused by a RangeError: unsafe integers,
 * -0, NaN and infinities, lone surrogates. Nothing half-written is ever handed out by `copy` or `view`
 * after such an error unless the caller asks for it: call `reset` first.
 */
export class CborWriter {
  private buffer: Uint8Array;
  private at: number;
  private readonly sizeMax: number;

  /** Grows by doubling up to `sizeMax` bytes; beyond that every method throws. */
  constructor(capacity = 4096, sizeMax: number = 16 * 1024 * 1024) {
    this.buffer = new Uint8Array(Math.min(capacity, sizeMax));
    this.at = 0;
    this.sizeMax = sizeMax;
  }

  get length(): number {
    return this.at;
  }

  reset(): void {
    this.at = 0;
  }

  /** A fresh copy of the bytes from `from`. */
  copy(from = 0): Uint8Array {
    return this.buffer.slice(from, this.at);
  }

  /** The bytes themselves: valid only until the next write or reset. */
  view(from = 0): Uint8Array {
    return this.buffer.subarray(from, this.at);
  }

  /** One byte as it is: a prefix that is no CBOR, or an item known beforehand. */
  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.at++] = value;
  }

  /** An item that is CBOR already, or other bytes as they are. */
  encoded(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  uint(value: number): void {
    if (value < 0 || !Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new RangeError(`CBOR: ${value} is not an unsigned safe integer`);
    }
    this.head(0x00, value);
  }

  int(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new RangeError(`CBOR: ${value} is not a safe integer`);
    }
    if (value >= 0) this.head(0x00, value);
    else this.head(0x20, -1 - value);
  }

  /** From -2^64 to 2^64 - 1; beyond that CBOR has bignums, which evidence does not use. */
  bigint(value: bigint): void {
    const major = value >= 0n ? 0x00 : 0x20;
    const argument = value >= 0n ? value : -1n - value;
    if (argument > 0xffff_ffff_ffff_ffffn) {
      throw new RangeError(`CBOR: ${value.toString()} does not fit 64 bits`);
    }
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.head(major, Number(argument));
      return;
    }
    this.reserve(9);
    this.buffer[this.at++] = major | 27;
    this.word(Number(argument >> 32n));
    this.word(Number(argument & 0xffff_ffffn));
  }

  bytes(value: Uint8Array): void {
    this.head(0x40, value.length);
    this.encoded(value);
  }

  text(value: string): void {
    const length = utf8Length(value);
    this.head(0x60, length);
    this.reserve(length);
    this.at =
      length === value.length
        ? putAscii(this.buffer, this.at, value)
        : putUtf8(this.buffer, this.at, value);
  }

  array(length: number): void {
    this.head(0x80, length);
  }

  map(length: number): void {
    this.head(0xa0, length);
  }

  tag(value: number): void {
    this.head(0xc0, value);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xf5 : 0xf4);
  }

  null(): void {
    this.byte(0xf6);
  }

  /** Tag 4 (RFC 8949 section 3.4.4): mantissa x 10^exponent, as given. */
  decimal(exponent: number, mantissa: number | bigint): void {
    this.head(0xc0, 4);
    this.head(0x80, 2);
    this.int(exponent);
    if (typeof mantissa === "bigint") this.bigint(mantissa);
    else this.int(mantissa);
  }

  private head(major: number, argument: number): void {
    if (this.at + 9 > this.buffer.length) this.grow(9);
    const buffer = this.buffer;
    if (argument < 24) {
      buffer[this.at++] = major | argument;
    } else if (argument < 0x100) {
      buffer[this.at++] = major | 24;
      buffer[this.at++] = argument;
    } else if (argument < 0x1_0000) {
      buffer[this.at++] = major | 25;
      buffer[this.at++] = argument >>> 8;
      buffer[this.at++] = argument;
    } else if (argument < 0x1_0000_0000) {
      buffer[this.at++] = major | 26;
      this.word(argument);
    } else {
      buffer[this.at++] = major | 27;
      this.word(Math.floor(argument / 0x1_0000_0000));
      this.word(argument);
    }
  }

  /** Low 32 bits, most significant byte first; room is already there. */
  private word(value: number): void {
    const buffer = this.buffer;
    const low = value >>> 0;
    buffer[this.at++] = low >>> 24;
    buffer[this.at++] = low >>> 16;
    buffer[this.at++] = low >>> 8;
    buffer[this.at++] = low;
  }

  private reserve(count: number): void {
    if (this.at + count > this.buffer.length) this.grow(count);
  }

  private grow(count: number): void {
    const needed = this.at + count;
    if (needed > this.sizeMax) {
      throw new RangeError(`CBOR: more than the ${this.sizeMax} bytes allowed here`);
    }
    const wider = new Uint8Array(Math.min(this.sizeMax, Math.max(needed, this.buffer.length * 2)));
    wider.set(this.buffer.subarray(0, this.at));
    this.buffer = wider;
  }
}

/** Bytes of `text` in UTF-8; throws on a lone surrogate, which no UTF-8 can carry. */
function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      length += 2;
    } else {
      const next = text.charCodeAt(i + 1);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) {
        throw new RangeError(`CBOR: lone surrogate at position ${i} of a text`);
      }
      length += 2;
      i += 1;
    }
  }
  return length;
}

function putAscii(buffer: Uint8Array, start: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) buffer[start + i] = text.charCodeAt(i);
  return start + text.length;
}

function putUtf8(buffer: Uint8Array, start: number, text: string): number {
  let at = start;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) {
      buffer[at++] = code;
    } else if (code < 0x800) {
      buffer[at++] = 0xc0 | (code >> 6);
      buffer[at++] = 0x80 | (code & 0x3f);
    } else if (code < 0x1_0000) {
      buffer[at++] = 0xe0 | (code >> 12);
      buffer[at++] = 0x80 | ((code >> 6) & 0x3f);
      buffer[at++] = 0x80 | (code & 0x3f);
    } else {
      buffer[at++] = 0xf0 | (code >> 18);
      buffer[at++] = 0x80 | ((code >> 12) & 0x3f);
      buffer[at++] = 0x80 | ((code >> 6) & 0x3f);
      buffer[at++] = 0x80 | (code & 0x3f);
    }
  }
  return at;
}
