import { readUtf8 } from "./utf8.js";

/** What is wrong, and at which byte. `offset` counts from the start of the bytes given to the reader. */
export type CborFault = { readonly code: CborFaultCode; readonly offset: number };

export type CborFaultCode =
  | "truncated"
  | "not-shortest"
  | "indefinite"
  | "reserved"
  | "float"
  | "simple"
  | "type"
  | "range"
  | "utf8"
  | "key-order"
  | "key-duplicate"
  | "key-unexpected"
  | "key-missing"
  | "depth"
  | "items"
  | "length"
  | "trailing";

/** Major types of RFC 8949 section 3.1, by number. */
export const MAJOR = {
  uint: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

/**
 * Reads core-deterministic CBOR in one pass and accepts nothing else, so two different byte strings never
 * mean the same thing and no re-encoding is needed to know that. Meant for hostile bytes: no method throws,
 * the first fault is kept with its offset, and after it every method returns an empty value at once, so a
 * loop over a claimed length ends. A claimed length never exceeds the bytes that are left.
 *
 * Callers check `fault` (or `finish`) before they believe anything they read.
 */
export class CborReader {
  fault: CborFault | null = null;
  at: number;
  private readonly source: Uint8Array;
  private readonly end: number;
  /** Open maps: how many pairs are left in each. */
  private readonly left: number[] = [];
  private argument = 0;
  private itemsLeft = Number.MAX_SAFE_INTEGER;
  /** Set beside `argument` when the value does not fit a safe integer. */
  private wide: bigint | null = null;

  constructor(source: Uint8Array, start = 0, end: number = source.length) {
    this.source = source;
    this.at = start;
    this.end = end;
  }

  /** Keeps the first fault only. */
  fail(code: CborFaultCode, offset: number = this.at): void {
    this.fault ??= { code, offset };
    this.at = this.end;
  }

  /** A method, not a property: the compiler would take a property for unchanged by the calls between. */
  failed(): boolean {
    return this.fault !== null;
  }

  /** No more than so many items will be taken; each has to be told by {@link item}. */
  limit(itemsMax: number): void {
    this.itemsLeft = itemsMax;
  }

  /** Before an item is taken: a fault where there are too many. */
  item(): void {
    this.itemsLeft -= 1;
    if (this.itemsLeft < 0) this.fail("items");
  }

  /** True when everything was read and nothing was wrong. */
  finish(): boolean {
    if (this.fault === null && this.at !== this.end) this.fail("trailing");
    return this.fault === null;
  }

  /** Major type of the next item; -1 at the end or after a fault. */
  peek(): number {
    return this.at < this.end ? (this.source[this.at] ?? 0) >> 5 : -1;
  }

  uint(): number {
    return this.safe(this.head(MAJOR.uint));
  }

  int(): number {
    if (this.peek() !== MAJOR.negative) return this.uint();
    const start = this.at;
    const value = -1 - this.safe(this.head(MAJOR.negative));
    if (!Number.isSafeInteger(value)) this.fail("range", start);
    return value;
  }

  /** A 64-bit integer: a bigint only where a safe integer cannot hold it. */
  wideInt(): number | bigint {
    const negative = this.peek() === MAJOR.negative;
    if (!this.head(negative ? MAJOR.negative : MAJOR.uint)) return 0;
    if (this.wide === null) {
      const value = negative ? -1 - this.argument : this.argument;
      if (Number.isSafeInteger(value)) return value;
      this.wide = BigInt(this.argument);
    }
    return negative ? -1n - this.wide : this.wide;
  }

  /** A copy. `lengthMax` and `lengthMin` are in bytes. */
  bytes(lengthMin = 0, lengthMax: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    const start = this.at;
    if (!this.head(MAJOR.bytes)) return EMPTY;
    const length = this.run(start);
    if (this.fault !== null) return EMPTY;
    if (length < lengthMin || length > lengthMax) {
      this.fail("length", start);
      return EMPTY;
    }
    // Not `slice`: on a Buffer that is a view of somebody else's memory.
    const value = new Uint8Array(length);
    value.set(this.source.subarray(this.at, this.at + length));
    this.at += length;
    return value;
  }

  text(): string {
    const start = this.at;
    if (!this.head(MAJOR.text)) return "";
    const length = this.run(start);
    if (this.fault !== null) return "";
    const text = readUtf8(this.source, this.at, this.at + length);
    if (typeof text === "number") {
      this.fail("utf8", text);
      return "";
    }
    this.at += length;
    return text;
  }

  /** Number of items; with `length`, exactly so many. */
  array(length?: number): number {
    const start = this.at;
    if (!this.head(MAJOR.array)) return 0;
    const count = this.run(start);
    if (length !== undefined && count !== length && this.fault === null) this.fail("length", start);
    return this.fault === null ? count : 0;
  }

  bool(): boolean {
    const start = this.at;
    const byte = this.at < this.end ? this.source[this.at] : undefined;
    if (byte === 0xf4 || byte === 0xf5) {
      this.at += 1;
      return byte === 0xf5;
    }
    this.failType(start);
    return false;
  }

  /** Consumes a null when one is next. */
  isNull(): boolean {
    if (this.at < this.end && this.source[this.at] === 0xf6) {
      this.at += 1;
      return true;
    }
    return false;
  }

  tag(): number {
    return this.safe(this.head(MAJOR.tag));
  }

  /** Number of pairs. For maps of unknown shape; the caller checks the order of keys. */
  map(): number {
    const start = this.at;
    if (!this.head(MAJOR.map)) return 0;
    const count = this.argument;
    if (this.wide !== null || count * 2 > this.end - this.at) this.fail("truncated", start);
    return this.fault === null ? count : 0;
  }

  /** Whether the item at `before` sorts before the one at `start`, which ends here; faults otherwise. */
  keyFollows(before: number, start: number): void {
    const source = this.source;
    for (let i = 0; start + i < this.at; i += 1) {
      const difference = (source[start + i] ?? 0) - (source[before + i] ?? 0);
      if (difference > 0) return;
      if (difference < 0) {
        this.fail("key-order", start);
        return;
      }
    }
    this.fail("key-duplicate", start);
  }

  /**
   * A map of known shape with unsigned keys: `open`, then `key` and `has` in ascending order, then `close`.
   * As keys are asked for in canonical order, a map in any other order, with a key twice or with a key
   * nobody asks for is a fault.
   */
  open(): void {
    this.left.push(this.map());
    if (this.left.length > DEPTH_MAX) this.fail("depth");
  }

  /** The next key must be this one. */
  key(expected: number): void {
    if (!this.has(expected) && !this.failed()) this.fail("key-missing");
  }

  /** Whether the next key is this one; then it is consumed. */
  has(expected: number): boolean {
    const last = this.left.length - 1;
    const left = this.left[last] ?? 0;
    if (left === 0 || this.failed()) return false;
    const start = this.at;
    const key = this.uint();
    if (this.failed()) return false;
    if (key === expected) this.left[last] = left - 1;
    else this.at = start;
    return key === expected;
  }

  close(): void {
    const left = this.left.pop() ?? 0;
    if (left !== 0 && this.fault === null) this.fail("key-unexpected");
  }

  /** Reads a head of this major type into `argument` (or `wide`); false and a fault otherwise. */
  head(major: number): boolean {
    const start = this.at;
    if (start >= this.end) {
      this.fail("truncated");
      return false;
    }
    const first = this.source[start] ?? 0;
    if (first >> 5 !== major) {
      this.failType(start);
      return false;
    }
    const short = first & 0x1f;
    this.wide = null;
    if (short < 24) {
      this.argument = short;
      this.at = start + 1;
      return true;
    }
    if (short > 27) {
      this.fail(short === 31 ? "indefinite" : "reserved", start);
      return false;
    }
    return this.longHead(start, 1 << (short - 24));
  }

  private longHead(start: number, width: number): boolean {
    if (start + 1 + width > this.end) {
      this.fail("truncated", start);
      return false;
    }
    const source = this.source;
    let high = 0;
    let low = 0;
    for (let i = start + 1; i <= start + width; i += 1) {
      if (width === 8 && i <= start + 4) high = high * 256 + (source[i] ?? 0);
      else low = low * 256 + (source[i] ?? 0);
    }
    const argument = high * 0x1_0000_0000 + low;
    if (argument < (LEAST[width] ?? 0)) {
      this.fail("not-shortest", start);
      return false;
    }
    if (argument > Number.MAX_SAFE_INTEGER) this.wide = (BigInt(high) << 32n) | BigInt(low);
    this.argument = argument;
    this.at = start + 1 + width;
    return true;
  }

  private safe(read: boolean): number {
    if (!read) return 0;
    if (this.wide === null) return this.argument;
    this.fail("range", this.at - 9);
    return 0;
  }

  /** A length of bytes or items that must still be there. */
  private run(start: number): number {
    if (this.wide !== null || this.argument > this.end - this.at) {
      this.fail("truncated", start);
      return 0;
    }
    return this.argument;
  }

  private failType(start: number): void {
    if (start >= this.end) {
      this.fail("truncated", start);
      return;
    }
    const first = this.source[start] ?? 0;
    if (first >= 0xf9 && first <= 0xfb) this.fail("float", start);
    else if (first === 0xff) this.fail("indefinite", start);
    else if (first >= 0xe0 && first !== 0xf4 && first !== 0xf5 && first !== 0xf6) {
      this.fail("simple", start);
    } else this.fail("type", start);
  }
}

const EMPTY = new Uint8Array(0);
const DEPTH_MAX = 16;
/** Smallest argument a head with so many bytes may carry. */
const LEAST: Readonly<Record<number, number>> = { 1: 24, 2: 0x100, 4: 0x1_0000, 8: 0x1_0000_0000 };
