import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../../src/codec/cbor/decode.js";
import { takeNumber } from "../../../../src/codec/cbor/number.js";
import { CborReader } from "../../../../src/codec/cbor/reader.js";

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

describe("the strict CBOR reader", () => {
  it.each([
    ["", "truncated", 0],
    ["18", "truncated", 0],
    ["1817", "not-shortest", 0],
    ["1900ff", "not-shortest", 0],
    ["1a0000ffff", "not-shortest", 0],
    ["1b00000000ffffffff", "not-shortest", 0],
    ["1c", "reserved", 0],
    ["1f", "indefinite", 0],
    ["5f4101ff", "indefinite", 0],
    ["9f01ff", "indefinite", 0],
    ["bf0101ff", "indefinite", 0],
    ["ff", "indefinite", 0],
    ["f90000", "float", 0],
    ["fa47c35000", "float", 0],
    ["fb7ff8000000000000", "float", 0],
    ["f7", "simple", 0],
    ["f0", "simple", 0],
    ["f818", "simple", 0],
    ["f8ff", "simple", 0],
    ["4401", "truncated", 0],
    ["5affffffff00", "truncated", 0],
    ["9affffffff", "truncated", 0],
    ["9bffffffffffffffff", "truncated", 0],
    ["baffffffff", "truncated", 0],
    ["5bffffffffffffffff", "truncated", 0],
    ["61ff", "utf8", 1],
    ["62c0af", "utf8", 1],
    ["63eda080", "utf8", 1],
    ["64f4908080", "utf8", 1],
    ["62c3", "truncated", 0],
    ["61c3", "utf8", 1],
    ["63e28028", "not", 0],
    ["a201000100", "key-duplicate", 3],
    ["a202000100", "key-order", 3],
    ["a2200001" + "00", "key-order", 3],
    ["a26161006000", "key-order", 4],
    ["a1f500", "type", 1],
    ["0000", "trailing", 1],
    ["8201", "truncated", 0],
  ] as const)("refuses %s as %s at %i", (hex, code, offset) => {
    const read = decodeCbor(fromHex(hex));
    if (code === "not") {
      // A continuation byte that is none: the sequence is refused where it begins.
      expect(read).toEqual({ ok: false, fault: { code: "utf8", offset: 1 } });
      return;
    }
    expect(read).toEqual({ ok: false, fault: { code, offset } });
  });

  it("refuses nesting deeper than its limit, without a stack to overflow", () => {
    const deep = new Uint8Array(100_000).fill(0x81);
    expect(decodeCbor(deep)).toMatchObject({ ok: false, fault: { code: "depth" } });
    const tags = new Uint8Array(100_000).fill(0xc0);
    expect(decodeCbor(tags)).toMatchObject({ ok: false, fault: { code: "depth" } });
  });

  it("reads what the writer writes", () => {
    expect(decodeCbor(fromHex("a3010220820163c3a4610161" + "32"))).toMatchObject({ ok: false });
    expect(decodeCbor(fromHex("a2016161208200f6"))).toEqual({
      ok: true,
      value: new Map<number, unknown>([
        [1, "a"],
        [-1, [0, null]],
      ]),
    });
    expect(decodeCbor(fromHex("1bffffffffffffffff"))).toEqual({
      ok: true,
      value: 18_446_744_073_709_551_615n,
    });
    expect(decodeCbor(fromHex("3b001fffffffffffff"))).toEqual({
      ok: true,
      value: -9_007_199_254_740_992n,
    });
    expect(decodeCbor(fromHex("d2f6"))).toEqual({ ok: true, value: { tag: 18, value: null } });
  });

  it("takes so many items as were allowed, keys and tags among them, and not one more", () => {
    for (const [hex, items] of [
      ["00", 1],
      ["83808001", 4],
      ["a2016161208200f6", 7],
      ["d2f6", 2],
    ] as const) {
      expect(decodeCbor(fromHex(hex), items).ok, hex).toBe(true);
      expect(decodeCbor(fromHex(hex), items - 1), hex).toMatchObject({
        ok: false,
        fault: { code: "items" },
      });
    }
  });

  it("reads a map of known shape only with exactly its keys in order", () => {
    const read = (hex: string): string | null => {
      const reader = new CborReader(fromHex(hex));
      reader.open();
      reader.key(1);
      reader.uint();
      if (reader.has(4)) reader.uint();
      reader.key(5);
      reader.uint();
      reader.close();
      reader.finish();
      return reader.fault?.code ?? null;
    };
    expect(read("a201000500")).toBe(null);
    expect(read("a3010004000500")).toBe(null);
    expect(read("a3010005000600")).toBe("key-unexpected");
    expect(read("a1010" + "0")).toBe("key-missing");
    expect(read("a205000100")).toBe("key-missing");
    expect(read("a301000100" + "0500")).toBe("key-missing");
    expect(read("a30100050005" + "00")).toBe("key-unexpected");
    expect(read("a20100050000")).toBe("trailing");
    expect(read("80")).toBe("type");
  });

  it("keeps the first fault and gives empty values after it", () => {
    const reader = new CborReader(fromHex("82f9000001"));
    expect(reader.array(2)).toBe(2);
    expect(reader.uint()).toBe(0);
    expect(reader.uint()).toBe(0);
    expect(reader.text()).toBe("");
    expect(reader.bytes()).toHaveLength(0);
    expect(reader.array()).toBe(0);
    expect(reader.bool()).toBe(false);
    expect(reader.isNull()).toBe(false);
    expect(reader.fault).toEqual({ code: "float", offset: 1 });
  });

  it("refuses integers a number cannot hold where one stands", () => {
    const big = new CborReader(fromHex("1b0020000000000000"));
    big.uint();
    expect(big.fault).toEqual({ code: "range", offset: 0 });
    const low = new CborReader(fromHex("3b001fffffffffffff"));
    low.int();
    expect(low.fault?.code).toBe("range");
    const tag = new CborReader(fromHex("00"));
    tag.tag();
    expect(tag.fault?.code).toBe("type");
  });

  it.each([
    ["c482211913a1", 50.25],
    ["c4822020", -0.1],
    ["c4821501", 1e21],
    ["1832", 50],
  ] as const)("reads the number %s", (hex, value) => {
    const reader = new CborReader(fromHex(hex));
    expect(takeNumber(reader)).toBe(value);
    expect(reader.finish()).toBe(true);
  });

  it.each([
    ["c482211832", "not-shortest"], // 0.50: a trailing zero
    ["c4820005", "not-shortest"], // 5 is an integer
    ["c4820105", "not-shortest"], // 50 too
    ["c482190fff01", "not-shortest"], // beyond doubles
    ["c58220" + "01", "type"], // a bigfloat
    ["c4832001" + "00", "length"],
    ["c482201b0020000000000001", "not-shortest"], // more digits than a double has
  ] as const)("refuses %s as a number", (hex, code) => {
    const reader = new CborReader(fromHex(hex));
    takeNumber(reader);
    expect(reader.fault?.code).toBe(code);
  });
});
