import { encode } from "cborg";
import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../../../src/codec/cbor/encode.js";
import { putNumber } from "../../../../src/codec/cbor/number.js";
import { CborWriter } from "../../../../src/codec/cbor/writer.js";
import type { CborValue } from "../../../../src/codec/cbor/value.js";

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function written(put: (writer: CborWriter) => void): string {
  const writer = new CborWriter(1);
  put(writer);
  return hexOf(writer.copy());
}

describe("the CBOR writer", () => {
  it("writes every head in its shortest form", () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, "00"],
      [23, "17"],
      [24, "1818"],
      [255, "18ff"],
      [256, "190100"],
      [65_535, "19ffff"],
      [65_536, "1a00010000"],
      [4_294_967_295, "1affffffff"],
      [4_294_967_296, "1b0000000100000000"],
      [Number.MAX_SAFE_INTEGER, "1b001fffffffffffff"],
      [-1, "20"],
      [-24, "37"],
      [-25, "3818"],
      [-70_001, "3a00011170"],
      [Number.MIN_SAFE_INTEGER, "3b001ffffffffffffe"],
    ];
    for (const [value, hex] of cases) {
      expect(
        written((writer) => {
          writer.int(value);
        }),
      ).toBe(hex);
    }
  });

  it("writes integers of 64 bits from bigints, in the form a number would have where one can hold them", () => {
    expect(
      written((w) => {
        w.bigint(18_446_744_073_709_551_615n);
      }),
    ).toBe("1bffffffffffffffff");
    expect(
      written((w) => {
        w.bigint(-18_446_744_073_709_551_616n);
      }),
    ).toBe("3bffffffffffffffff");
    expect(
      written((w) => {
        w.bigint(10n);
      }),
    ).toBe("0a");
    expect(() =>
      written((w) => {
        w.bigint(1n << 64n);
      }),
    ).toThrow(RangeError);
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53, -(2 ** 53)])(
    "refuses %d as an integer",
    (value) => {
      expect(() =>
        written((w) => {
          w.int(value);
        }),
      ).toThrow(RangeError);
      expect(() => encodeCbor(value)).toThrow(RangeError);
    },
  );

  it("refuses a negative number where an unsigned one stands", () => {
    expect(() =>
      written((w) => {
        w.uint(-1);
      }),
    ).toThrow(RangeError);
    expect(
      written((w) => {
        w.uint(0);
      }),
    ).toBe("00");
  });

  it("refuses lone surrogates and writes pairs as four bytes", () => {
    expect(() => encodeCbor("a\ud800")).toThrow(/position 1/);
    expect(() => encodeCbor("\udc00b")).toThrow(RangeError);
    expect(() => encodeCbor("\ud800\ud800")).toThrow(RangeError);
    expect(hexOf(encodeCbor("\u{10151}"))).toBe("64f0908591");
  });

  it("keeps numbers exact as decimal fractions", () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, "00"],
      [-0, "00"],
      [50.25, "c482211913a1"],
      [-0.1, "c4822020"],
      [1e21, "c4821501"],
      [1e-7, "c4822601"],
    ];
    for (const [value, hex] of cases) {
      expect(
        written((w) => {
          putNumber(w, value);
        }),
      ).toBe(hex);
    }
    expect(() =>
      written((w) => {
        putNumber(w, Number.NaN);
      }),
    ).toThrow(RangeError);
    expect(() =>
      written((w) => {
        putNumber(w, -Infinity);
      }),
    ).toThrow(RangeError);
  });

  it("sorts map keys by their bytes, not by the order they were put in", () => {
    const map = new Map<number | string, CborValue>([
      ["aa", 1],
      ["b", 2],
      [-1, 3],
      [100, 4],
      [-70_001, 5],
      [10, 6],
      ["", 7],
    ]);
    expect(hexOf(encodeCbor(map))).toBe("a70a06186404200" + "33a000111700560076162026261" + "6101");
  });

  it("writes the same bytes as cborg for whole values", () => {
    const values: readonly CborValue[] = [
      [1, [2, [3, []]], new Map(), "ü€𐅑", true, false, null],
      new Map<number | string, CborValue>([
        [1, new Uint8Array(300)],
        [2, "x".repeat(70_000)],
        [-5, [-1, -300, 2 ** 40]],
      ]),
      Array.from({ length: 300 }, (_, i) => i * 77_777),
    ];
    for (const value of values) expect(hexOf(encodeCbor(value))).toBe(hexOf(encode(value)));
  });

  it("grows to its limit and refuses to grow beyond", () => {
    const writer = new CborWriter(4, 64);
    writer.bytes(new Uint8Array(50));
    expect(() => {
      writer.bytes(new Uint8Array(20));
    }).toThrow(/64 bytes/);
    writer.reset();
    writer.text("again");
    expect(hexOf(writer.view())).toBe("65616761696e");
  });

  it("refuses nesting without end", () => {
    let value: CborValue = 1;
    for (let i = 0; i < 40; i += 1) value = [value];
    expect(() => encodeCbor(value)).toThrow(/deep/);
  });
});
