import { CborReader } from "../cbor/reader.js";
import { CborWriter } from "../cbor/writer.js";

/**
 * Length-prefixed CBOR frames: four bytes, most significant first, then one array of unsigned integers,
 * byte strings, short ASCII texts, booleans and nulls. Written in place into one reused buffer and read
 * without building a tree, for a door sends tens of thousands a second.
 */
export class FrameWriter {
  readonly #out: CborWriter;
  #frameAt = 0;

  constructor(capacity = 65_536, sizeMax: number = 16 * 1_048_576) {
    this.#out = new CborWriter(capacity, sizeMax);
  }

  /** Bytes written and not taken. */
  get length(): number {
    return this.#out.length;
  }

  begin(items: number): this {
    this.#frameAt = this.#out.length;
    for (let place = 0; place < PREFIX_BYTES; place++) this.#out.byte(0);
    return this.array(items);
  }

  end(): void {
    const frame = this.#out.view(this.#frameAt);
    const body = frame.length - PREFIX_BYTES;
    frame[0] = body >>> 24;
    frame[1] = (body >>> 16) & 0xff;
    frame[2] = (body >>> 8) & 0xff;
    frame[3] = body & 0xff;
  }

  array(items: number): this {
    this.#out.array(items);
    return this;
  }

  uint(value: number): this {
    this.#out.uint(value);
    return this;
  }

  blob(bytes: Uint8Array): this {
    this.#out.bytes(bytes);
    return this;
  }

  /** What is not printable ASCII becomes "?": these texts are addresses and messages of our own. */
  text(text: string): this {
    this.#out.text(text.replace(/[^\x20-\x7e]/g, "?"));
    return this;
  }

  bool(value: boolean): this {
    this.#out.bool(value);
    return this;
  }

  nil(): this {
    this.#out.null();
    return this;
  }

  /** A copy of all finished frames; the writer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.#out.copy();
    this.#out.reset();
    return taken;
  }
}

/**
 * Reads the body of one frame as hostile input. Every method returns a harmless value after the first
 * fault; only {@link FrameReader.complete} tells whether all that was read may be believed.
 */
export class FrameReader {
  readonly #from: CborReader;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#from = new CborReader(bytes, at, end);
  }

  /** True when nothing was wrong and nothing is left over. */
  complete(): boolean {
    return this.#from.finish();
  }

  /** Number of items, at most `most`. */
  array(most: number): number {
    return this.#limited(this.#from.array(), most);
  }

  exactly(items: number): void {
    this.#from.array(items);
  }

  uint(most: number): number {
    return this.#limited(this.#from.uint(), most);
  }

  /** A copy: the frame's memory belongs to the socket. */
  blob(least: number, most: number): Uint8Array {
    return this.#from.bytes(least, most);
  }

  /** Printable ASCII only: it ends on terminals and in logs. */
  text(most: number): string {
    const text = this.#from.text();
    if (text.length <= most && /^[\x20-\x7e]*$/.test(text)) return text;
    this.#from.fail("range");
    return "";
  }

  bool(): boolean {
    return this.#from.bool();
  }

  /** Takes a null if one stands here. */
  nil(): boolean {
    return this.#from.isNull();
  }

  #limited(value: number, most: number): number {
    if (value <= most) return value;
    this.#from.fail("range");
    return 0;
  }
}

/**
 * Cuts a stream into frame bodies and calls back with each; the view lives only during the call.
 * `take` returns false, and must not be called again, once a length is over the limit or zero, or the
 * callback said that a frame was bad.
 */
export class FrameSplitter {
  readonly #most: number;
  readonly #each: (bytes: Uint8Array, at: number, end: number) => boolean;
  #rest: Uint8Array = EMPTY;

  constructor(most: number, each: (bytes: Uint8Array, at: number, end: number) => boolean) {
    this.#most = most;
    this.#each = each;
  }

  take(chunk: Uint8Array): boolean {
    const bytes = this.#rest.length === 0 ? chunk : join(this.#rest, chunk);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length =
        (bytes[at] ?? 0) * 0x100_0000 +
        (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
      if (length === 0 || length > this.#most) return false;
      if (bytes.length - at - 4 < length) break;
      if (!this.#each(bytes, at + 4, at + 4 + length)) return false;
      at += 4 + length;
    }
    this.#rest = at === bytes.length ? EMPTY : bytes.slice(at);
    return true;
  }
}

const EMPTY = new Uint8Array(0);
const PREFIX_BYTES = 4;

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
