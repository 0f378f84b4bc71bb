import { describe, expect, it } from "vitest";
import { positionOf, renderDiagnostic } from "../../../src/profile/diagnostic.js";
import type { Diagnostic } from "../../../src/profile/diagnostic.js";
import { load, plant, SOUND } from "./fixture.js";
import { DOUBTS } from "./mistakes/doubts.js";
import { ELEMENTS } from "./mistakes/elements.js";
import { EXPRESSIONS } from "./mistakes/expressions.js";
import type { Saying } from "./mistakes/mistake.js";
import { OUTPUTS } from "./mistakes/outputs.js";
import { YAML } from "./mistakes/yaml.js";

const MISTAKES = [...EXPRESSIONS, ...YAML, ...OUTPUTS, ...ELEMENTS];

const found = (text: string): readonly Diagnostic[] => {
  const result = load(text);
  return result.ok ? result.warnings : result.diagnostics;
};

function sayingOf(text: string, diagnostic: Diagnostic): Saying {
  const { line, column } = positionOf(text, diagnostic.from);
  const marks = text.slice(diagnostic.from, diagnostic.to);
  return { at: `${line}:${column}`, marks, message: diagnostic.message, hint: diagnostic.hint };
}

describe("a sound profile", () => {
  it("loads, and warns of exactly what this release does not do [HP-090 allows] [HP-092 allows]", () => {
    const result = load(SOUND);
    expect(result.rendered.filter((text) => text.startsWith("error"))).toEqual([]);
    expect(result.ok && result.warnings.map((warning) => warning.message)).toEqual([
      "this release does not check signatures: the profile is UNSIGNED",
      "this release does not beat the heartbeat: the device's block must not be armed yet",
      "this release has no way for a signed beat: this controller never holds a lease",
      "this release does not prove hazards: they are checked for form only",
    ]);
  });

  it("numbers slots by inputs, then outputs, then cmd, in file order", () => {
    const result = load(SOUND);
    if (!result.ok) throw new Error("the fixture must load");
    expect(result.model.inputs.map((input) => input.name)).toEqual([
      "mode",
      "level",
      "pressure",
      "a.running",
      "b.running",
      "a.winding",
    ]);
    const topSpeed = result.model.permissives[1];
    expect(topSpeed?.needs).toEqual({
      kind: "or",
      left: {
        kind: "compare",
        op: "<=",
        left: { kind: "slot", slot: 10 },
        right: { kind: "number", value: 40 },
      },
      right: {
        kind: "compare",
        op: "<",
        left: { kind: "slot", slot: 2 },
        right: { kind: "number", value: 6 },
      },
    });
  });

  it("adds the built-in trips after its own: foreign, proof, lost, confirm", () => {
    const result = load(plant("else: T-01}", "else: safe_state}"));
    if (!result.ok) throw new Error("the fixture must load");
    expect(result.model.trips.map((trip) => trip.id)).toEqual([
      "T-01",
      "T-02",
      "foreign.local",
      "foreign.a.run",
      "foreign.b.run",
      "foreign.a.speed",
      "proof.local",
      "proof.a.run",
      "proof.a.speed",
      "lost.plc",
      "confirm.0",
    ]);
    expect(result.model.confirms[0]?.trip).toBe(10);
    expect(result.model.trips.slice(2).every((trip) => trip.when === null)).toBe(true);
  });

  it("lets a confirm name a trip of the profile", () => {
    const result = load(SOUND);
    expect(result.ok && result.model.confirms[0]?.trip).toBe(0);
  });

  it("turns times, ranges, values and unknown bits into the model's units", () => {
    const result = load(plant("unknown_bits: [b.run = FALSE]", "unknown_bits: [b.run = TRUE]"));
    if (!result.ok) throw new Error("the fixture must load");
    const { model } = result;
    expect(model.valid.fromUtcUs).toBe(Date.UTC(2026, 0, 1) * 1000);
    expect(model.trips[1]?.unknownBits).toBe(2);
    expect(model.controllers[0]?.lease?.lapse).toEqual({
      kind: "revert",
      to: [{ output: 3, raw: 3000 }],
    });
    expect(model.outputs[3]).toMatchObject({
      range: { low: 25, high: 50 },
      rampPerS: 2,
      drift: { net: 20, windowUs: 600_000_000 },
      proof: { kind: "readback", tolerance: 0.05, withinUs: 1_000_000 },
    });
    expect(model.outputs[1]?.foreign).toEqual({ adoptIn: [1], otherwise: "trip" });
    expect(model.inputs[2]?.frozen).toEqual({
      afterUs: 1_800_000_000,
      unless: { kind: "slot", slot: 3 },
    });
  });

  it("reads Windows line ends", () => {
    expect(load(SOUND.replaceAll("\n", "\r\n")).ok).toBe(true);
  });
});

describe("a mistake in a profile", () => {
  it.each(MISTAKES)(
    "refuses $name, says where, and what to do [HP-090 refuses] [HP-092 refuses]",
    ({ was, is, says }) => {
      const text = plant(was, is);
      const result = load(text);
      expect(result.ok).toBe(false);
      const errors = found(text).filter((diagnostic) => diagnostic.severity === "error");
      expect(errors.map((error) => sayingOf(text, error))).toEqual(says);
    },
  );

  it.each(DOUBTS)("warns of $name and loads", ({ was, is, says }) => {
    const text = plant(was, is);
    const known = new Set(found(SOUND).map((warning) => warning.message));
    expect(load(text).ok).toBe(true);
    const warnings = found(text).filter((warning) => !known.has(warning.message));
    expect(warnings.map((warning) => sayingOf(text, warning))).toEqual(says);
  });

  it("warns when one of two siblings lacks the other's trip", () => {
    const twins = SOUND.replaceAll("a.", "pump1.")
      .replaceAll("b.", "pump2.")
      .replace("1.winding:  ", "1.winding: ");
    const result = load(twins);
    const messages = result.ok
      ? result.warnings.map((warning) => warning.message)
      : result.rendered;
    expect(messages).toContain("T-02 has no counterpart for pump2");
    expect(messages).not.toContain("T-01 has no counterpart for pump2");
  });

  it("says all of them at once, in the order of the file", () => {
    const text = plant("mode = AI, why", "mode = AUTO, why")
      .replace("deadband", "deadbnad")
      .replace("level < 0.9001 m", "level < 1 bar")
      .replace("else: T-01", "else: T-11");
    const errors = found(text).filter((diagnostic) => diagnostic.severity === "error");
    expect(errors.map((error) => positionOf(text, error.from).line)).toEqual([29, 34, 36, 46]);
  });

  it("says at most 50, and how many more there are", () => {
    const many = Array.from({ length: 80 }, (_, index) => `  x${index}: oops ${index}`).join("\n");
    const errors = found(plant("signals:", `signals:\n${many}`));
    expect(errors.length).toBe(50);
    expect(errors.at(-1)?.hint).toMatch(/\(and \d+ more\)$/);
  });

  it("stops signals from growing without bound", () => {
    const chain = Array.from({ length: 30 }, (_, n) =>
      n === 0 ? "  s0: a.running" : `  s${n}: s${n - 1} AND NOT s${n - 1}`,
    ).join("\n");
    const messages = found(plant("signals:", `signals:\n${chain}`)).map((d) => d.message);
    expect(messages).toContain("more than 4096 terms, signals put in");
  });

  it("refuses a file that is too long or nested too deeply before it is parsed", () => {
    expect(found("a".repeat(600 * 1024)).map((d) => d.message)).toEqual([
      "the file is longer than 512 KiB",
    ]);
    expect(found(`a: ${"[".repeat(5000)}`).map((d) => d.message)).toEqual(["nested too deeply"]);
    expect(found(`${"- ".repeat(5000)}a`).map((d) => d.message)).toEqual(["nested too deeply"]);
  });

  it("gives an empty file one plain sentence", () => {
    expect(found("# nothing\n").map((d) => d.message)).toEqual(["the file is empty"]);
  });
});

describe("how a complaint is shown", () => {
  it("has the place, the line, a caret and a hint [HP-090]", () => {
    const text = plant("pressure < 6 bar", "pressure < 6");
    const result = load(text);
    expect(result.rendered[0]).toBe(
      [
        "error: '<' between a quantity in bar and a number without a unit",
        "  --> tank.yaml:37:53 (permissives.P-02.needs)",
        "   |",
        "37 |   - {id: P-02, for: a.speed, needs: cmd <= 40 Hz OR pressure < 6, why: top speed}",
        "   |                                                     ^^^^^^^^^^^^",
        "   = hint: write the unit: 6 bar",
      ].join("\n"),
    );
  });

  it("cuts a long line around the caret", () => {
    const text = plant("deadband: 0.2 Hz", "deadbnad: 0.2 Hz");
    const [, , , line = "", caret = ""] = load(text).rendered[0]?.split("\n") ?? [];
    expect(line.length).toBeLessThan(150);
    expect(line.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1)).toBe("deadbnad");
  });

  it("lets nothing of a file steer the terminal", () => {
    const evil = "a: \u001b[31mred\u202e";
    for (const shown of load(evil).rendered) expect(shown).toMatch(/^[\x20-\x7e\n]*$/);
    const quoted = renderDiagnostic("\u009bx", "f", {
      severity: "error",
      message: "\u0007",
      hint: null,
      from: 0,
      to: 1,
      path: "",
    });
    expect(quoted).toContain("error: ?");
    expect(quoted).toContain("1 | ?x");
  });
});
