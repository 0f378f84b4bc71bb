import type { Us } from "../../src/kernel/units.js";
import { PLANT, isValveShut } from "./physics.js";
import type { PlantState } from "./physics.js";

/** Things that must never happen, by what is true in the plant and not by what anybody commanded or measured. */
export const HAZARDS = {
  deadhead: { rule: "H-01", says: "a pump turns against the closed valve" },
  "dry-run": { rule: "H-02", says: "a pump turns with less than 0.4 m of water over its suction" },
  "feeder-overload": {
    rule: "H-03",
    says: "both pumps together draw more than the feeder carries",
  },
  overflow: { rule: "H-04", says: "sewage runs over the weir at 5.5 m" },
} as const;
export type HazardName = keyof typeof HAZARDS;

/** One stretch of time in which it held, without a gap. */
export type HazardEpisode = {
  readonly name: HazardName;
  /** Of the profile (profiles/lift-station.yaml). */
  readonly rule: string;
  readonly says: string;
  readonly fromUs: Us;
  readonly lastUs: Us;
};

/** Turning, not standing or trickling to a halt. */
const TURNING_HZ = 5;
const DRY_RUN_M = 0.4;
/** 90 Hz, and a hair for the sum of two decimals. */
const FEEDER_HZ = 90.001;
const EPISODES_MAX = 200;

/** The hazards that hold in this state, in the order of the profile. */
export function findHazards(state: PlantState): readonly HazardName[] {
  const [one, two] = state.pumps;
  const turning = one.shaftHz > TURNING_HZ || two.shaftHz > TURNING_HZ;
  const found: HazardName[] = [];
  if (turning && isValveShut(state)) found.push("deadhead");
  if (turning && state.levelM < DRY_RUN_M) found.push("dry-run");
  if (one.powered && two.powered && one.shaftHz + two.shaftHz > FEEDER_HZ) {
    found.push("feeder-overload");
  }
  if (state.levelM >= PLANT.weirM) found.push("overflow");
  return found;
}

/** Keeps the first 200 episodes; `count` goes on counting beyond them. */
export type HazardLog = {
  readonly note: (found: readonly HazardName[], atUs: Us) => void;
  readonly episodes: () => readonly HazardEpisode[];
  readonly count: () => number;
};

export function createHazardLog(): HazardLog {
  const episodes: HazardEpisode[] = [];
  const open = new Map<HazardName, number>();
  let count = 0;
  return {
    note: (found, atUs) => {
      for (const name of open.keys()) {
        if (!found.includes(name)) open.delete(name);
      }
      for (const name of found) {
        const place = open.get(name);
        const running = place === undefined ? undefined : episodes[place];
        if (place === undefined) {
          count += 1;
          open.set(name, episodes.length < EPISODES_MAX ? episodes.length : -1);
          if (episodes.length < EPISODES_MAX) {
            episodes.push({ name, ...HAZARDS[name], fromUs: atUs, lastUs: atUs });
          }
        } else if (running !== undefined) {
          episodes[place] = { ...running, lastUs: atUs };
        }
      }
    },
    episodes: () => [...episodes],
    count: () => count,
  };
}
