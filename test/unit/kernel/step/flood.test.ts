import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  admitWhole,
  countDenial,
  countedSince,
  pruneFloods,
  takeFloods,
  type Floods,
} from "../../../../src/kernel/step/flood.js";
import { sha256 } from "../../../../src/kernel/step/sha256.js";

const KIND = { controller: 0, output: 1, rules: ["range"] };
const MINUTE = 60_000_000;
const nameOf = (index: number): string => `c${index}`;
const bytes = (...all: readonly number[]): Uint8Array => Uint8Array.from(all);

describe("SHA-256 of the kernel", () => {
  it("agrees with the platform's for every length over three blocks", () => {
    for (let length = 0; length < 200; length += 1) {
      const input = Uint8Array.from({ length }, (_, at) => (at * 31 + length) & 0xff);
      const expected = new Uint8Array(createHash("sha256").update(input).digest());
      expect(sha256(input)).toEqual(expected);
    }
  });
});

describe("counting denials alike", () => {
  it("stores sixteen of a kind whole in a minute, and again in the next", () => {
    const floods: Floods = new Map();
    const admitted = (atUs: number): number =>
      Array.from({ length: 20 }, () => admitWhole(floods, KIND, atUs)).filter(Boolean).length;
    expect(admitted(0)).toBe(16);
    expect(admitted(MINUTE - 1)).toBe(0);
    expect(admitted(MINUTE)).toBe(16);
  });

  it("keeps first, last, extremes and a digest over all bytes in order", () => {
    const floods: Floods = new Map();
    countDenial(floods, KIND, { value: 5, bytes: bytes(1) }, 10);
    countDenial(floods, KIND, { value: -2, bytes: bytes(2) }, 11);
    countDenial(floods, KIND, { value: NaN, bytes: bytes(3) }, 12);
    expect(countedSince(floods, 0)).toBe(3);
    expect(countedSince(floods, 1)).toBe(0);
    const chain = [1, 2, 3].reduce<Uint8Array>(
      (digest, byte) => sha256(Uint8Array.of(...digest, byte)),
      new Uint8Array(32),
    );
    expect(takeFloods(floods, null, nameOf)).toEqual([
      {
        type: "flood",
        controller: "c0",
        output: 1,
        rules: ["range"],
        count: 3,
        firstUs: 10,
        lastUs: 12,
        least: -2,
        most: 5,
        digest: chain,
      },
    ]);
    expect(takeFloods(floods, null, nameOf)).toEqual([]);
  });

  it("is bounded: past so many kinds the rest is counted together, and none is lost", () => {
    const floods: Floods = new Map();
    for (let rule = 0; rule < 1_000; rule += 1) {
      countDenial(floods, { ...KIND, rules: [`r${rule}`] }, { value: null, bytes: bytes() }, 0);
    }
    expect(floods.size).toBeLessThan(300);
    expect(countedSince(floods, 0)).toBe(1_000);
  });

  it("forgets kinds that were quiet for a minute, and none with a count that is owed", () => {
    const floods: Floods = new Map();
    admitWhole(floods, KIND, 0);
    countDenial(floods, { ...KIND, output: 2 }, { value: null, bytes: bytes() }, 0);
    pruneFloods(floods, MINUTE);
    expect(floods.size).toBe(1);
    expect(countedSince(floods, 0)).toBe(1);
  });
});
