import type { Us } from "../../src/kernel/units.js";
import type { Actuators, Drive } from "./physics.js";
import type { Field } from "./sensors.js";

/**
 * The PLC's program for pumps and valve. In AI and FLUSH it carries out hr 40..42 and co 0 as they stand and protects
 * nothing but by the hardwired emergency stop: that is the gateway's work. In LOCAL it ignores them, opens the valve and
 * runs by its floats.
 */
export type Program = {
  /** What drives the plant in this scan. */
  readonly rule: Rule;
  /** A word written before a person, the floats or the emergency stop had the station is not obeyed after. */
  readonly runWordFresh: boolean;
  readonly valveBitFresh: boolean;
  /** Local float control: pumps wanted, which leads, and when one may start again. */
  readonly wanted: 0 | 1 | 2;
  readonly lead: 0 | 1;
  readonly restartUs: Us;
  /** Emergency stop seen and not yet reset at the panel. */
  readonly stopped: boolean;
};

/** Position is what ir 111 reads. */
export const RULES = ["remote", "floats", "off"] as const;
export type Rule = (typeof RULES)[number];

/** Position is what ir 0 reads. */
export const STATION_MODES = ["OFF", "LOCAL", "AI", "FLUSH"] as const;
export type StationMode = (typeof STATION_MODES)[number];

export type Orders = {
  readonly selector: StationMode;
  /** co 1, or the watchdog block has tripped. */
  readonly local: boolean;
  readonly estopHealthy: boolean;
  readonly reset: boolean;
  readonly runWord: number;
  readonly speedsHz: readonly [number, number];
  readonly valveOpen: boolean;
  /** Written since the last scan. */
  readonly runWordWritten: boolean;
  readonly valveBitWritten: boolean;
};

/** Local speeds [a]: two pumps together stay within the feeder's 90 Hz. */
const LOCAL_ONE_HZ = 50;
const LOCAL_BOTH_HZ = 45;
const LOCAL_RESTART_US = 10_000_000;

export function createProgram(): Program {
  return {
    rule: "remote",
    runWordFresh: true,
    valveBitFresh: true,
    wanted: 0,
    lead: 0,
    restartUs: 0,
    stopped: false,
  };
}

/** What ir 0 reads: the selector, unless the station has been handed to its floats. */
export function stationMode(orders: Orders): StationMode {
  return orders.local && orders.selector !== "OFF" ? "LOCAL" : orders.selector;
}

/** One scan. Pure. */
export function scanProgram(
  before: Program,
  orders: Orders,
  field: Field,
  nowUs: Us,
): { readonly program: Program; readonly actuators: Actuators } {
  const settled = settleRule(before, orders, field);
  const program = settled.rule === "floats" ? runFloats(settled, field, nowUs) : settled;
  return { program, actuators: driveOutputs(program, orders, field, nowUs) };
}

function settleRule(before: Program, orders: Orders, field: Field): Program {
  const rule = ruleOf(stationMode(orders));
  const stopped = !orders.estopHealthy || (before.stopped && !orders.reset);
  const obeys = rule === "remote" && before.rule === "remote";
  const settled = {
    rule,
    stopped,
    runWordFresh: !stopped && obeys && (before.runWordFresh || orders.runWordWritten),
    valveBitFresh: obeys && (before.valveBitFresh || orders.valveBitWritten),
    wanted: before.wanted,
    lead: before.lead,
    restartUs: before.restartUs,
  };
  return rule === "floats" && before.rule !== "floats" ? takeOver(settled, field) : settled;
}

function ruleOf(mode: StationMode): Rule {
  switch (mode) {
    case "OFF":
      return "off";
    case "LOCAL":
      return "floats";
    case "AI":
    case "FLUSH":
      return "remote";
  }
}

/** As it runs: pumps that turn and have water go on turning. */
function takeOver(program: Program, field: Field): Program {
  const [one, two] = field.running;
  return {
    ...program,
    wanted: one && two ? 2 : one || two ? 1 : 0,
    lead: two && !one ? 1 : program.lead,
    restartUs: 0,
  };
}

function runFloats(program: Program, field: Field, nowUs: Us): Program {
  const { floats } = field;
  if (!floats.stop || !floats.cutout) {
    if (program.wanted === 0) return program;
    // The pumps take turns in leading, so that both wear alike.
    return {
      ...program,
      wanted: 0,
      lead: program.lead === 0 ? 1 : 0,
      restartUs: nowUs + LOCAL_RESTART_US,
    };
  }
  const wanted =
    floats.high || (program.wanted === 2 && floats.start)
      ? 2
      : floats.start || program.wanted > 0
        ? 1
        : 0;
  return wanted === program.wanted ? program : { ...program, wanted };
}

function driveOutputs(program: Program, orders: Orders, field: Field, nowUs: Us): Actuators {
  switch (program.rule) {
    case "off":
      return { valve: "hold", pumps: [STANDING, STANDING] };
    case "floats":
      return driveByFloats(program, field, nowUs);
    case "remote":
      return {
        valve: !program.valveBitFresh ? "hold" : orders.valveOpen ? "open" : "close",
        pumps: [
          {
            run: program.runWordFresh && (orders.runWord & 1) !== 0,
            speedHz: orders.speedsHz[0],
          },
          {
            run: program.runWordFresh && (orders.runWord & 2) !== 0,
            speedHz: orders.speedsHz[1],
          },
        ],
      };
  }
}

const STANDING: Drive = { run: false, speedHz: 0 };

/** No pump turns before the valve's own switch says open, below the cut-out, or while the emergency stop holds. */
function driveByFloats(program: Program, field: Field, nowUs: Us): Actuators {
  const may =
    field.valveOpen && field.floats.cutout && !program.stopped && nowUs >= program.restartUs;
  const speedHz = program.wanted === 2 ? LOCAL_BOTH_HZ : LOCAL_ONE_HZ;
  const drive = (pump: 0 | 1): Drive => ({
    run: may && (program.wanted === 2 || (program.wanted === 1 && program.lead === pump)),
    speedHz,
  });
  return { valve: "open", pumps: [drive(0), drive(1)] };
}
