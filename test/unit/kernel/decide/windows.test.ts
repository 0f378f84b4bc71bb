import { describe, expect, it } from "vitest";
import { windowOf } from "../../../../src/kernel/decide/windows.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import type { Output } from "../../../../src/kernel/profile/model.js";
import type { FoldedState } from "../../../../src/kernel/state/state.js";
import {
  at,
  charges,
  goodImage,
  NOW,
  planned,
  readyState,
  sample,
  withOutputState,
} from "../../../support/judging.js";
import {
  bar,
  buildModel,
  CONTROLLERS,
  defaultOutputs,
  hz,
  IN,
  metres,
  OUT,
  permissive,
  outSlot,
} from "../../../support/model.js";
import { compare, or } from "../../../support/formula.js";
import { address } from "../../../support/tags.js";

const profile = compileProfile(buildModel());
const ready = readyState(profile);

function windowAt(
  state: FoldedState,
  output: number,
  options: { of?: typeof profile; image?: ReturnType<typeof goodImage> } = {},
): unknown {
  const view = { image: options.image ?? goodImage(), state, nowUs: NOW };
  return windowOf(options.of ?? profile, view, CONTROLLERS.ai, output);
}

describe("the window of an output", () => {
  it("ends at the step on either side", () => {
    expect(windowAt(ready, OUT.speed1)).toEqual({ low: hz(30), high: hz(40) });
  });

  it("ends at the range where that is nearer", () => {
    expect(windowAt(at(ready, OUT.speed1, hz(27)), OUT.speed1)).toEqual({
      low: hz(25),
      high: hz(32),
    });
  });

  it("ends where a permissive would no longer surely hold [HP-058]", () => {
    const image = goodImage(new Map([[IN.pressure, sample(bar(7))]]));
    expect(windowAt(at(ready, OUT.speed1, hz(38)), OUT.speed1, { image })).toEqual({
      low: hz(33),
      high: hz(40),
    });
  });

  it("does not reach over a forbidden band", () => {
    const speed = outSlot(OUT.speed1);
    const banded = compileProfile(
      buildModel({
        always: [
          { id: "A-02", holds: or(compare(speed, "<=", 36), compare(speed, ">=", 38)), why: "" },
        ],
      }),
    );
    expect(windowAt(readyState(banded), OUT.speed1, { of: banded })).toEqual({
      low: hz(30),
      high: hz(36),
    });
  });

  it("is empty when nothing is permitted, or nothing is known", () => {
    expect(windowAt({ ...ready, mode: "holding" }, OUT.speed1)).toBeNull();
    expect(windowAt(withOutputState(ready, OUT.speed1, { proven: null }), OUT.speed1)).toBeNull();
    expect(windowAt(ready, 99)).toBeNull();
    expect(windowAt(ready, OUT.local)).toBeNull();
  });

  it("is the deadband alone while a write would come too soon", () => {
    const soon = withOutputState(ready, OUT.speed1, { permits: charges(100_000) });
    expect(windowAt(soon, OUT.speed1)).toEqual({ low: hz(34.8), high: hz(35.2) });
  });

  it("starts from the limit where the value lies outside the range", () => {
    expect(windowAt(at(ready, OUT.speed1, 0), OUT.speed1)).toEqual({ low: hz(25), high: hz(25) });
  });

  it("names the smaller engineering value first on a scale that is turned round", () => {
    const outputs = defaultOutputs().map((tag): Output =>
      tag.name === "pump1.speed"
        ? { ...tag, scaling: { rawLow: 0, rawHigh: 6000, euLow: 60, euHigh: 0 } }
        : tag,
    );
    const turned = compileProfile(buildModel({ outputs }));
    const state = at(readyState(turned), OUT.speed1, 2500);
    expect(windowAt(state, OUT.speed1, { of: turned })).toEqual({ low: 3000, high: 2000 });
  });

  it("promises nothing beyond its bounded search in a wide format", () => {
    const outputs = defaultOutputs().map((tag): Output =>
      tag.name === "pump1.speed"
        ? {
            ...tag,
            at: address("hr", 41, "u32"),
            scaling: null,
            range: { low: 0, high: 4_000_000_000 },
            step: null,
            rampPerS: null,
            drift: null,
          }
        : tag,
    );
    const wide = compileProfile(
      buildModel({
        outputs,
        always: [],
        permissives: [
          permissive("P", { kind: "any" }, compare(outSlot(OUT.speed1) + 2, "<=", 3_000_000_000)),
        ],
      }),
    );
    const found = windowOf(
      wide,
      { image: goodImage(), state: at(readyState(wide), OUT.speed1, 35), nowUs: NOW },
      0,
      OUT.speed1,
    );
    expect(found?.low).toBe(0);
    expect(found?.high).toBeGreaterThan(2_999_000_000);
    expect(found?.high).toBeLessThanOrEqual(3_000_000_000);
  });

  it("of a BOOL names the values permitted, with the rest of its word as it is", () => {
    expect(windowAt(ready, OUT.run1)).toEqual({ low: 0, high: 1 });
    expect(windowAt(at(ready, OUT.run1, 1, 1), OUT.run1)).toEqual({ low: 1, high: 1 });
    expect(windowAt(planned(ready, OUT.run2, 1), OUT.run1)).toBeNull();
    const low = goodImage(
      new Map([IN.levelA, IN.levelB].map((input) => [input, sample(metres(0.7))])),
    );
    expect(windowAt(at(ready, OUT.run1, 0), OUT.run1, { image: low })).toEqual({ low: 0, high: 0 });
  });
});
