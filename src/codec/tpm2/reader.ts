export type WireFault = {
  /**
   * `short` ends inside a field; `trailing` bytes behind the last field; `size` a length outside what its field may
   * have; `tag` a structure tag, magic or type that is not the one asked for; `value` a field that may not hold this.
   */
  readonly code: "short" | "trailing" | "size" | "tag" | "value";
  /** Offset of the field at fault, from the start of the outermost buffer. */
  readonly at: number;
};

export type TpmParsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: WireFault };

/** Reads `bytes` to their very end: what `take` leaves unread is a fault. Never throws, if `take` does not. */
export function parseWhole<T>(bytes: Uint8Array, take: (reader: TpmReader) => T): TpmParsed<T> {
  const reader = new TpmReader(bytes);
  const value = take(reader);
  const fault = reader.finish();
  return fault === null ? { ok: true, value } : { ok: false, fault };
}

/**
 * Big-endian fields of TPM 2.0 structures (Library Part 2). Never throws: the first fault stays, every read after it
 * gives zero or empty bytes. Byte strings are copies.
 */
export class TpmReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #fault: WireFault | null = null;

  constructor(bytes: Uint8Array, from = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  get fault(): WireFault | null {
    return this.#fault;
  }

  get left(): number {
    return this.#fault === null ? this.#end - this.#at : 0;
  }

  u8(): number {
    return this.#number(1);
  }

  u16(): number {
    return this.#number(2);
  }

  u32(): number {
    return this.#number(4);
  }

  u64(): bigint {
    const high = BigInt(this.#number(4));
    return (high << 32n) | BigInt(this.#number(4));
  }

  /** A number that may only be `wanted`. */
  expect(width: 1 | 2 | 4, wanted: number, code: WireFault["code"] = "value"): void {
    const at = this.#at;
    if (this.#number(width) !== wanted) this.fail(code, at);
  }

  /** TPMI_YES_NO: 0 or 1 and nothing else. */
  flag(): boolean {
    const at = this.#at;
    const value = this.u8();
    if (value > 1) this.fail("value", at);
    return value === 1;
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) {
      this.fail("short", this.#at);
      return EMPTY;
    }
    const from = this.#at;
    this.#at += length;
    return this.#bytes.slice(from, this.#at);
  }

  /** TPM2B: a 16-bit length from `least` to `most`, then that many bytes. */
  sized(most: number, least = 0): Uint8Array {
    const at = this.#at;
    const length = this.u16();
    if (length < least || length > most) {
      this.fail("size", at);
      return EMPTY;
    }
    return this.bytes(length);
  }

  /** A structure inside a TPM2B, which it must fill exactly. */
  nested<T>(most: number, take: (reader: TpmReader) => T): T {
    const at = this.#at;
    const length = this.u16();
    if (length > most) this.fail("size", at);
    else if (length > this.left) this.fail("short", this.#at);
    const end = this.#fault === null ? this.#at + length : this.#at;
    const inner = new TpmReader(this.#bytes, this.#at, end);
    const value = take(inner);
    const fault = inner.finish();
    if (this.#fault === null) {
      this.#fault = fault;
      this.#at = end;
    }
    return value;
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  fail(code: WireFault["code"], at: number = this.#at): void {
    this.#fault ??= { code, at };
  }

  /** The first fault; bytes left over are one. */
  finish(): WireFault | null {
    if (this.left > 0) this.fail("trailing");
    return this.#fault;
  }

  #number(width: 1 | 2 | 4): number {
    if (width > this.left) {
      this.fail("short");
      return 0;
    }
    let value = 0;
    for (let i = 0; i < width; i += 1) value = value * 256 + (this.#bytes[this.#at + i] ?? 0);
    this.#at += width;
    return value;
  }
}

const EMPTY = new Uint8Array(0);
