import { HYDRAULICS, VALVE_SEATED, solveFlow } from "./hydraulics.js";

/** The plant itself: what is true, whatever any sensor says. Metres, seconds, Hz, m3/s, bar, degrees Celsius. */
export type PlantState = {
  readonly levelM: number;
  /** 0 closed, 1 open. */
  readonly valve: number;
  readonly pumps: readonly [Pump, Pump];
  readonly flowM3S: number;
  readonly inflowM3S: number;
  readonly pressureBar: number;
  /** What has run over the weir so far, m3. */
  readonly spilledM3: number;
};

export type Pump = {
  /** The drive is switched on. A shaft that only runs down is not powered. */
  readonly powered: boolean;
  readonly shaftHz: number;
  readonly windingCel: number;
};

/** What the PLC's output cards do to the plant. */
export type Actuators = {
  readonly valve: "open" | "close" | "hold";
  readonly pumps: readonly [Drive, Drive];
};
export type Drive = { readonly run: boolean; readonly speedHz: number };

export const PLANT = {
  wellAreaM2: 4,
  weirM: 5.5,
  wellTopM: 6,
  valveStrokeS: 8,
  driveMaxHz: 60,
  /** Drives ramp up and down alike: of two speeds changed together the sum never overshoots. */
  driveRampHzS: 10,
  rundownHzS: 20,
  ambientCel: 18,
} as const;

/** A quarter to one pump's work done: valve open, pump 1 at 30 Hz, the well at 2.4 m. */
export function startRunning(): PlantState {
  return {
    ...startIdle(),
    valve: 1,
    pumps: [{ powered: true, shaftHz: 30, windingCel: 40 }, idlePump()],
  };
}

/** Nothing moves and the discharge is closed; the well stands at 2.4 m. */
export function startIdle(): PlantState {
  return {
    levelM: 2.4,
    valve: 0,
    pumps: [idlePump(), idlePump()],
    flowM3S: 0,
    inflowM3S: 0,
    pressureBar: HYDRAULICS.staticHeadM / HYDRAULICS.metresPerBar,
    spilledM3: 0,
  };
}

/**
 * The plant `dtS` seconds later (0.1 s is the step it is made for). Pure. Nothing here protects anything:
 * it does what it is told, within what physics allows.
 */
export function stepPlant(
  now: PlantState,
  drive: Actuators,
  inflowM3S: number,
  dtS: number,
): PlantState {
  const valve = moveValve(now.valve, drive.valve, dtS);
  const shafts = [
    turnShaft(now.pumps[0].shaftHz, drive.pumps[0], dtS),
    turnShaft(now.pumps[1].shaftHz, drive.pumps[1], dtS),
  ] as const;
  const flow = solveFlow(now.levelM, shafts, valve);
  const well = fillWell(now.levelM, (inflowM3S - flow.totalM3S) * dtS);
  const starved = flow.totalM3S < 0.001;
  const pump = (n: 0 | 1): Pump => ({
    powered: drive.pumps[n].run,
    shaftHz: shafts[n],
    windingCel: warmWinding(now.pumps[n].windingCel, { shaftHz: shafts[n], starved }, dtS),
  });
  return {
    levelM: well.levelM,
    valve,
    pumps: [pump(0), pump(1)],
    flowM3S: flow.totalM3S,
    inflowM3S,
    // The gauge's damping: half a second.
    pressureBar:
      now.pressureBar +
      (flow.headerM / HYDRAULICS.metresPerBar - now.pressureBar) * Math.min(1, dtS / 0.5),
    spilledM3: now.spilledM3 + well.spilledM3,
  };
}

/** No water passes: the valve sits on its seat. */
export function isValveShut(state: PlantState): boolean {
  return state.valve < VALVE_SEATED;
}

function idlePump(): Pump {
  return { powered: false, shaftHz: 0, windingCel: PLANT.ambientCel };
}

function moveValve(valve: number, order: Actuators["valve"], dtS: number): number {
  const travel = dtS / PLANT.valveStrokeS;
  switch (order) {
    case "open":
      return Math.min(1, valve + travel);
    case "close":
      return Math.max(0, valve - travel);
    case "hold":
      return valve;
  }
}

function turnShaft(shaftHz: number, drive: Drive, dtS: number): number {
  if (!drive.run) return Math.max(0, shaftHz - PLANT.rundownHzS * dtS);
  const target = Math.min(PLANT.driveMaxHz, Math.max(0, drive.speedHz));
  const travel = PLANT.driveRampHzS * dtS;
  return shaftHz < target ? Math.min(target, shaftHz + travel) : Math.max(target, shaftHz - travel);
}

/** The weir carries whatever comes: the level stays at its edge, and what went over is counted. */
function fillWell(
  levelM: number,
  addedM3: number,
): { readonly levelM: number; readonly spilledM3: number } {
  const filled = Math.max(0, levelM + addedM3 / PLANT.wellAreaM2);
  if (filled <= PLANT.weirM) return { levelM: filled, spilledM3: 0 };
  return { levelM: PLANT.weirM, spilledM3: (filled - PLANT.weirM) * PLANT.wellAreaM2 };
}

/** A motor is cooled by the water it moves: turning without any, it heats further and faster. */
function warmWinding(
  cel: number,
  motor: { readonly shaftHz: number; readonly starved: boolean },
  dtS: number,
): number {
  const load = (motor.shaftHz / HYDRAULICS.ratedHz) ** 3;
  const starved = motor.starved && motor.shaftHz > 0;
  const target = PLANT.ambientCel + load * (starved ? 160 : 62);
  return cel + ((target - cel) * dtS) / (starved ? 180 : 500);
}
