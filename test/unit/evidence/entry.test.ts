import { decode } from "cborg";
import { describe, expect, it } from "vitest";
import { CborWriter } from "../../../src/codec/cbor/writer.js";
import { decodeEntry, mayBeOfType } from "../../../src/evidence/decode-entry.js";
import { encodeEntry } from "../../../src/evidence/encode-entry.js";
import { ENTRY_TYPES, type Entry } from "../../../src/kernel/record/entry.js";
import { BODIES, bytes, decisionBody, entryOf, STAMP } from "../../support/evidence-samples.js";

const PREV = bytes(32, 0xab);

function encoded(entry: Entry): Uint8Array {
  const writer = new CborWriter();
  encodeEntry(writer, entry, PREV, STAMP);
  return writer.copy();
}

describe("an entry in bytes", () => {
  it.each(BODIES.map((body, i) => [`${body.type} (${i})`, body] as const))(
    "gives back the very %s it was made of [HP-071 allows]",
    (_name, body) => {
      const entry = entryOf(body, 4711, body.type === "outcome" ? 4710 : null);
      const read = decodeEntry(encoded(entry));
      expect(read).toEqual({ ok: true, entry, prev: PREV, stamp: STAMP });
    },
  );

  it.each([0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 42])(
    "with the number %d tells its type by one byte of its head",
    (seq) => {
      for (const body of BODIES) {
        const whole = encoded(entryOf(body, seq));
        const types = ENTRY_TYPES.filter((type) => mayBeOfType(whole, 0, type));
        expect(types).toEqual([body.type]);
      }
    },
  );

  it("is tried for every type this version writes", () => {
    const tried = new Set<string>(BODIES.map(({ type }) => type));
    const missing = ENTRY_TYPES.filter((type) => !tried.has(type));
    expect(missing).toEqual(["approval", "bypass"]);
  });

  it.each(BODIES.map((body, i) => [`${body.type} (${i})`, body] as const))(
    "reads in another CBOR library as %s, and that one accepts it as strict [HP-071 allows]",
    (_name, body) => {
      const options = {
        useMaps: true,
        strict: true,
        rejectDuplicateMapKeys: true,
        allowIndefinite: false,
        tags: { 4: (inner: () => unknown) => inner() },
      };
      const map: unknown = decode(encoded(entryOf(body, 3)), options);
      if (!(map instanceof Map)) throw new Error("not a map");
      expect([...map.keys()]).toEqual([1, 2, 3, 4, 5, 6]);
      expect(map.get(2)).toBe(3);
      expect(map.get(4)).toBe(ENTRY_TYPES.indexOf(body.type));
    },
  );

  it("is refused with any of its bytes changed, unless it then is another entry written right [HP-071 refuses]", () => {
    for (const body of BODIES.filter(({ type }) => type !== "profile")) {
      const whole = encoded(entryOf(body, 3));
      for (let i = 0; i < whole.length; i += 1) {
        for (const bit of [1, 0x80]) {
          const changed = whole.slice();
          changed[i] = (changed[i] ?? 0) ^ bit;
          const read = decodeEntry(changed);
          if (!read.ok) continue;
          const writer = new CborWriter();
          encodeEntry(writer, read.entry, read.prev, read.stamp);
          expect(Buffer.from(writer.copy()).equals(changed), `${body.type} byte ${i}`).toBe(true);
        }
      }
    }
  });

  it("is refused when it ends early or goes on [HP-071 refuses]", () => {
    const whole = encoded(entryOf(decisionBody(), 3));
    for (let length = 0; length < whole.length; length += 1) {
      expect(decodeEntry(whole.slice(0, length)).ok).toBe(false);
    }
    expect(decodeEntry(Uint8Array.of(...whole, 0))).toMatchObject({
      ok: false,
      fault: { code: "trailing", offset: whole.length },
    });
  });

  it.each([
    ["a field of a later version", { 8: 1 }, "key-unexpected"],
    ["an entry of another version", { 1: 2 }, "range"],
    ["a type nobody writes", { 4: 7 }, "range"],
    ["a type without a number", { 4: 19 }, "range"],
  ] as const)("is refused as %s", (_name, change, code) => {
    const map = new Map<number, unknown>([
      [1, 1],
      [2, 3],
      [3, PREV],
      [4, 11],
      [5, [1, 2, bytes(16, 1), 1, 2]],
      [
        6,
        new Map<number, unknown>([
          [1, bytes(32, 1)],
          [2, 0],
        ]),
      ],
    ]);
    expect(decodeEntry(encodeAny(map)).ok).toBe(true);
    for (const [key, value] of Object.entries(change)) map.set(Number(key), value);
    expect(decodeEntry(encodeAny(map))).toMatchObject({ ok: false, fault: { code } });
  });

  it.each([
    ["an id that is not 16 bytes", { ...decisionBody(), id: bytes(15, 1) }],
    ["a digest that is not 32 bytes", { ...decisionBody(), profile: bytes(31, 1) }],
    ["a request of more than 512 bytes", { ...decisionBody(), bytes: bytes(513, 1) }],
    ["a fraction of a microsecond", { ...decisionBody(), sinceArrivalUs: 0.5 }],
    [
      "an infinite limit",
      {
        ...decisionBody(),
        reasons: [
          { code: "range" as const, rule: null, output: null, limit: Infinity, freeUs: null },
        ],
      },
    ],
    [
      "seventeen writes",
      {
        ...decisionBody(),
        writes: Array.from({ length: 17 }, (_, output) => ({
          output,
          asked: 0,
          given: null,
          was: null,
          wasProven: false,
        })),
      },
    ],
  ])("is not written with %s", (_name, body) => {
    expect(() => encoded(entryOf(body, 0))).toThrow(RangeError);
  });
});

/** Any map of known keys through the general encoder. */
function encodeAny(value: unknown): Uint8Array {
  const writer = new CborWriter();
  put(writer, value);
  return writer.copy();
}

function put(writer: CborWriter, value: unknown): void {
  if (typeof value === "number") writer.int(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else if (Array.isArray(value)) {
    writer.array(value.length);
    for (const item of value) put(writer, item);
  } else if (value instanceof Map) {
    writer.map(value.size);
    for (const [key, item] of value) {
      put(writer, key);
      put(writer, item);
    }
  } else throw new Error("no such value here");
}
