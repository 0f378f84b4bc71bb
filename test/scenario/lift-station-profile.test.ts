import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadProfile } from "../../src/profile/load.js";
import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { ProfileModel } from "../../src/kernel/profile/model.js";

const FILE = new URL("../../profiles/lift-station.yaml", import.meta.url);
const text = readFileSync(FILE, "utf8");

function loadShipped(changed = text): ProfileModel {
  const digest = createHash("sha256").update(changed).digest();
  const result = loadProfile(changed, "lift-station.yaml", digest);
  if (!result.ok) throw new Error(result.rendered.join("\n\n"));
  return result.model;
}

const nameOf = (model: ProfileModel, position: number): string =>
  model.outputs[position]?.name ?? "";

describe("the shipped profile of the lift station", () => {
  it("loads, and every warning is about this release and none about the plant", () => {
    const result = loadProfile(text, "lift-station.yaml", new Uint8Array(32));
    const warnings = result.ok
      ? result.warnings.map((warning) => warning.message)
      : result.rendered;
    expect(warnings.filter((message) => !message.includes("this release"))).toEqual([]);
    expect(() => compileProfile(loadShipped())).not.toThrow();
  });

  it("hands back to the floats and does nothing else in its safe state", () => {
    const model = loadShipped();
    expect(model.safeState.order.map((position) => nameOf(model, position))).toEqual([
      "station.local",
    ]);
    expect(model.outputs.filter((output) => output.safe.kind === "value")).toHaveLength(1);
  });

  it("has a hazard for high level and trips that cover it", () => {
    const high = loadShipped().hazards.find((hazard) =>
      hazard.never.includes("well.level > 5.5 m"),
    );
    expect(high?.coveredBy).toEqual(["T-07", "T-08"]);
  });

  it("has a winding trip for each pump, and each says what its neighbour's bit becomes", () => {
    const model = loadShipped();
    const windings = model.trips.filter((trip) => trip.why === "winding");
    expect(windings.map((trip) => trip.unknownBits)).toEqual([0, 0]);
  });

  it("never hands over to the floats while the emergency stop is pressed", () => {
    const model = loadShipped();
    const estop = model.inputs.findIndex((input) => input.name === "estop.healthy");
    const handing = model.trips.filter(
      (trip) => trip.when !== null && trip.action.kind === "safe-state",
    );
    expect(handing).toHaveLength(2);
    for (const trip of handing) expect(JSON.stringify(trip.when)).toContain(`"slot":${estop}}`);
  });

  it("knows no address: those stand in the site file", () => {
    expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+|tcp/);
  });

  it("gives a stranger outputs of its own, which no rule, trip or group touches", () => {
    const model = loadShipped();
    const visitor = model.controllers.find((controller) => controller.name === "visitor");
    const outputs = [...(visitor?.outputs ?? [])];
    expect(outputs.map((position) => nameOf(model, position))).toEqual([
      "panel.lamp",
      "panel.setpoint",
    ]);
    expect(visitor?.lease?.beat).toEqual({ kind: "command" });
    const ai = model.controllers.find((controller) => controller.name === "ai");
    for (const position of outputs) {
      expect(ai?.outputs.has(position)).toBe(false);
      const slot = `"slot":${model.inputs.length + position}}`;
      expect(JSON.stringify([model.permissives, model.always, model.trips])).not.toContain(slot);
      expect(model.groups.some((group) => group.outputs.includes(position))).toBe(false);
    }
  });

  it("lets no controller but a person write station.local", () => {
    const model = loadShipped();
    const local = model.outputs.findIndex((output) => output.name === "station.local");
    const allowed = model.controllers.filter((controller) => controller.outputs.has(local));
    expect(allowed.map((controller) => controller.name)).toEqual(["operator"]);
  });

  it("cannot lose the second pump's winding trip without a word", () => {
    const without = text.replace(/ {2}- \{id: T-06.*\n/, "");
    const result = loadProfile(without, "lift-station.yaml", new Uint8Array(32));
    const messages = result.ok ? result.warnings.map((warning) => warning.message) : [];
    expect(messages).toContain("T-05 has no counterpart for pump2");
  });
});
