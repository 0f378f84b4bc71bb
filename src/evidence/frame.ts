/**
 * Frames of the log file (evidence.cddl section 1): `d9d9f7 83`, kind, body, check. An RFC 8742 sequence of
 * them is a segment. The mark lets a reader find the next frame after damage; the check, first 8 bytes of
 * SHA-256(kind || body), is against accident, not against people. A leaf's check is the start of its own
 * leaf hash.
 */
export const FRAME_KIND = { leaf: 0, commit: 16, checkpoint: 17 } as const;
export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND];

/** SHA-256. Evidence takes it as an argument, so that it needs no runtime. May not keep or change the bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const FRAME_BYTES_MAX = 65_536;
/** Mark, kind, longest byte string head, check with its head. */
const OVERHEAD = 4 + 1 + 3 + 9;
export const BODY_BYTES_MAX: number = FRAME_BYTES_MAX - OVERHEAD;

export type Frame = {
  readonly kind: FrameKind;
  /** Where its body and the frame itself end in the bytes given. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly end: number;
  /** SHA-256(kind || body): for a leaf its Merkle leaf hash. */
  readonly digest: Uint8Array;
};

export type FrameRead =
  | { readonly kind: "frame"; readonly frame: Frame }
  /** Right so far, but the bytes end before the frame does. */
  | { readonly kind: "short" }
  /** No frame starts here. */
  | { readonly kind: "bad"; readonly why: string };

/** Reads frames out of bytes; keeps one scratch buffer for hashing. */
export class FrameReader {
  private readonly scratch: Uint8Array = new Uint8Array(BODY_BYTES_MAX + 1);
  private readonly sha256: Sha256;
  private hashed = 0;

  constructor(sha256: Sha256) {
    this.sha256 = sha256;
  }

  /** Bytes hashed so far: what reading has cost. */
  get hashedBytes(): number {
    return this.hashed;
  }

  /** The frame that starts at `start`; bytes from `end` on do not exist. */
  read(bytes: Uint8Array, start: number, end: number): FrameRead {
    const shape = readShape(bytes, start, end);
    if (shape.kind !== "shape") return shape;
    const { frameKind, bodyStart, bodyEnd } = shape;
    const digest = this.digest(frameKind, bytes, bodyStart, bodyEnd);
    for (let i = 0; i < CHECK_BYTES; i += 1) {
      if (digest[i] !== bytes[bodyEnd + 1 + i])
        return { kind: "bad", why: "its check does not match" };
    }
    return {
      kind: "frame",
      frame: { kind: frameKind, bodyStart, bodyEnd, end: bodyEnd + 1 + CHECK_BYTES, digest },
    };
  }

  /**
   * The same by its form alone, its check not compared: for those who look for something and read it in full when they
   * find it.
   */
  glance(bytes: Uint8Array, start: number, end: number): Omit<Frame, "digest"> | null {
    const shape = readShape(bytes, start, end);
    if (shape.kind !== "shape") return null;
    const { frameKind: kind, bodyStart, bodyEnd } = shape;
    return { kind, bodyStart, bodyEnd, end: bodyEnd + 1 + CHECK_BYTES };
  }

  private digest(kind: FrameKind, bytes: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    this.hashed += length;
    this.scratch[0] = kind;
    this.scratch.set(bytes.subarray(start, end), 1);
    return this.sha256(this.scratch.subarray(0, length + 1));
  }
}

/**
 * Collects frames in one reused buffer: a group that goes to disk in one write. `bytes` is valid until the
 * next `reset`.
 */
export class FrameWriter {
  private buffer: Uint8Array = new Uint8Array(65_536);
  private at = 0;

  get length(): number {
    return this.at;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  reset(): void {
    this.at = 0;
  }

  /** `digest` is SHA-256(kind || body). Throws RangeError for a body longer than a frame can hold. */
  put(kind: FrameKind, body: Uint8Array, digest: Uint8Array): void {
    const length = body.length;
    if (length > BODY_BYTES_MAX) {
      throw new RangeError(`evidence: a body of ${length} bytes does not fit a frame`);
    }
    if (this.at + length + OVERHEAD > this.buffer.length) this.grow(length + OVERHEAD);
    const buffer = this.buffer;
    let at = this.at;
    for (const byte of MARK) buffer[at++] = byte;
    buffer[at++] = kind;
    if (length < 24) {
      buffer[at++] = 0x40 | length;
    } else if (length < 0x100) {
      buffer[at++] = 0x58;
      buffer[at++] = length;
    } else {
      buffer[at++] = 0x59;
      buffer[at++] = length >>> 8;
      buffer[at++] = length;
    }
    buffer.set(body, at);
    at += length;
    buffer[at++] = CHECK_HEAD;
    for (let i = 0; i < CHECK_BYTES; i += 1) buffer[at++] = digest[i] ?? 0;
    this.at = at;
  }

  private grow(count: number): void {
    const wider = new Uint8Array(Math.max(this.at + count, this.buffer.length * 2));
    wider.set(this.buffer.subarray(0, this.at));
    this.buffer = wider;
  }
}

/** Offset of the next mark at or after `start`; -1 when there is none before `end`. */
export function findMark(bytes: Uint8Array, start: number, end: number): number {
  let at = bytes.indexOf(MARK[0], start);
  while (at >= 0 && at + MARK.length <= end) {
    if (bytes[at + 1] === MARK[1] && bytes[at + 2] === MARK[2] && bytes[at + 3] === MARK[3])
      return at;
    at = bytes.indexOf(MARK[0], at + 1);
  }
  return -1;
}

const MARK = [0xd9, 0xd9, 0xf7, 0x83] as const;
const CHECK_BYTES = 8;
const CHECK_HEAD = 0x40 | CHECK_BYTES;

type Shape =
  | {
      readonly kind: "shape";
      readonly frameKind: FrameKind;
      readonly bodyStart: number;
      readonly bodyEnd: number;
    }
  | Exclude<FrameRead, { readonly kind: "frame" }>;

const SHORT = { kind: "short" } as const;

function readShape(bytes: Uint8Array, start: number, end: number): Shape {
  for (let i = 0; i < MARK.length; i += 1) {
    if (start + i >= end) return SHORT;
    if (bytes[start + i] !== MARK[i]) return { kind: "bad", why: "no frame mark" };
  }
  if (start + 4 >= end) return SHORT;
  const frameKind = kindOf(bytes[start + 4] ?? -1);
  if (frameKind === null) return { kind: "bad", why: "no such kind of frame" };
  const body = readBodyHead(bytes, start + 5, end);
  if (body.kind !== "body") return body;
  const bodyEnd = body.start + body.length;
  if (bodyEnd - start > FRAME_BYTES_MAX - CHECK_BYTES - 1) return { kind: "bad", why: "too long" };
  if (bodyEnd < end && bytes[bodyEnd] !== CHECK_HEAD) return { kind: "bad", why: "no check" };
  if (bodyEnd + 1 + CHECK_BYTES > end) return SHORT;
  return { kind: "shape", frameKind, bodyStart: body.start, bodyEnd };
}

function readBodyHead(
  bytes: Uint8Array,
  at: number,
  end: number,
):
  | { readonly kind: "body"; readonly start: number; readonly length: number }
  | Exclude<FrameRead, { readonly kind: "frame" }> {
  if (at >= end) return SHORT;
  const first = bytes[at] ?? 0;
  if (first >= 0x40 && first < 0x58) return { kind: "body", start: at + 1, length: first - 0x40 };
  if (first === 0x58) {
    if (at + 1 >= end) return SHORT;
    const length = bytes[at + 1] ?? 0;
    if (length < 24) return { kind: "bad", why: "a length written longer than needed" };
    return { kind: "body", start: at + 2, length };
  }
  if (first === 0x59) {
    if (at + 2 >= end) return SHORT;
    const length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    if (length < 0x100) return { kind: "bad", why: "a length written longer than needed" };
    return { kind: "body", start: at + 3, length };
  }
  return { kind: "bad", why: "no byte string" };
}

function kindOf(byte: number): FrameKind | null {
  if (byte === FRAME_KIND.leaf) return FRAME_KIND.leaf;
  if (byte === FRAME_KIND.commit) return FRAME_KIND.commit;
  return byte === FRAME_KIND.checkpoint ? FRAME_KIND.checkpoint : null;
}
