import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../src/codec/cbor/encode.js";
import { putNumber, takeNumber } from "../../src/codec/cbor/number.js";
import { CborReader } from "../../src/codec/cbor/reader.js";
import {
  isCborList,
  isCborMap,
  type CborKey,
  type CborMap,
  type CborValue,
} from "../../src/codec/cbor/value.js";
import { CborWriter } from "../../src/codec/cbor/writer.js";
import { share } from "../support/share.js";

/** The full counts take minutes on a busy machine. */
const SOAK = { timeout: 900_000 };

const SEED = 20_261_123;
const RUNS = { seed: SEED, numRuns: share(200_000, 3_000) };

const key: fc.Arbitrary<CborKey> = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.string({ unit: "grapheme", maxLength: 30 }),
);

/** Whole values as evidence has them; `grapheme` texts are well formed. */
const value: fc.Arbitrary<CborValue> = fc.letrec<{ readonly value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.integer(),
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(true, false, null),
    fc.array(tie("value"), { maxLength: 30 }),
    fc
      .uniqueArray(fc.tuple(key, tie("value")), { selector: ([k]) => k, maxLength: 30 })
      .map((pairs): CborMap => new Map(pairs)),
  ),
})).value;

/** Maps come back in canonical order, which is not the order they were made in. */
function inOrder(item: CborValue): unknown {
  if (isCborList(item)) return item.map(inOrder);
  if (!isCborMap(item)) return item;
  return new Map([...item].map(([k, v]) => [k, inOrder(v)] as const).sort(byText));
}

const byText = (a: readonly [CborKey, unknown], b: readonly [CborKey, unknown]): number => {
  const [x, y] = [`${typeof a[0]}${a[0]}`, `${typeof b[0]}${b[0]}`];
  return x < y ? -1 : x > y ? 1 : 0;
};

describe("deterministic CBOR", SOAK, () => {
  it("is byte for byte what cborg writes, for any value", () => {
    fc.assert(
      fc.property(value, (item) => {
        expect(Buffer.from(encodeCbor(item)).equals(Buffer.from(encode(item)))).toBe(true);
      }),
      RUNS,
    );
  });

  it("reads back as the value it was written from", () => {
    fc.assert(
      fc.property(value, (item) => {
        const read = decodeCbor(encodeCbor(item));
        if (!read.ok) throw new Error(read.fault.code);
        expect(inOrder(read.value)).toEqual(inOrder(item));
      }),
      RUNS,
    );
  });

  it("is the only form the reader takes: what it accepts it would write the same", () => {
    const changed = fc.record({
      item: value,
      at: fc.nat(),
      byte: fc.integer({ min: 0, max: 255 }),
      how: fc.constantFrom("set", "cut", "add"),
    });
    let accepted = 0;
    fc.assert(
      fc.property(changed, ({ item, at, byte, how }) => {
        const whole = encodeCbor(item);
        const place = at % whole.length;
        const bytes =
          how === "cut"
            ? whole.slice(0, place)
            : how === "add"
              ? Uint8Array.of(...whole, byte)
              : whole.with(place, byte);
        const read = decodeCbor(bytes);
        if (!read.ok) {
          expect(read.fault.offset).toBeLessThanOrEqual(bytes.length);
          return;
        }
        accepted += 1;
        expect(Buffer.from(encodeCbor(read.value)).equals(bytes)).toBe(true);
      }),
      RUNS,
    );
    expect(accepted).toBeGreaterThan(RUNS.numRuns / 20);
  });

  it("never throws and never reads more than is there, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = decodeCbor(bytes);
        if (!read.ok || hasTag(read.value)) return;
        // cborg, told to be strict, takes everything we take (tags it wants to know one by one).
        decode(bytes, { useMaps: true, strict: true, allowIndefinite: false });
      }),
      RUNS,
    );
  });

  it("keeps every finite number exactly", () => {
    const numbers = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => n / 100),
      fc.maxSafeInteger(),
    );
    fc.assert(
      fc.property(numbers, (number) => {
        const writer = new CborWriter();
        putNumber(writer, number);
        const reader = new CborReader(writer.copy());
        expect(takeNumber(reader)).toBe(number === 0 ? 0 : number);
        expect(reader.finish()).toBe(true);
      }),
      RUNS,
    );
  });
});

function hasTag(item: CborValue): boolean {
  if (isCborList(item)) return item.some(hasTag);
  if (isCborMap(item)) return [...item.values()].some(hasTag);
  return typeof item === "object" && item !== null && "tag" in item;
}
