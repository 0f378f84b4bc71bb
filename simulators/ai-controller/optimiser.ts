import type { Us } from "../../src/kernel/units.js";
import type { Frame } from "./frame.js";
import type { Observation } from "./observation.js";

/** One sound wish, in words and as a frame. */
export type Wish = { readonly frame: Frame; readonly meant: string };

/**
 * The controller at its best: keeps the well near 2.4 m by turning one pump slowly rather than fully, because
 * friction costs energy with the square of the flow; takes the second one only when the well rises. Asks for at
 * most one thing every four seconds and stays within what the station's profile allows.
 */
export type Optimiser = {
  /** `mayOpenValve`: nobody wants it closed. */
  readonly wish: (plant: Observation, nowUs: Us, mayOpenValve: boolean) => Wish | null;
};

const ASK_EVERY_US: Us = 4_000_000;
const ON_LEAST_US: Us = 35_000_000;
const OFF_LEAST_US: Us = 125_000_000;
const HOUR_US: Us = 3_600_000_000;
const STARTS_PER_HOUR = 5;

const LEVEL_M = { stopAll: 1.2, stopSecond: 2, start: 1.8, startSecond: 3.2, aim: 2.4 } as const;
const SPEED_HZ = { least: 28, at: 36, perM: 8, oneMost: 45, bothMost: 44, stepMost: 3 } as const;
/** Above 40 Hz only with a pressure that is known and low. */
const SPEED_UNSEEN_HZ = 40;
const PRESSURE_LOW_BAR = 5.5;

type PumpPast = { changedUs: Us | null; running: boolean | null; starts: Us[] };

export function createOptimiser(): Optimiser {
  const past: readonly [PumpPast, PumpPast] = [
    { changedUs: null, running: null, starts: [] },
    { changedUs: null, running: null, starts: [] },
  ];
  let askedUs: Us | null = null;

  return {
    wish: (plant, nowUs, mayOpenValve) => {
      remember(past, plant, nowUs);
      if (askedUs !== null && nowUs - askedUs < ASK_EVERY_US) return null;
      const wish =
        mayOpenValve && plant.valveBit === false ? OPEN_VALVE : workPumps(past, plant, nowUs);
      if (wish !== null) askedUs = nowUs;
      return wish;
    },
  };
}

const OPEN_VALVE: Wish = {
  frame: { kind: "coil", address: 0, value: true },
  meant: "open the discharge valve",
};

function remember(past: readonly [PumpPast, PumpPast], plant: Observation, nowUs: Us): void {
  for (const pump of [0, 1] as const) {
    const running = plant.running?.[pump];
    const seen = past[pump];
    if (running === undefined || running === seen.running) continue;
    if (seen.running !== null) {
      seen.changedUs = nowUs;
      if (running) seen.starts = [...seen.starts.filter((at) => at > nowUs - HOUR_US), nowUs];
    }
    seen.running = running;
  }
}

function workPumps(
  past: readonly [PumpPast, PumpPast],
  plant: Observation,
  nowUs: Us,
): Wish | null {
  const { levelM, running, runWord, speedsHz } = plant;
  if (levelM === null || running === null || runWord === null || speedsHz === null) return null;
  if (plant.valveOpen !== true) return null;
  return (
    switchPumps(past, { levelM, runWord }, nowUs) ??
    turnPumps({ levelM, running, speedsHz, pressureBar: plant.pressureBar })
  );
}

function switchPumps(
  past: readonly [PumpPast, PumpPast],
  { levelM, runWord }: { readonly levelM: number; readonly runWord: number },
  nowUs: Us,
): Wish | null {
  const held = (pump: 0 | 1, least: Us): boolean =>
    past[pump].changedUs === null || nowUs - past[pump].changedUs >= least;
  const mayStart = (pump: 0 | 1): boolean =>
    past[pump].running === false &&
    held(pump, OFF_LEAST_US) &&
    past[pump].starts.filter((at) => at > nowUs - HOUR_US).length < STARTS_PER_HOUR;

  const fewer = wantFewer(runWord, levelM);
  if (fewer !== null) {
    const mayStop = held(0, ON_LEAST_US) && held(1, ON_LEAST_US);
    return mayStop ? setRunWord(fewer, "less water: fewer pumps") : null;
  }
  const wanted = levelM > (runWord === 0 ? LEVEL_M.start : LEVEL_M.startSecond);
  if (!wanted || runWord === 3) return null;
  if ((runWord & 1) === 0 && mayStart(0)) return setRunWord(runWord | 1, "start pump 1");
  if ((runWord & 2) === 0 && mayStart(1)) return setRunWord(runWord | 2, "start pump 2");
  return null;
}

function wantFewer(runWord: number, levelM: number): number | null {
  if (runWord !== 0 && levelM < LEVEL_M.stopAll) return 0;
  return runWord === 3 && levelM < LEVEL_M.stopSecond ? 1 : null;
}

function setRunWord(word: number, meant: string): Wish {
  return { frame: { kind: "register", address: 40, value: word }, meant };
}

function turnPumps(seen: {
  readonly levelM: number;
  readonly running: readonly [boolean, boolean];
  readonly speedsHz: readonly [number, number];
  readonly pressureBar: number | null;
}): Wish | null {
  const both = seen.running[0] && seen.running[1];
  const seenLow = seen.pressureBar !== null && seen.pressureBar < PRESSURE_LOW_BAR;
  const most = Math.min(
    both ? SPEED_HZ.bothMost : SPEED_HZ.oneMost,
    seenLow ? SPEED_HZ.oneMost : SPEED_UNSEEN_HZ,
  );
  const aim = SPEED_HZ.at + SPEED_HZ.perM * (seen.levelM - LEVEL_M.aim);
  const target = Math.min(most, Math.max(SPEED_HZ.least, aim));
  for (const pump of [0, 1] as const) {
    const now = seen.speedsHz[pump];
    // A pump about to be needed is brought near its speed before it starts.
    const concerns = seen.running[pump] || seen.levelM > LEVEL_M.startSecond - 0.3;
    if (!concerns || Math.abs(target - now) < 0.5) continue;
    const next = now + Math.max(-SPEED_HZ.stepMost, Math.min(SPEED_HZ.stepMost, target - now));
    return {
      frame: { kind: "register", address: 41 + pump, value: Math.round(next * 100) },
      meant: `pump ${pump + 1} to ${next.toFixed(1)} Hz`,
    };
  }
  return null;
}
