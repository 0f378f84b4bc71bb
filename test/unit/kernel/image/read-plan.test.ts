import { describe, expect, it } from "vitest";
import { planReads, type Block } from "../../../../src/kernel/image/read-plan.js";
import { emptyImage, readRaw, updateImage } from "../../../../src/kernel/image/update-image.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import type { Device, ProfileModel } from "../../../../src/kernel/profile/model.js";
import { buildModel } from "../../../support/model.js";
import { address, bitOf, device, input, output } from "../../../support/tags.js";

const shapes = (blocks: readonly Block[] | undefined): readonly string[] =>
  (blocks ?? []).map(({ table, address: at, quantity }) => `${table} ${at}+${quantity}`);

const plan = (change: Partial<ProfileModel>, read?: Partial<Device["read"]>): readonly Block[] => {
  const plc = device({ alive: null, identity: null });
  const devices = [{ ...plc, read: { ...plc.read, ...read } }];
  const none = { inputs: [], outputs: [], readable: [], plantModes: null, trips: [] };
  return planReads(buildModel({ ...none, devices, ...change }))[0] ?? [];
};
const words = (...at: readonly number[]): ProfileModel["inputs"] =>
  at.map((register) => input(`i${register}`, { at: address("ir", register), kind: "number" }));

describe("the read plan", () => {
  it("of the lift station reads every tag, the outputs' own addresses included", () => {
    const [blocks] = planReads(buildModel());
    expect(shapes(blocks)).toEqual([
      "ir 98+52",
      "co 0+2",
      "di 0+1",
      "di 4+2",
      "di 8+2",
      "hr 40+3",
      "ir 0+1",
      "ir 10+4",
      "ir 20+1",
      "ir 30+2",
    ]);
    expect(blocks?.flatMap(({ inputs }) => inputs).sort((a, b) => a - b)).toEqual(
      buildModel().inputs.map((_, index) => index),
    );
    expect(blocks?.flatMap(({ outputs }) => outputs).sort((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
  });

  it("reads the identity first, so that nothing is believed before it", () => {
    const [blocks] = planReads(buildModel());
    expect(blocks?.[0]).toMatchObject({ identity: true, alive: true });
  });

  it("joins only declared neighbours where holes are never read", () => {
    expect(shapes(plan({ inputs: words(1, 2, 4) }))).toEqual(["ir 1+2", "ir 4+1"]);
  });

  it("bridges holes up to the size the profile allows", () => {
    expect(shapes(plan({ inputs: words(1, 3, 6) }, { holes: 1 }))).toEqual(["ir 1+3", "ir 6+1"]);
  });

  it("keeps to the device's limit and never tears a value of two registers", () => {
    const inputs = [
      ...words(0, 1),
      input("f", { at: address("ir", 2, "f32"), kind: "number" }),
      ...words(4),
    ];
    expect(shapes(plan({ inputs }, { maxWords: 3 }))).toEqual(["ir 0+2", "ir 2+3"]);
  });

  it("never asks for more than Modbus allows, whatever the profile says", () => {
    const readable = [
      { device: 0, table: "ir", first: 0, last: 299 } as const,
      { device: 0, table: "co", first: 0, last: 2_999 } as const,
    ];
    expect(shapes(plan({ readable }, { maxWords: 500 }))).toEqual([
      "co 0+2000",
      "co 2000+1000",
      "ir 0+125",
      "ir 125+125",
      "ir 250+50",
    ]);
  });

  it("reads bits of one register once, and two tags at one place once", () => {
    const outputs = [
      output("a", { at: bitOf(7, 0), bits: "whole" }),
      output("b", { at: bitOf(7, 3), bits: "whole" }),
    ];
    const blocks = plan({ outputs, inputs: [...words(5), ...words(5)] });
    expect(shapes(blocks)).toEqual(["hr 7+1", "ir 5+1"]);
    expect(blocks.map(({ inputs, outputs: out }) => [inputs, out])).toEqual([
      [[], [0, 1]],
      [[0, 1], []],
    ]);
  });

  it("is the same for the same profile, and empty for a device nothing is read from", () => {
    expect(planReads(buildModel())).toEqual(planReads(buildModel()));
    expect(plan({})).toEqual([]);
  });
});

describe("an answered block", () => {
  const profile = compileProfile(
    buildModel({
      inputs: [
        input("state", { at: address("ir", 0), kind: "state", states: new Map([[1, "ON"]]) }),
        input("value", { at: address("ir", 1, "i16"), kind: "number" }),
      ],
    }),
  );
  const block: Block = {
    device: 0,
    table: "ir",
    address: 0,
    quantity: 2,
    inputs: [0, 1],
    outputs: [],
    alive: false,
    identity: false,
  };

  it("spoils only the tag that cannot be decoded", () => {
    const image = updateImage(emptyImage(2), profile, {
      block,
      sentUs: 5,
      words: [9, 0xffff],
      trusted: true,
      mayStandStill: () => false,
    });
    expect(image.samples.map(({ quality }) => quality)).toEqual(["decode", "good"]);
    expect(image.samples[1]?.lastGood).toEqual({ value: -1, sentUs: 5 });
  });

  it("leaves the image it came from as it was", () => {
    const before = emptyImage(2);
    updateImage(before, profile, {
      block,
      sentUs: 5,
      words: [1, 2],
      trusted: true,
      mayStandStill: () => false,
    });
    expect(before).toEqual(emptyImage(2));
  });

  it("gives the bit of a register, the value of two registers, and nothing that is not all there", () => {
    expect(readRaw({ address: 40 }, bitOf(41, 3), [0, 0b1000])).toBe(1);
    expect(readRaw({ address: 40 }, bitOf(41, 2), [0, 0b1000])).toBe(0);
    expect(readRaw({ address: 40 }, address("hr", 40, "u32"), [1, 2])).toBe(0x10002);
    expect(readRaw({ address: 40 }, address("hr", 41, "u32"), [1, 2])).toBeNull();
    expect(readRaw({ address: 40 }, address("hr", 39), [1, 2])).toBeNull();
  });
});
