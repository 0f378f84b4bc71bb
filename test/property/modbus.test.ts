import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRequest } from "../../src/codec/modbus/encode-request.js";
import { createMbapReader, encodeMbap, feedMbap, readFrame } from "../../src/codec/modbus/mbap.js";
import type { MbapRead, MbapReader } from "../../src/codec/modbus/mbap.js";
import { encodeReply, parseReply, type ModbusReply } from "../../src/codec/modbus/pdu-reply.js";
import { parseRequest, type ModbusRequest } from "../../src/codec/modbus/pdu-request.js";
import { share } from "../support/share.js";

/** Printed by fast-check with the counterexample when a property fails. */
const SEED = 20_261_123;
const runs = { seed: SEED, numRuns: share(40_000, 2_000) };

const word = fc.integer({ min: 0, max: 0xffff });
const words = (max: number): fc.Arbitrary<number[]> =>
  fc.array(word, { minLength: 1, maxLength: max });
const bits = (max: number): fc.Arbitrary<boolean[]> =>
  fc.array(fc.boolean(), { minLength: 1, maxLength: max });
/** Addresses near both ends of the table as often as anywhere, and a span that fits. */
const span = (max: number): fc.Arbitrary<{ address: number; quantity: number }> =>
  fc
    .integer({ min: 1, max })
    .chain((quantity) =>
      fc
        .oneof(
          fc.constantFrom(0, 65_536 - quantity),
          fc.integer({ min: 0, max: 65_536 - quantity }),
        )
        .map((address) => ({ address, quantity })),
    );
const at = <T>(value: fc.Arbitrary<readonly T[]>): fc.Arbitrary<[readonly T[], number]> =>
  value.chain((list) =>
    fc.tuple(fc.constant(list), fc.integer({ min: 0, max: 65_536 - list.length })),
  );

const request: fc.Arbitrary<ModbusRequest> = fc.oneof(
  fc
    .tuple(fc.constantFrom(1 as const, 2 as const), span(2000))
    .map(([code, where]) => ({ kind: "read-bits" as const, function: code, ...where })),
  fc
    .tuple(fc.constantFrom(3 as const, 4 as const), span(125))
    .map(([code, where]) => ({ kind: "read-words" as const, function: code, ...where })),
  at(bits(1)).map(([list, address]) => ({
    kind: "write-bits" as const,
    function: 5 as const,
    address,
    bits: list,
  })),
  at(bits(1968)).map(([list, address]) => ({
    kind: "write-bits" as const,
    function: 15 as const,
    address,
    bits: list,
  })),
  at(words(1)).map(([list, address]) => ({
    kind: "write-words" as const,
    function: 6 as const,
    address,
    words: list,
  })),
  at(words(123)).map(([list, address]) => ({
    kind: "write-words" as const,
    function: 16 as const,
    address,
    words: list,
  })),
  fc.tuple(word, word, word).map(([address, and, or]) => ({
    kind: "mask-word" as const,
    function: 22 as const,
    address,
    and,
    or,
  })),
  fc.tuple(at(words(121)), span(125)).map(([[list, address], read]) => ({
    kind: "read-write-words" as const,
    function: 23 as const,
    readAddress: read.address,
    readQuantity: read.quantity,
    address,
    words: list,
  })),
  fc
    .tuple(fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const), fc.nat(255))
    .map(([level, object]) => ({
      kind: "identify" as const,
      function: 43 as const,
      level,
      object,
    })),
);

/** Random bytes, but as often behind a function code that is served. */
const anyPdu = fc.oneof(
  fc.uint8Array({ maxLength: 260 }),
  fc
    .tuple(fc.constantFrom(1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43), fc.uint8Array({ maxLength: 252 }))
    .map(([code, rest]) => Uint8Array.from([code, ...rest])),
);

describe("the Modbus codec, for any input", () => {
  it("reads back every request it can write", () => {
    fc.assert(
      fc.property(request, (asked) => {
        expect(parseRequest(encoded(asked))).toEqual({ ok: true, request: asked });
      }),
      runs,
    );
  });

  it("takes no request with a byte cut off or added", () => {
    fc.assert(
      fc.property(
        request,
        fc.nat(300),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (r, n, x) => {
          const pdu = encoded(r);
          expect(parseRequest(pdu.slice(0, n % pdu.length)).ok).toBe(false);
          expect(parseRequest(Uint8Array.from([...pdu, ...x])).ok).toBe(false);
        },
      ),
      runs,
    );
  });

  it("never throws over a request, and what it takes it would write the same but for FC15's padding", () => {
    fc.assert(
      fc.property(anyPdu, (pdu) => {
        const parsed = parseRequest(pdu);
        if (!parsed.ok) {
          expect(parsed.function).toBe(pdu[0] ?? 0);
          return;
        }
        const again = encoded(parsed.request);
        expect(again).toHaveLength(pdu.length);
        const same = pdu[0] === 15 ? pdu.length - 1 : pdu.length;
        expect([...again.slice(0, same)]).toEqual([...pdu.slice(0, same)]);
      }),
      runs,
    );
  });

  it("reads its own right answer to any request", () => {
    fc.assert(
      fc.property(request, fc.infiniteStream(word), (asked, stream) => {
        const reply = rightReply(asked, stream);
        const pdu = reply === null ? null : encodeReply(reply);
        if (pdu === null) return;
        const parsed = parseReply(asked, pdu);
        expect(parsed.kind).toBe(reply?.kind);
        if (reply?.kind === "words") expect(parsed).toMatchObject({ words: reply.words });
        if (reply?.kind === "bits") expect(parsed).toMatchObject({ bits: reply.bits });
      }),
      runs,
    );
  });

  it("takes no right answer with a byte cut off or added, and none of another function", () => {
    fc.assert(
      fc.property(request, fc.infiniteStream(word), fc.nat(300), (asked, stream, cut) => {
        const reply = rightReply(asked, stream);
        const pdu = reply === null ? null : encodeReply(reply);
        if (pdu === null) return;
        expect(parseReply(asked, pdu.slice(0, cut % pdu.length)).kind).toBe("mismatch");
        expect(parseReply(asked, Uint8Array.from([...pdu, 0])).kind).toBe("mismatch");
        const other = Uint8Array.from(pdu);
        other[0] = (asked.function % 0x7f) + 1;
        expect(parseReply(asked, other).kind).toBe("mismatch");
      }),
      runs,
    );
  });

  it("never throws over a reply, and takes random bytes for a write's echo only if they are it", () => {
    fc.assert(
      fc.property(request, anyPdu, (asked, pdu) => {
        const parsed = parseReply(asked, pdu);
        if (parsed.kind !== "written") return;
        const ask = encoded(asked);
        expect([...pdu]).toEqual([...ask.slice(0, pdu.length)]);
      }),
      runs,
    );
  });

  it("cuts a stream into the same frames however it arrives", () => {
    const pdus = fc.array(fc.uint8Array({ minLength: 1, maxLength: 253 }), { maxLength: 12 });
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(pdus, sizes, (list, cuts) => {
        const frames = list.map((pdu, n) => encodeMbap(n, n & 0xff, pdu) ?? new Uint8Array(0));
        const stream = Uint8Array.from(frames.flatMap((frame) => [...frame]));
        const reader = createMbapReader();
        const read: MbapRead[] = [];
        for (let from = 0; from < stream.length;) {
          const size = cuts[read.length % cuts.length] ?? 1;
          read.push(...readAll(reader, stream.slice(from, from + size)));
          from += size;
        }
        expect(read).toEqual(
          list.map((pdu, n) => ({ kind: "frame", transaction: n, unit: n & 0xff, pdu })),
        );
      }),
      runs,
    );
  });

  it("never throws over a stream, and stays shut after a fault", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (chunks) => {
        const reader = createMbapReader();
        let faulty = false;
        for (const chunk of chunks) {
          const kinds = readAll(reader, chunk).map(({ kind }) => kind);
          if (faulty) expect(kinds).toEqual(["fault"]);
          faulty ||= kinds.includes("fault");
        }
        expect(reader.keptBytes).toBeLessThanOrEqual(260);
      }),
      runs,
    );
  });
});

function encoded(asked: ModbusRequest): Uint8Array {
  const pdu = encodeRequest(asked);
  if (pdu === null) throw new Error("a request of the generator cannot be written");
  return pdu;
}

/** Null where the answer is not the codec's to make up (43/14). */
function rightReply(asked: ModbusRequest, stream: fc.Stream<number>): ModbusReply | null {
  switch (asked.kind) {
    case "read-bits": {
      const list = [...stream.take(asked.quantity)].map((value) => value % 2 === 1);
      return { kind: "bits", function: asked.function, bits: list };
    }
    case "read-words":
      return {
        kind: "words",
        function: asked.function,
        words: [...stream.take(asked.quantity)],
      };
    case "read-write-words":
      return { kind: "words", function: 23, words: [...stream.take(asked.readQuantity)] };
    case "write-bits":
    case "write-words":
    case "mask-word":
      return { kind: "written", request: asked };
    case "identify":
      return null;
  }
}

function readAll(reader: MbapReader, chunk: Uint8Array): readonly MbapRead[] {
  feedMbap(reader, chunk);
  const frames: MbapRead[] = [];
  for (let read = readFrame(reader); read.kind !== "more"; read = readFrame(reader)) {
    frames.push(read);
    if (read.kind === "fault") break;
  }
  return frames;
}
