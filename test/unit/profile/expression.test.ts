import { describe, expect, it } from "vitest";
import { checkExpression } from "../../../src/profile/expression/checker.js";
import { parseExpression } from "../../../src/profile/expression/parser.js";
import { makeReading } from "../../../src/profile/expression/quantity.js";
import type { Typed } from "../../../src/profile/expression/typed.js";
import { findUnit } from "../../../src/profile/unit.js";

function reading(slot: number, code: string): Typed {
  const unit = findUnit(code);
  if (unit === null) throw new Error(`no unit ${code}`);
  return makeReading(slot, unit);
}
const truth = (slot: number): Typed => ({
  kind: "truth",
  formula: { kind: "slot", slot },
  size: 1,
});

const NAMES = new Map<string, Typed>([
  ["level", reading(0, "m")],
  ["depth", reading(1, "cm")],
  ["hot", reading(2, "Cel")],
  ["warm", reading(3, "K")],
  ["flow", reading(4, "m3/h")],
  ["open", truth(5)],
  ["shut", truth(6)],
  [
    "mode",
    {
      kind: "state",
      term: { kind: "slot", slot: 7 },
      states: new Map([
        [3, "OFF"],
        [5, "AUTO"],
      ]),
      size: 1,
    },
  ],
  ["fill", reading(8, "%")],
  ["count", reading(9, "")],
  ["speed", reading(10, "rpm")],
]);

/** The formula, or the messages. */
function read(text: string): unknown {
  const parsed = parseExpression(text);
  if ("fault" in parsed) return [parsed.fault.message];
  const { typed, faults } = checkExpression(parsed.ast, { names: NAMES, used: () => undefined });
  if (faults.length > 0) return faults.map((fault) => fault.message);
  return typed.kind === "truth" ? typed.formula : typed.kind;
}

const slot = (n: number): unknown => ({ kind: "slot", slot: n });
const number = (value: number): unknown => ({ kind: "number", value });

describe("units in a condition", () => {
  it("converts a constant into the unit of the tag, exactly as decimals are meant [HP-091 allows]", () => {
    expect(read("level < 35 cm")).toEqual({
      kind: "compare",
      op: "<",
      left: slot(0),
      right: number(0.35),
    });
    expect(read("level < 800 mm")).toEqual({
      kind: "compare",
      op: "<",
      left: slot(0),
      right: number(0.8),
    });
    expect(read("3 L/s > flow")).toEqual({
      kind: "compare",
      op: ">",
      left: number(10.8),
      right: slot(4),
    });
    expect(read("speed > 25 Hz")).toEqual({
      kind: "compare",
      op: ">",
      left: slot(10),
      right: number(1500),
    });
  });

  it("scales the right one of two live values", () => {
    const right = { kind: "scale", factor: 0.01, of: slot(1) };
    expect(read("level < depth")).toEqual({ kind: "compare", op: "<", left: slot(0), right });
  });

  it("knows that zero degrees are not zero kelvin", () => {
    expect(read("hot > 300.15 K")).toEqual({
      kind: "compare",
      op: ">",
      left: slot(2),
      right: number(27),
    });
    const right = { kind: "add", left: slot(3), right: number(-273.15) };
    expect(read("hot > warm")).toEqual({ kind: "compare", op: ">", left: slot(2), right });
  });

  it("takes a difference of temperatures for one, in kelvin", () => {
    const left = {
      kind: "subtract",
      left: slot(2),
      right: { kind: "add", left: slot(3), right: number(-273.15) },
    };
    expect(read("hot - warm > 20 K")).toEqual({
      kind: "compare",
      op: ">",
      left,
      right: number(20),
    });
    const shifted = { kind: "add", left: slot(2), right: number(5) };
    expect(read("hot + 5 K < 100 Cel")).toEqual({
      kind: "compare",
      op: "<",
      left: shifted,
      right: number(100),
    });
  });

  it("refuses what has no meaning [HP-091 refuses]", () => {
    expect(read("hot - warm > 20 Cel")).toEqual([
      "a temperature reading is compared with a difference of temperatures",
    ]);
    expect(read("2 * hot > 20 Cel")).toEqual(["a temperature reading cannot be multiplied"]);
    expect(read("-hot > 20 Cel")).toEqual(["a temperature reading cannot be negated"]);
    expect(read("level + flow > 1 m")).toEqual([
      "'+' between a quantity in m and a quantity in m3/h",
    ]);
    expect(read("fill > 0.5")).toEqual(["'>' between a quantity in % and a number without a unit"]);
    expect(read("count = 3")).toEqual(["'=' between measured numbers is never reliable"]);
    expect(read("level * depth > 1 m")).toEqual(["one side of * must be a constant number"]);
  });

  it("multiplies by plain numbers and percentages", () => {
    const left = { kind: "scale", factor: 0.5, of: slot(0) };
    expect(read("50 % * level < 1 m")).toEqual({
      kind: "compare",
      op: "<",
      left,
      right: number(1),
    });
    expect(read("level < 2 * 3 * 10 cm")).toEqual({
      kind: "compare",
      op: "<",
      left: slot(0),
      right: number(0.6),
    });
  });
});

describe("precedence", () => {
  it.each([
    ["open OR shut AND open", "open OR (shut AND open)"],
    ["open OR open XOR shut", "open OR (open XOR shut)"],
    ["open XOR shut AND open", "open XOR (shut AND open)"],
    ["NOT open AND shut", "(NOT open) AND shut"],
    ["open = shut AND open", "(open = shut) AND open"],
    ["level - 1 m - 2 m < 3 m", "(level - 1 m) - 2 m < 3 m"],
    ["level + 2 * level < 3 m", "level + (2 * level) < 3 m"],
    ["level < 1 m + 2 m", "level < (1 m + 2 m)"],
    ["NOT NOT open", "NOT (NOT open)"],
  ])("reads %s as %s", (bare, full) => {
    expect(read(bare)).toEqual(read(full));
  });
});

describe("states", () => {
  it("compares by the raw number behind the name", () => {
    expect(read("mode = AUTO")).toEqual({
      kind: "compare",
      op: "=",
      left: slot(7),
      right: number(5),
    });
    expect(read("OFF <> mode")).toEqual({
      kind: "compare",
      op: "<>",
      left: slot(7),
      right: number(3),
    });
  });

  it("refuses order, unknown states, and a state alone", () => {
    expect(read("mode < AUTO")).toEqual(["'<' between states, which have no order"]);
    expect(read("mode = AUTOO")).toEqual(["'AUTOO' is not a state of it"]);
    expect(read("mode AND open")).toEqual(["AND needs TRUE or FALSE; this is one of OFF, AUTO"]);
    expect(read("mode = open")).toEqual(["'open' is not a state of it"]);
    expect(read("AUTO")).toEqual(["nothing is called 'AUTO'"]);
  });
});

describe("limits of the language", () => {
  it("refuses what is too long or too deep, and never runs out of stack", () => {
    expect(read(`${"open AND ".repeat(200)}open`)).toEqual([
      "the expression is longer than 1000 characters",
    ]);
    expect(read("(".repeat(400))).toEqual(["nested too deeply"]);
    expect(read("NOT ".repeat(200) + "open")).toEqual(["nested too deeply"]);
    expect(read("-".repeat(900) + "level < 1 m")).toEqual(["nested too deeply"]);
  });

  it("allows what people write", () => {
    expect(Array.isArray(read(`${"open AND ".repeat(60)}open`))).toBe(false);
    expect(Array.isArray(read(`${"(".repeat(28)}open${")".repeat(28)}`))).toBe(false);
  });

  it("has no names from the language underneath", () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      expect(read(name)).toEqual([`nothing is called '${name}'`]);
    }
  });
});
