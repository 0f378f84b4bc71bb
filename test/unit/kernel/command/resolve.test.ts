import { describe, expect, it } from "vitest";
import type { WriteRequest } from "../../../../src/kernel/command/request.js";
import { resolveWrite, southWrite, type WordNow } from "../../../../src/kernel/command/resolve.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import type { ProfileModel } from "../../../../src/kernel/profile/model.js";
import { settledWord } from "../../../../src/kernel/state/words.js";
import { planned, readyState, withOutputState } from "../../../support/judging.js";
import { buildModel, CONTROLLERS, defaultOutputs, hz, OUT } from "../../../support/model.js";
import { address, bitOf, controller, input, output } from "../../../support/tags.js";

const profile = compileProfile(buildModel());
const unknown: WordNow = () => null;

const words = (first: number, ...values: number[]): WriteRequest => ({
  device: 0,
  table: "hr",
  address: first,
  function: values.length === 1 ? 6 : 16,
  data: { kind: "words", words: values },
});
const coils = (first: number, ...bits: boolean[]): WriteRequest => ({
  device: 0,
  table: "co",
  address: first,
  function: bits.length === 1 ? 5 : 15,
  data: { kind: "bits", bits },
});
const mask = (register: number, and: number, or: number): WriteRequest => ({
  device: 0,
  table: "hr",
  address: register,
  function: 22,
  data: { kind: "mask", and, or },
});

function outcome(
  request: WriteRequest,
  options: { profile?: typeof profile; wordNow?: WordNow; controller?: number } = {},
): unknown {
  const ask = resolveWrite(
    options.profile ?? profile,
    options.controller ?? CONTROLLERS.ai,
    request,
    options.wordNow ?? unknown,
  );
  return ask.reasons.length > 0
    ? ask.reasons.map(({ code }) => code)
    : ask.writes.map(({ output: to, raw }) => [to, raw]);
}

function withOutputs(extra: Partial<ProfileModel>, added: ProfileModel["outputs"]): typeof profile {
  const outputs = [...defaultOutputs(), ...added];
  const all = new Set(outputs.map((_, index) => index));
  return compileProfile(
    buildModel({ outputs, controllers: [controller("ai", { outputs: all })], ...extra }),
  );
}

describe("addresses to outputs", () => {
  it("find coils, registers, the bits of a whole word, and an exact group [HP-010 allows] [HP-024 allows]", () => {
    expect(outcome(coils(0, true))).toEqual([[OUT.valve, 1]]);
    expect(outcome(words(41, hz(30)))).toEqual([[OUT.speed1, 3000]]);
    expect(outcome(words(40, 0b01))).toEqual([
      [OUT.run1, 1],
      [OUT.run2, 0],
    ]);
    expect(outcome(words(40, 0b11, 3000, 3100))).toEqual([
      [OUT.run1, 1],
      [OUT.run2, 1],
      [OUT.speed1, 3000],
      [OUT.speed2, 3100],
    ]);
  });

  it("are refused where nothing is, and where there is only a reading [HP-010 refuses]", () => {
    expect(outcome(words(39, 0))).toEqual(["tag-unknown"]);
    expect(outcome(coils(7, true))).toEqual(["tag-unknown"]);
    const read = compileProfile(
      buildModel({
        inputs: [
          ...buildModel().inputs,
          input("feedback", { at: address("hr", 60), kind: "number" }),
        ],
      }),
    );
    expect(outcome(words(60, 1), { profile: read })).toEqual(["not-writable"]);
  });

  it("are refused on another device", () => {
    expect(outcome({ ...words(41, 1), device: 1 })).toEqual(["tag-unknown"]);
  });

  it("are refused where the controller may not write, by name [HP-010 refuses]", () => {
    const ask = resolveWrite(profile, CONTROLLERS.ai, coils(1, true), unknown);
    expect(ask.reasons).toMatchObject([{ code: "not-writable", output: OUT.local }]);
    expect(outcome(words(40, 1), { controller: CONTROLLERS.visitor })).toEqual(["not-writable"]);
  });

  it("refuse a function the controller may not use, and nobody's request", () => {
    const only6 = compileProfile(
      buildModel({ controllers: [controller("ai", { functions: new Set([6]) })] }),
    );
    expect(outcome(words(41, 3000), { profile: only6 })).toEqual([[OUT.speed1, 3000]]);
    expect(outcome({ ...words(41, 3000), function: 16 }, { profile: only6 })).toEqual(["function"]);
    expect(outcome(words(41, 1), { controller: 9 })).toEqual(["identity"]);
  });

  it("refuse what is not well formed", () => {
    expect(outcome(words(41))).toEqual(["malformed"]);
    expect(outcome(words(41, 70000))).toEqual(["malformed"]);
    expect(outcome({ ...coils(0, true), table: "hr" })).toEqual(["malformed"]);
    expect(outcome(words(65535, 1, 1))).toEqual(["malformed"]);
    expect(outcome(mask(41, 0x10000, 0))).toEqual(["malformed"]);
  });

  it("refuse more than 16 outputs as too large, at 17 and not at 16", () => {
    const row = (count: number): ProfileModel["outputs"] =>
      Array.from({ length: count }, (_, n) => output(`c${n}`, { at: address("co", 100 + n) }));
    const members = (count: number): readonly number[] =>
      Array.from({ length: count }, (_, n) => 6 + n);
    const grouped = (count: number): typeof profile =>
      withOutputs(
        { groups: [{ name: "row", outputs: members(count), together: false }] },
        row(count),
      );
    const all = (count: number): WriteRequest =>
      coils(100, ...Array.from({ length: count }, () => true));
    expect(outcome(all(16), { profile: grouped(16) })).toHaveLength(16);
    expect(outcome(all(17), { profile: grouped(17) })).toEqual(["size"]);
  });
});

describe("several outputs", () => {
  it("pass only as exactly a group [HP-024 refuses]", () => {
    expect(outcome(words(41, 3000, 3000))).toEqual(["partial-write"]);
    expect(outcome(words(40, 1, 3000))).toEqual(["partial-write"]);
    expect(outcome(coils(0, true, true), { controller: CONTROLLERS.operator })).toEqual([
      "partial-write",
    ]);
  });

  it("of a group written only together do not pass alone [HP-024 allows] [HP-024 refuses]", () => {
    const together = compileProfile(
      buildModel({
        groups: [{ name: "speeds", outputs: [OUT.speed1, OUT.speed2], together: true }],
      }),
    );
    expect(outcome(words(41, 3000), { profile: together })).toEqual(["partial-write"]);
    expect(outcome(words(41, 3000, 3000), { profile: together })).toHaveLength(2);
    expect(outcome(words(40, 1), { profile: together })).toHaveLength(2);
  });
});

describe("values of two registers", () => {
  const wide = withOutputs({}, [
    output("wide", { at: { ...address("hr", 50, "u32"), order: "CDAB" }, kind: "number" }),
  ]);

  it("must be covered whole [HP-011 allows] [HP-011 refuses]", () => {
    expect(outcome(words(50, 0x1234, 0x5678), { profile: wide })).toEqual([[6, 0x12345678]]);
    expect(outcome(words(50, 1), { profile: wide })).toEqual(["partial-write"]);
    expect(outcome(words(51, 1), { profile: wide })).toEqual(["partial-write"]);
    expect(outcome(words(49, 1, 1), { profile: wide })).toEqual(["tag-unknown", "partial-write"]);
    expect(outcome(mask(50, 0, 0), { profile: wide })).toEqual(["partial-write"]);
  });
});

describe("bits of a word", () => {
  const masked = withOutputs({}, [
    output("m0", { at: bitOf(70, 0), bits: "mask" }),
    output("m3", { at: bitOf(70, 3), bits: "mask" }),
  ]);

  it("that is all ours refuse an undeclared bit set to 1 [HP-011 refuses]", () => {
    expect(outcome(words(40, 0b101))).toEqual(["partial-write"]);
    expect(outcome(mask(40, 0xfffb, 0b100))).toEqual(["partial-write"]);
  });

  it("that is all ours take the bits a mask leaves alone as planned [HP-025 allows] [HP-025 refuses]", () => {
    expect(outcome(mask(40, 0xfffe, 1), { wordNow: () => 0b10 })).toEqual([
      [OUT.run1, 1],
      [OUT.run2, 1],
    ]);
    expect(outcome(mask(40, 0xfffe, 1))).toEqual(["conflict"]);
    expect(outcome(mask(40, 0xfffc, 1))).toEqual([
      [OUT.run1, 1],
      [OUT.run2, 0],
    ]);
  });

  it("that is not all ours are touched only by a mask, and only where declared [HP-025 allows] [HP-025 refuses]", () => {
    expect(outcome(mask(70, 0xfff7, 8), { profile: masked })).toEqual([[7, 1]]);
    expect(outcome(mask(70, 0xfff7, 0), { profile: masked })).toEqual([[7, 0]]);
    expect(outcome(mask(70, 0xfff5, 8), { profile: masked })).toEqual(["partial-write"]);
    expect(outcome(words(70, 1), { profile: masked })).toEqual(["partial-write"]);
    expect(outcome(mask(70, 0xffff, 0), { profile: masked })).toEqual(["partial-write"]);
    expect(outcome(mask(70, 0xfff6, 9), { profile: masked })).toEqual(["partial-write"]);
  });
});

describe("a mask on a register of one value", () => {
  it("is applied to the planned word, and is a conflict where that is not known", () => {
    expect(outcome(mask(41, 0xff00, 0x00ff), { wordNow: () => 0x1234 })).toEqual([
      [OUT.speed1, 0x12ff],
    ]);
    expect(outcome(mask(41, 0xff00, 0x00ff))).toEqual(["conflict"]);
  });

  it("takes the word the log has settled", () => {
    const state = readyState(profile);
    expect(settledWord(profile, state, 0, 41)).toBe(hz(35));
    expect(settledWord(profile, state, 0, 40)).toBe(1);
    expect(settledWord(profile, planned(state, OUT.speed1, hz(36)), 0, 41)).toBeNull();
    expect(settledWord(profile, planned(state, OUT.speed1, hz(35)), 0, 41)).toBe(hz(35));
    expect(settledWord(profile, planned(state, OUT.run2, 1), 0, 40)).toBeNull();
    expect(
      settledWord(profile, withOutputState(state, OUT.run1, { proven: null }), 0, 40),
    ).toBeNull();
    expect(settledWord(profile, state, 0, 39)).toBeNull();
  });
});

describe("the southbound request", () => {
  const south = (request: WriteRequest, of = profile): unknown =>
    southWrite(of, resolveWrite(of, CONTROLLERS.ai, request, () => 0).writes);

  it("is one coil, one word, words in a row, or a mask", () => {
    expect(south(coils(0, true))).toEqual({
      device: 0,
      table: "co",
      address: 0,
      data: { kind: "bits", bits: [true] },
    });
    expect(south(words(41, 3000))).toEqual({
      device: 0,
      table: "hr",
      address: 41,
      data: { kind: "words", words: [3000] },
    });
    expect(south(words(40, 3, 3000, 3100))).toEqual({
      device: 0,
      table: "hr",
      address: 40,
      data: { kind: "words", words: [3, 3000, 3100] },
    });
    const masked = withOutputs({}, [output("m3", { at: bitOf(70, 3), bits: "mask" })]);
    expect(south(mask(70, 0xfff7, 8), masked)).toEqual({
      device: 0,
      table: "hr",
      address: 70,
      data: { kind: "mask", and: 0xfff7, or: 8 },
    });
  });

  it("takes bits that are not written from the word as it is, and is a fault of ours without it", () => {
    const one = [{ output: OUT.run1, raw: 0 }];
    expect(southWrite(profile, one, () => 0b11).data).toEqual({ kind: "words", words: [0b10] });
    expect(() => southWrite(profile, one)).toThrow("co-written");
  });

  it("is a fault of ours where no one request can carry it", () => {
    expect(() => southWrite(profile, [])).toThrow();
    expect(() =>
      southWrite(profile, [
        { output: OUT.valve, raw: 1 },
        { output: OUT.speed1, raw: 1 },
      ]),
    ).toThrow();
    expect(() => southWrite(profile, [{ output: 77, raw: 1 }])).toThrow();
  });
});
