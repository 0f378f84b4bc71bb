import { describe, expect, it } from "vitest";
import {
  BODY_BYTES_MAX,
  findMark,
  FRAME_KIND,
  FrameReader,
  FrameWriter,
} from "../../../src/evidence/frame.js";
import { scanSegment, type SegmentScan } from "../../../src/evidence/scan.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";

function frameOf(kind: 0 | 16 | 17, body: Uint8Array): Uint8Array {
  const writer = new FrameWriter();
  writer.put(kind, body, sha256(Uint8Array.of(kind, ...body)));
  return writer.bytes().slice();
}

const FRAMES = [
  frameOf(0, bytes(5, 1)),
  frameOf(0, bytes(24, 2)),
  frameOf(16, bytes(34, 3)),
  frameOf(0, bytes(300, 4)),
  frameOf(17, bytes(255, 6)),
  frameOf(16, bytes(34, 0xd9)),
];
const LOG = new Uint8Array(Buffer.concat(FRAMES));
const STARTS = FRAMES.map((_, i) => FRAMES.slice(0, i).reduce((sum, one) => sum + one.length, 0));

type Seen = SegmentScan & { readonly frames: number; readonly gaps: readonly number[] };

function scan(log: Uint8Array): Seen {
  let frames = 0;
  const gaps: number[] = [];
  const result = scanSegment(log, new FrameReader(sha256), {
    frame: () => {
      frames += 1;
      return null;
    },
    gap: (offset) => gaps.push(offset),
  });
  return { ...result, frames, gaps };
}

/** Frames that end at or before this byte. */
const wholeBefore = (at: number): number =>
  FRAMES.filter((frame, i) => (STARTS[i] ?? 0) + frame.length <= at).length;
const endOf = (count: number): number =>
  count === FRAMES.length ? LOG.length : (STARTS[count] ?? 0);

describe("frames", () => {
  it("stand exactly as the format says", () => {
    const body = Uint8Array.of(1, 2, 3);
    const check = sha256(Uint8Array.of(0, 1, 2, 3)).slice(0, 8);
    expect(Buffer.from(frameOf(0, body)).toString("hex")).toBe(
      `d9d9f7830043010203` + `48${Buffer.from(check).toString("hex")}`,
    );
    const root = bytes(32, 7);
    const commit = frameOf(16, Uint8Array.of(0x58, 0x20, ...root));
    expect(Buffer.from(commit).toString("hex").slice(0, 16)).toBe(
      "d9d9f7831058225820".slice(0, 16),
    );
  });

  it("hold at most what fits 64 KiB, and say so", () => {
    const frames = new FrameWriter();
    const body = bytes(BODY_BYTES_MAX, 1);
    frames.put(FRAME_KIND.leaf, body, sha256(body));
    expect(frames.length).toBe(65_536);
    expect(() => {
      frames.put(FRAME_KIND.leaf, bytes(BODY_BYTES_MAX + 1, 1), sha256(body));
    }).toThrow(RangeError);
    expect(scan(frameOf(0, body))).toMatchObject({ found: "clean", frames: 1 });
  });

  it("are searched by their mark only before the end given", () => {
    const log = Uint8Array.of(0xd9, 0xd9, 0xd9, 0xf7, 0x83, 0xd9);
    expect(findMark(log, 0, 6)).toBe(1);
    expect(findMark(log, 0, 4)).toBe(-1);
    expect(findMark(log, 2, 6)).toBe(-1);
  });
});

describe("a scan of a segment", () => {
  it("finds a whole one clean", () => {
    expect(scan(LOG)).toMatchObject({ found: "clean", goodEnd: LOG.length, frames: FRAMES.length });
    expect(scan(new Uint8Array(0))).toMatchObject({ found: "clean", goodEnd: 0, frames: 0 });
  });

  it("finds one cut at any byte torn there, or clean between frames", () => {
    for (let cut = 0; cut < LOG.length; cut += 1) {
      const whole = wholeBefore(cut);
      const seen = scan(LOG.slice(0, cut));
      expect(seen.frames, `cut at ${cut}`).toBe(whole);
      expect(seen.goodEnd).toBe(endOf(whole));
      expect(seen.found).toBe(endOf(whole) === cut ? "clean" : "torn");
    }
  });

  it("finds one zeroed from any byte on torn, or a tail of zeros, never damaged", () => {
    for (let from = 0; from < LOG.length; from += 1) {
      const zeroed = LOG.slice();
      zeroed.fill(0, from);
      if (Buffer.from(zeroed).equals(LOG)) continue;
      const seen = scan(zeroed);
      const whole = wholeBefore(from);
      expect(seen.goodEnd, `zeros from ${from}`).toBeGreaterThanOrEqual(endOf(whole));
      const isZeroTail = zeroed.subarray(seen.goodEnd).every((byte) => byte === 0);
      expect(seen.found).toBe(isZeroTail ? "zero-tail" : "torn");
    }
  });

  it("finds any flipped bit where it is: damage when whole frames follow, a torn end when none does", () => {
    for (let bit = 0; bit < LOG.length * 8; bit += 1) {
      const flipped = LOG.slice();
      const at = bit >> 3;
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
      const seen = scan(flipped);
      const hit = wholeBefore(at);
      expect(seen.firstFault?.offset, `bit ${bit}`).toBe(STARTS[hit]);
      expect(seen.goodEnd).toBe(STARTS[hit]);
      expect(seen.found).toBe(hit < FRAMES.length - 1 ? "damaged" : "torn");
      expect(seen.frames).toBe(FRAMES.length - 1);
    }
  });

  it("finds damage where a sector in the middle was lost", () => {
    for (let from = 0; from + 64 < (STARTS.at(-1) ?? 0); from += 64) {
      const hole = LOG.slice();
      hole.fill(0, from, from + 64);
      expect(scan(hole).found).toBe("damaged");
    }
  });

  it("takes what cannot stand where it does for damage, however whole the frame is", () => {
    const seen = scanSegment(LOG, new FrameReader(sha256), {
      frame: (_frame, offset) => (offset === STARTS[2] ? "it is out of place" : null),
      gap: () => undefined,
    });
    expect(seen).toEqual({
      found: "damaged",
      goodEnd: STARTS[2],
      firstFault: { offset: STARTS[2], why: "it is out of place" },
    });
  });

  it("does not work without end on bytes made to be searched, and calls them damaged", () => {
    const claim = Uint8Array.of(0xd9, 0xd9, 0xf7, 0x83, 0, 0x59, 0xf0, 0);
    const hostile = new Uint8Array(4 * 1024 * 1024);
    for (let at = 0; at + 8 < hostile.length; at += 8) hostile.set(claim, at);
    // Every claim that ends in front of a check head is hashed.
    for (let at = 0; at < hostile.length; at += 8) hostile[at + 7] = 0x48;
    let hashed = 0;
    const reader = new FrameReader((data) => {
      hashed += data.length;
      return sha256(data);
    });
    const seen = scanSegment(hostile, reader, { frame: () => null, gap: () => undefined });
    expect(seen.goodEnd).toBe(0);
    expect(hashed).toBeLessThan(hostile.length * 10);
    expect(["torn", "damaged"]).toContain(seen.found);
  });
});
