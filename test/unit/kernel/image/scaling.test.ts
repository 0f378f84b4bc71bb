import { describe, expect, it } from "vitest";
import {
  rawFromWords,
  toEngineering,
  toRaw,
  wordsFromRaw,
} from "../../../../src/kernel/image/scaling.js";
import type { ByteOrder } from "../../../../src/kernel/profile/model.js";
import { address } from "../../../support/tags.js";

const SPEED = { rawLow: 0, rawHigh: 6000, euLow: 0, euHigh: 60 };
const ORDERS: readonly ByteOrder[] = ["ABCD", "CDAB", "BADC", "DCBA"];

/** Bytes A, B, C, D of a value in the order they come on the wire. */
function onWire(bits: number, order: ByteOrder): number {
  const bytes = [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255];
  const places = [0, 1, 2, 3].map((place) => "ABCD".indexOf(order.charAt(place)));
  return places.reduce((raw, place) => raw * 256 + (bytes[place] ?? 0), 0);
}

function floatBits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}

describe("raw words to engineering values", () => {
  it("go along the straight line of the scale, exactly at whole steps", () => {
    expect(toEngineering("u16", "ABCD", SPEED, 5000)).toBe(50);
    expect(toEngineering("u16", "ABCD", SPEED, 3333)).toBe(33.33);
    expect(
      toEngineering(
        "i16",
        "ABCD",
        { rawLow: -500, rawHigh: 2000, euLow: -50, euHigh: 200 },
        0xffff,
      ),
    ).toBeCloseTo(-0.1, 10);
  });

  it("take the four byte orders apart", () => {
    for (const order of ORDERS) {
      expect(toEngineering("u32", order, null, onWire(0x12345678, order))).toBe(0x12345678);
      expect(toEngineering("i32", order, null, onWire(0xfffffffe, order))).toBe(-2);
      expect(toEngineering("f32", order, null, onWire(floatBits(3.5), order))).toBe(3.5);
    }
  });

  it("agree with IEEE 754 for every exponent and sign, subnormals and zeros included", () => {
    const view = new DataView(new ArrayBuffer(4));
    for (let exponent = 0; exponent < 255; exponent += 1) {
      for (const fraction of [0, 1, 0x2aaaaa, 0x7fffff]) {
        for (const sign of [0, 0x80000000]) {
          const bits = sign + exponent * 0x800000 + fraction;
          view.setUint32(0, bits);
          expect(toEngineering("f32", "ABCD", null, bits)).toBe(view.getFloat32(0) + 0);
        }
      }
    }
  });

  it("mean nothing where they hold no number", () => {
    expect(toEngineering("f32", "ABCD", null, 0x7fc00000)).toBeNaN();
    expect(toEngineering("f32", "ABCD", null, 0x7f800000)).toBeNaN();
    expect(toEngineering("f32", "ABCD", null, 0xff800000)).toBeNaN();
    expect(toEngineering("u16", "ABCD", null, 0x10000)).toBeNaN();
    expect(toEngineering("u16", "ABCD", null, -1)).toBeNaN();
    expect(toEngineering("u16", "ABCD", null, 1.5)).toBeNaN();
    expect(toEngineering("bit", "ABCD", null, 2)).toBeNaN();
  });

  it("never give minus zero", () => {
    expect(Object.is(toEngineering("f32", "ABCD", null, 0x80000000), 0)).toBe(true);
  });
});

describe("engineering values to raw words", () => {
  it("round to the nearest step and come back [HP-012 allows]", () => {
    const at = address("hr", 41);
    expect(toRaw(at, SPEED, 33.333)).toEqual({ ok: true, raw: 3333 });
    expect(toRaw(at, SPEED, 50)).toEqual({ ok: true, raw: 5000 });
    expect(toRaw({ ...address("hr", 1, "i16") }, null, -1)).toEqual({ ok: true, raw: 0xffff });
  });

  it("are refused outside the format, and when they are no number [HP-012 refuses]", () => {
    const at = address("hr", 41);
    expect(toRaw(at, SPEED, -1)).toEqual({ ok: false });
    expect(toRaw(at, SPEED, 700)).toEqual({ ok: false });
    expect(toRaw(at, SPEED, NaN)).toEqual({ ok: false });
    expect(toRaw(at, null, Infinity)).toEqual({ ok: false });
    expect(toRaw(address("hr", 1, "f32"), null, 1e39)).toEqual({ ok: false });
  });

  it("round floats to the nearest float, in every byte order", () => {
    for (const order of ORDERS) {
      const at = { ...address("hr", 1, "f32"), order };
      expect(toRaw(at, null, 0.1)).toEqual({ ok: true, raw: onWire(floatBits(0.1), order) });
    }
  });
});

describe("words", () => {
  it("join and part first word first", () => {
    expect(rawFromWords([9, 0x1234, 0x5678], 1, "u32")).toBe(0x12345678);
    expect(wordsFromRaw(0x12345678, "f32")).toEqual([0x1234, 0x5678]);
    expect(wordsFromRaw(7, "u16")).toEqual([7]);
  });

  it("are refused where they are not all there, or no words", () => {
    expect(rawFromWords([1], 0, "u32")).toBeNull();
    expect(rawFromWords([1], -1, "u32")).toBeNull();
    expect(rawFromWords([70000], 0, "u16")).toBeNull();
    expect(rawFromWords([2], 0, "bit")).toBeNull();
  });
});
