import { describe, expect, it } from "vitest";
import { HYDRAULICS, solveFlow } from "../../../../simulators/lift-station/hydraulics.js";
import { INFLOW_MAX_M3S, createInflow } from "../../../../simulators/lift-station/inflow.js";
import { findHazards } from "../../../../simulators/lift-station/hazards.js";
import {
  PLANT,
  startIdle,
  startRunning,
  stepPlant,
} from "../../../../simulators/lift-station/physics.js";
import type { Actuators, PlantState } from "../../../../simulators/lift-station/physics.js";

const OFF = { run: false, speedHz: 0 };
const HELD: Actuators = { valve: "hold", pumps: [OFF, OFF] };

function run(state: PlantState, drive: Actuators, seconds: number, inflow = 0): PlantState {
  let now = state;
  for (let i = 0; i < seconds * 10; i++) now = stepPlant(now, drive, inflow, 0.1);
  return now;
}

describe("flow", () => {
  it("lifts 16 l/s with one pump at 50 Hz and 23 l/s with two at 45 Hz, as the plant is rated", () => {
    expect(solveFlow(2, [50, 0], 1).totalM3S * 1_000).toBeCloseTo(15.9, 0);
    expect(solveFlow(2, [45, 45], 1).totalM3S * 1_000).toBeCloseTo(22.9, 0);
  });

  it("satisfies pump curve and main curve at the head it finds", () => {
    for (const hz of [25, 30, 40, 50, 60]) {
      const { totalM3S, headerM } = solveFlow(2, [hz, 0], 1);
      const lifted = 2 + 62 * (hz / 50) ** 2 - 164_000 * totalM3S ** 2;
      const needed = 14 + (31_250 + 2_000) * totalM3S ** 2;
      expect(lifted).toBeCloseTo(headerM, 3);
      expect(needed).toBeCloseTo(headerM, 3);
    }
  });

  it("rises with speed, with the valve and with the level, and never runs backwards", () => {
    let last = 0;
    for (let hz = 25; hz <= 60; hz += 1) {
      const { totalM3S } = solveFlow(2, [hz, 0], 1);
      expect(totalM3S).toBeGreaterThan(last);
      last = totalM3S;
    }
    expect(solveFlow(2, [40, 0], 0.1).totalM3S).toBeLessThan(solveFlow(2, [40, 0], 1).totalM3S);
    expect(solveFlow(1, [40, 0], 1).totalM3S).toBeLessThan(solveFlow(3, [40, 0], 1).totalM3S);
    expect(solveFlow(2, [20, 0], 1).totalM3S).toBe(0);
  });

  it("moves nothing against a closed valve, at the pump's full head", () => {
    expect(solveFlow(2, [50, 0], 0)).toEqual({ totalM3S: 0, headerM: 64 });
  });

  it("moves nothing when the suction draws air", () => {
    expect(solveFlow(HYDRAULICS.suctionLostM - 0.01, [50, 50], 1).totalM3S).toBe(0);
    expect(solveFlow(HYDRAULICS.suctionLostM + 0.01, [50, 50], 1).totalM3S).toBeGreaterThan(0);
  });
});

describe("motion", () => {
  it("moves the valve from end to end in its stroke time and no further", () => {
    const open = { ...HELD, valve: "open" } as const;
    expect(run(startIdle(), open, 4).valve).toBeCloseTo(0.5, 5);
    expect(run(startIdle(), open, 8.1).valve).toBe(1);
    expect(run(startIdle(), open, 20).valve).toBe(1);
    expect(run({ ...startIdle(), valve: 1 }, { ...HELD, valve: "close" }, 20).valve).toBe(0);
    expect(run({ ...startIdle(), valve: 0.4 }, HELD, 20).valve).toBe(0.4);
  });

  it("ramps a drive up and down at 10 Hz/s, lets it run down at 20 Hz/s, and stops at 60 Hz", () => {
    const at = (speedHz: number): Actuators => ({ ...HELD, pumps: [{ run: true, speedHz }, OFF] });
    const up = run({ ...startIdle(), valve: 1 }, at(50), 2);
    expect(up.pumps[0].shaftHz).toBeCloseTo(20, 5);
    const full = run(up, at(600), 10);
    expect(full.pumps[0].shaftHz).toBe(PLANT.driveMaxHz);
    expect(run(full, at(30), 1).pumps[0].shaftHz).toBeCloseTo(50, 5);
    expect(run(full, HELD, 1).pumps[0].shaftHz).toBeCloseTo(40, 5);
    expect(run(full, HELD, 5).pumps[0]).toMatchObject({ powered: false, shaftHz: 0 });
    expect(run(startIdle(), at(-5), 5).pumps[0].shaftHz).toBe(0);
  });

  it("never lets the sum of two speeds overshoot while one falls and the other rises", () => {
    let now: PlantState = {
      ...startRunning(),
      pumps: [
        { powered: true, shaftHz: 50, windingCel: 50 },
        { powered: true, shaftHz: 40, windingCel: 50 },
      ],
    };
    const swap: Actuators = {
      ...HELD,
      pumps: [
        { run: true, speedHz: 40 },
        { run: true, speedHz: 50 },
      ],
    };
    for (let i = 0; i < 50; i++) {
      now = stepPlant(now, swap, 0, 0.1);
      expect(findHazards(now)).toEqual([]);
    }
  });

  it("keeps its water: what came in less what went out is what the level shows", () => {
    let now = startRunning();
    let balance = now.levelM * PLANT.wellAreaM2;
    const drive: Actuators = { valve: "open", pumps: [{ run: true, speedHz: 42 }, OFF] };
    for (let i = 0; i < 3_000; i++) {
      now = stepPlant(now, drive, 0.012, 0.1);
      balance += (0.012 - now.flowM3S) * 0.1;
    }
    expect(now.levelM * PLANT.wellAreaM2).toBeCloseTo(balance, 6);
  });

  it("stands at the weir when it overflows and at the bottom when it is empty", () => {
    const full = run({ ...startIdle(), levelM: 5.49 }, HELD, 60, 0.02);
    expect(full.levelM).toBe(5.5);
    expect(full.spilledM3).toBeCloseTo(0.02 * 60 - 0.01 * PLANT.wellAreaM2, 6);
    expect(run({ ...startIdle(), levelM: 0 }, HELD, 10, 0).levelM).toBe(0);
  });

  it("warms a winding at work to a safe temperature and cooks it against a closed valve", () => {
    const work: Actuators = { valve: "open", pumps: [{ run: true, speedHz: 50 }, OFF] };
    expect(run(startRunning(), work, 3_600, 0.016).pumps[0].windingCel).toBeCloseTo(80, 0);
    const shut = { ...startRunning(), valve: 0 };
    const drive: Actuators = { ...work, valve: "close" };
    expect(run(shut, drive, 600).pumps[0].windingCel).toBeGreaterThan(130);
  });
});

describe("hazards are seen at their limit and not before", () => {
  const at = (shafts: readonly [number, number], more: Partial<PlantState> = {}): PlantState => ({
    ...startRunning(),
    pumps: [
      { powered: shafts[0] > 0, shaftHz: shafts[0], windingCel: 40 },
      { powered: shafts[1] > 0, shaftHz: shafts[1], windingCel: 40 },
    ],
    ...more,
  });

  it("deadhead", () => {
    expect(findHazards(at([30, 0], { valve: 0 }))).toEqual(["deadhead"]);
    expect(findHazards(at([30, 0], { valve: 0.01 }))).toEqual([]);
    expect(findHazards(at([0, 0], { valve: 0 }))).toEqual([]);
    expect(findHazards(at([0, 6], { valve: 0 }))).toEqual(["deadhead"]);
  });
  it("dry-run", () => {
    expect(findHazards(at([30, 0], { levelM: 0.39 }))).toEqual(["dry-run"]);
    expect(findHazards(at([30, 0], { levelM: 0.4 }))).toEqual([]);
    expect(findHazards(at([0, 0], { levelM: 0.1 }))).toEqual([]);
  });
  it("feeder-overload", () => {
    expect(findHazards(at([45, 45.1]))).toEqual(["feeder-overload"]);
    expect(findHazards(at([45, 45]))).toEqual([]);
    const coasting = at([45, 50]);
    expect(
      findHazards({
        ...coasting,
        pumps: [coasting.pumps[0], { ...coasting.pumps[1], powered: false }],
      }),
    ).toEqual([]);
  });
  it("overflow", () => {
    expect(findHazards(at([30, 0], { levelM: 5.5 }))).toEqual(["overflow"]);
    expect(findHazards(at([30, 0], { levelM: 5.49 }))).toEqual([]);
  });
});

describe("inflow", () => {
  it("stays between nothing and what two pumps at 45 Hz carry, and rises and falls with the day", () => {
    for (const seed of [1, 2, 3]) {
      const inflow = createInflow(seed);
      const hours = Array.from({ length: 24 * 3_600 }, () => inflow.next(1));
      expect(hours.every((flow) => flow >= 0 && flow <= INFLOW_MAX_M3S)).toBe(true);
      expect(INFLOW_MAX_M3S).toBeLessThan(solveFlow(2, [45, 45], 1).totalM3S);
      expect(
        Math.max(...hours.slice(0, 60_000)) / Math.min(...hours.slice(0, 60_000)),
      ).toBeGreaterThan(1.5);
    }
  });

  it("raises the level by far less than the 0.02 m/s that the profile assumes", () => {
    expect(INFLOW_MAX_M3S / PLANT.wellAreaM2).toBeLessThan(0.02);
  });
});
