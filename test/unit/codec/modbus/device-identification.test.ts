import { describe, expect, it } from "vitest";
import {
  IDENTITY_OBJECTS,
  encodeIdentity,
  identify,
  parseIdentity,
  type Identity,
  type IdentityObject,
} from "../../../../src/codec/modbus/device-identification.js";
import { parseReply } from "../../../../src/codec/modbus/pdu-reply.js";
import type { IdentifyRequest } from "../../../../src/codec/modbus/pdu-request.js";
import { bytesOf } from "../../../support/hex.js";

const object = (id: number, bytes: number): IdentityObject => ({
  id,
  value: new Uint8Array(bytes).fill(id + 0x41),
});
const BASIC = [object(0, 9), object(1, 5), object(2, 4)];
const REGULAR = [...BASIC, object(IDENTITY_OBJECTS.productName, 7), object(5, 3)];
const ask = (level: IdentifyRequest["level"], id = 0): IdentifyRequest => ({
  kind: "identify",
  function: 43,
  level,
  object: id,
});

describe("who the device is", () => {
  it("is told in as many objects as the level asked for", () => {
    expect(identify(ask(1), REGULAR)).toMatchObject({ objects: BASIC, next: null });
    expect(identify(ask(2), REGULAR)).toMatchObject({ objects: REGULAR, next: null });
    expect(identify(ask(3), [...REGULAR, object(0x80, 2)])).toMatchObject({
      conformity: 0x83,
      objects: [...REGULAR, object(0x80, 2)],
    });
  });

  it("names the level the device reaches", () => {
    expect(identify(ask(1), BASIC)?.conformity).toBe(0x81);
    expect(identify(ask(1), REGULAR)?.conformity).toBe(0x82);
  });

  it("goes on from the object asked for, and from the first when that is unknown", () => {
    expect(identify(ask(2, 2), REGULAR)?.objects.map(({ id }) => id)).toEqual([2, 4, 5]);
    expect(identify(ask(2, 3), REGULAR)?.objects.map(({ id }) => id)).toEqual([0, 1, 2, 4, 5]);
  });

  it("gives one object alone, or nothing when there is none of that id", () => {
    expect(identify(ask(4, 1), REGULAR)).toMatchObject({ objects: [object(1, 5)], next: null });
    expect(identify(ask(4, 3), REGULAR)).toBeNull();
  });

  it("comes in pieces when it does not fit one reply, and none is lost", () => {
    const long = [object(0, 100), object(1, 100), object(2, 100), object(3, 244), object(4, 1)];
    const seen: number[] = [];
    let next: number | null = 0;
    for (let turn = 0; turn < 9 && next !== null; turn += 1) {
      const part = identify(ask(2, next), long);
      expect(encoded(part)).not.toBeNull();
      seen.push(...(part?.objects.map(({ id }) => id) ?? []));
      next = part?.next ?? null;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it("refuses an object that fits no reply", () => {
    expect(identify(ask(4, 3), [...BASIC, object(3, 245)])).toBeNull();
    const tooLong = { level: 1, conformity: 1, next: null, objects: [object(0, 245)] } as const;
    expect(encodeIdentity({ kind: "identity", ...tooLong })).toBeNull();
  });
});

describe("a reply to 43/14", () => {
  const identity = identify(ask(2), REGULAR);
  const pdu = encoded(identity) ?? new Uint8Array(0);

  it("is read as it was written", () => {
    expect(parseReply(ask(2), pdu)).toEqual(identity);
  });

  it("is kept apart from the bytes it was read from, in Node's own byte arrays too", () => {
    const bytes = Buffer.from(pdu);
    const read = parseReply(ask(2), bytes);
    bytes.fill(0);
    expect(read).toEqual(identity);
  });

  it("says where to go on", () => {
    expect(parseIdentity(ask(1), bytesOf("2b0e 01 81 ff 02 01 00 01 41"))).toMatchObject({
      next: 2,
      objects: [{ id: 0, value: bytesOf("41") }],
    });
  });

  it("is refused when it is cut anywhere or goes on too long", () => {
    for (let bytes = 0; bytes < pdu.length; bytes += 1) {
      expect(parseReply(ask(2), pdu.slice(0, bytes)).kind).toBe("mismatch");
    }
    expect(parseReply(ask(2), Uint8Array.from([...pdu, 0])).kind).toBe("mismatch");
  });

  it.each([
    ["another MEI type", "2b0d 01 81 00 00 01 00 01 41"],
    ["another level", "2b0e 02 81 00 00 01 00 01 41"],
    ["conformity 0", "2b0e 01 00 00 00 01 00 01 41"],
    ["conformity 4", "2b0e 01 04 00 00 01 00 01 41"],
    ["more follows 1", "2b0e 01 81 01 00 01 00 01 41"],
    ["an object count above its objects", "2b0e 01 81 00 00 02 00 01 41"],
    ["an object count below its objects", "2b0e 01 81 00 00 00 00 01 41"],
    ["an object length beyond the end", "2b0e 01 81 00 00 01 00 02 41"],
  ])("is refused with %s", (_, hex) => {
    expect(parseReply(ask(1), bytesOf(hex))).toEqual({ kind: "mismatch", why: "content" });
  });

  it.each([
    ["another object", "2b0e 04 81 00 00 01 01 01 41"],
    ["two objects", "2b0e 04 81 00 00 02 00 01 41 01 01 41"],
    ["more to follow", "2b0e 04 81 ff 01 01 00 01 41"],
  ])("to a single object is refused with %s", (_, hex) => {
    expect(parseIdentity(ask(4), bytesOf(hex))).toBeNull();
  });
});

function encoded(identity: Identity | null): Uint8Array | null {
  return identity === null ? null : encodeIdentity(identity);
}
