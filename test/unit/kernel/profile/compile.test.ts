import { describe, expect, it } from "vitest";
import { compileProfile, planFor } from "../../../../src/kernel/profile/compile.js";
import { buildQuantity } from "../../../../src/kernel/profile/quantity.js";
import { buildModel, CONTROLLERS, hz, IN, OUT } from "../../../support/model.js";
import { address, bitOf, output } from "../../../support/tags.js";

const profile = compileProfile(buildModel());

describe("a compiled profile", () => {
  it("knows its tags, controllers, devices and trips by name", () => {
    expect(profile.inputByName.get("valve.open")).toBe(IN.valveOpen);
    expect(profile.outputByName.get("pump1.speed")).toBe(OUT.speed1);
    expect(profile.controllerByName.get("operator")).toBe(CONTROLLERS.operator);
    expect(profile.deviceByName.get("plc")).toBe(0);
    expect(profile.model.trips[profile.tripById.get("foreign.pump1.run") ?? -1]?.when).toBeNull();
  });

  it("numbers its rules from 1, in one order, each once", () => {
    expect([
      profile.ruleNumber("P-01"),
      profile.ruleNumber("P-10"),
      profile.ruleNumber("A-01"),
      profile.ruleNumber("T-01"),
    ]).toEqual([1, 10, 11, 12]);
    expect(profile.ruleNumber("nobody")).toBeNull();
  });

  it("concerns a value with exactly its own rules", () => {
    const ids = (controller: number, out: number, raw: number): readonly string[] | undefined =>
      planFor(profile, controller, out, raw)?.permissives.map(({ rule }) => rule.id);
    expect(ids(CONTROLLERS.ai, OUT.run1, 1)).toEqual(["P-01", "P-03", "P-08"]);
    expect(ids(CONTROLLERS.ai, OUT.run1, 0)).toEqual(["P-08", "P-09"]);
    expect(ids(CONTROLLERS.operator, OUT.run1, 0)).toEqual([]);
    expect(ids(CONTROLLERS.ai, OUT.speed1, hz(30))).toEqual(["P-06", "P-08"]);
    const plan = planFor(profile, CONTROLLERS.ai, OUT.speed1, hz(30));
    expect(plan?.inputs).toEqual([IN.mode, IN.pressure]);
    expect(plan?.outputs).toEqual([OUT.run1, OUT.run2, OUT.speed2]);
    expect(planFor(profile, 9, OUT.run1, 1)).toBeUndefined();
  });

  it("knows what stands at an address", () => {
    expect(profile.writableAt(0, "co", 0)).toEqual({ kind: "coil", output: OUT.valve });
    expect(profile.writableAt(0, "hr", 41)).toEqual({ kind: "value", output: OUT.speed1, word: 0 });
    expect(profile.writableAt(0, "hr", 40)).toMatchObject({ kind: "bits", whole: true });
    expect(profile.writableAt(0, "hr", 0)).toBeNull();
    expect(profile.writableAt(0, "co", 41)).toBeNull();
    expect(profile.writableAt(1, "hr", 41)).toBeNull();
  });

  it("takes a word for all ours only when every declared bit says so", () => {
    const mixed = compileProfile(
      buildModel({
        outputs: [
          output("a", { at: bitOf(5, 1), bits: "whole" }),
          output("b", { at: bitOf(5, 0), bits: "mask" }),
        ],
      }),
    );
    expect(mixed.writableAt(0, "hr", 5)).toEqual({
      kind: "bits",
      whole: false,
      members: [
        { output: 1, bit: 0 },
        { output: 0, bit: 1 },
      ],
    });
  });
});

describe("the values of a tag", () => {
  it("are in order of the numbers they hold, floats included", () => {
    const float = buildQuantity(output("f", { at: address("hr", 1, "f32"), kind: "number" }));
    const places = [-1e30, -1, -1e-45, 0, 1e-45, 1, 1e30].map((value) => float.ordinalNear(value));
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    expect(float.valueOf(float.rawAt(float.ordinalNear(0.5)))).toBe(0.5);
    expect(float.valueOf(float.rawAt(float.ordinalNear(1) + 1))).toBe(1 + 2 ** -23);
    expect(float.valueOf(float.rawAt(float.most + 5))).toBe((2 - 2 ** -23) * 2 ** 127);
    const signed = buildQuantity(output("i", { at: address("hr", 1, "i16"), kind: "number" }));
    expect([signed.ordinalOf(0xffff), signed.rawAt(-1), signed.least, signed.most]).toEqual([
      -1, 0xffff, -32768, 32767,
    ]);
  });

  it("differ by exact engineering values at whole raw steps", () => {
    const speed = profile.outputs[OUT.speed1]?.quantity;
    expect(speed?.difference(3010, 2510)).toBe(5);
    expect(speed?.difference(2510, 3010)).toBe(-5);
  });
});
