import type { Formula } from "../../src/kernel/condition/term.js";
import type {
  Controller,
  Input,
  Output,
  Permissive,
  ProfileModel,
  Subject,
  Trip,
} from "../../src/kernel/profile/model.js";
import { add, and, compare, not, on, or, val, vote } from "./formula.js";
import { address, bitOf, controller, device, input, output, trip } from "./tags.js";

/** Positions of the default model's tags. */
export const IN = {
  mode: 0,
  estop: 1,
  levelA: 2,
  levelB: 3,
  levelC: 4,
  pressure: 5,
  valveOpen: 6,
  valveClosed: 7,
  pump1Running: 8,
  pump2Running: 9,
  winding1: 10,
  winding2: 11,
} as const;
export const OUT = { local: 0, valve: 1, run1: 2, run2: 3, speed1: 4, speed2: 5 } as const;
export const CONTROLLERS = { ai: 0, operator: 1, visitor: 2 } as const;

const INPUT_COUNT = 12;
/** Evaluation slots of the default model: inputs, outputs, then the value asked for. */
export const inSlot = (position: number): number => position;
export const outSlot = (position: number): number => INPUT_COUNT + position;
export const CMD = INPUT_COUNT + 6;

/** Raw values of one engineering unit, for readable tests. */
export const hz = (value: number): number => Math.round(value * 100);
export const metres = (value: number): number => Math.round((value * 27648) / 6);
export const bar = (value: number): number => Math.round((value * 27648) / 10);

export const AI_MODE = 2;
export const LOCAL_MODE = 1;

/**
 * The lift station of the design: two pumps whose run bits share word hr 40 (`bits: whole`), speeds at
 * hr 41 and 42, coils for valve (0) and local control (1). Every part can be replaced; positions above
 * hold while inputs and outputs are not.
 */
export function buildModel(overrides: Partial<ProfileModel> = {}): ProfileModel {
  const outputs = overrides.outputs ?? defaultOutputs();
  const devices = overrides.devices ?? [device()];
  return {
    name: "lift-station",
    schema: 1,
    revision: 1,
    digest: new Uint8Array(32).fill(7),
    valid: { fromUtcUs: 0, untilUtcUs: 4_000_000_000_000_000, atExpiry: "alarm" },
    devices,
    plantModes: { input: IN.mode, unknownMeans: 0 },
    inputs: defaultInputs(),
    outputs,
    groups: [
      {
        name: "pumps.start",
        outputs: [OUT.run1, OUT.run2, OUT.speed1, OUT.speed2],
        together: false,
      },
    ],
    signals: [],
    permissives: defaultPermissives(),
    always: [{ id: "A-01", holds: feederLimit(), why: "feeder limit" }],
    exclusive: [],
    trips: overrides.trips ?? [
      ...defaultTrips(),
      ...builtInTrips(
        outputs.map((o) => o.name),
        devices.map((d) => d.name),
      ),
    ],
    confirms: [],
    safeState: { order: [OUT.local], eachWithinUs: 500_000, on: [] },
    restart: "hold",
    controllers: defaultControllers(),
    approvals: [],
    readable: [{ device: 0, table: "ir", first: 100, last: 149 }],
    hazards: [],
    ...overrides,
  };
}

/** The trips every profile has besides its own, in the order the loader gives them. */
export function builtInTrips(outputs: readonly string[], devices: readonly string[]): Trip[] {
  return [
    ...outputs.map((name) =>
      trip(`foreign.${name}`, { when: null, why: `someone else wrote ${name}` }),
    ),
    ...outputs.map((name) => trip(`proof.${name}`, { when: null, why: `${name} was not proven` })),
    ...devices.map((name) => trip(`lost.${name}`, { when: null, why: `${name} is lost` })),
  ];
}

export function permissive(
  id: string,
  subject: Subject,
  needs: Formula,
  from?: number,
): Permissive {
  return { id, subject, from: from ?? null, needs, why: id };
}

export function defaultInputs(): Input[] {
  const level = (name: string, register: number): Input =>
    input(name, {
      at: address("ir", register),
      kind: "number",
      scaling: { rawLow: 0, rawHigh: 27648, euLow: 0, euHigh: 6 },
      span: { low: 0, high: 6 },
      plausible: { low: 0.05, high: 5.9 },
      unit: "m",
      accuracy: 0.03,
      maxRatePerS: 0.02,
      measures: "well.level",
    });
  const winding = (name: string, register: number): Input =>
    input(name, {
      at: address("ir", register, "i16"),
      kind: "number",
      scaling: { rawLow: -500, rawHigh: 2000, euLow: -50, euHigh: 200 },
      span: { low: -50, high: 200 },
      unit: "Cel",
      maxAgeUs: 5_000_000,
    });
  return [
    input("station.mode", {
      at: address("ir", 0),
      kind: "state",
      states: new Map([
        [0, "OFF"],
        [1, "LOCAL"],
        [2, "AI"],
        [3, "FLUSH"],
      ]),
    }),
    input("estop.healthy", { at: address("di", 0) }),
    level("well.level_a", 10),
    level("well.level_b", 11),
    {
      ...level("well.level_c", 12),
      at: { ...address("ir", 12, "f32"), order: "CDAB" },
      scaling: null,
      accuracy: 0.05,
    },
    input("main.pressure", {
      at: address("ir", 20),
      kind: "number",
      scaling: { rawLow: 0, rawHigh: 27648, euLow: 0, euHigh: 10 },
      span: { low: 0, high: 10 },
      unit: "bar",
      accuracy: 0.1,
    }),
    input("valve.open", { at: address("di", 4) }),
    input("valve.closed", { at: address("di", 5) }),
    input("pump1.running", { at: address("di", 8) }),
    input("pump2.running", { at: address("di", 9) }),
    winding("pump1.winding", 30),
    winding("pump2.winding", 31),
  ];
}

export function defaultOutputs(): Output[] {
  const run = (name: string, bit: number, running: number): Output =>
    output(name, {
      at: bitOf(40, bit),
      bits: "whole",
      minOnUs: 30_000_000,
      minOffUs: 120_000_000,
      starts: { count: 6, windowUs: 3_600_000_000 },
      proof: { kind: "feedback", input: running, withinUs: 5_000_000 },
    });
  const speed = (name: string, register: number): Output =>
    output(name, {
      at: address("hr", register),
      kind: "number",
      scaling: { rawLow: 0, rawHigh: 6000, euLow: 0, euHigh: 60 },
      unit: "Hz",
      range: { low: 25, high: 50 },
      step: 5,
      rampPerS: 2,
      drift: { net: 20, windowUs: 600_000_000 },
      deadband: 0.2,
      everyUs: 500_000,
      budget: { count: 40, windowUs: 60_000_000 },
      outside: "clamp",
      proof: { kind: "readback", tolerance: 0.05, withinUs: 1_000_000 },
    });
  return [
    output("station.local", {
      at: address("co", 1),
      safe: { kind: "value", raw: 1 },
      below: "block",
      foreign: { adoptIn: [], otherwise: "trip" },
    }),
    output("valve.cmd", {
      at: address("co", 0),
      minHoldUs: 20_000_000,
      budget: { count: 6, windowUs: 3_600_000_000 },
    }),
    run("pump1.run", 0, IN.pump1Running),
    run("pump2.run", 1, IN.pump2Running),
    speed("pump1.speed", 41),
    speed("pump2.speed", 42),
  ];
}

export function defaultPermissives(): Permissive[] {
  const to = (position: number, raw: number): Subject => ({ kind: "value", output: position, raw });
  const pathOpen = and(
    on(outSlot(OUT.valve)),
    on(inSlot(IN.valveOpen)),
    not(on(inSlot(IN.valveClosed))),
  );
  const submerged = and(not(levels("<", 0.9)), on(inSlot(IN.estop)));
  const stopped = and(
    not(on(outSlot(OUT.run1))),
    not(on(outSlot(OUT.run2))),
    not(on(inSlot(IN.pump1Running))),
    not(on(inSlot(IN.pump2Running))),
  );
  const topSpeed = or(compare(CMD, "<=", 40), compare(inSlot(IN.pressure), "<", 6));
  const ai = CONTROLLERS.ai;
  return [
    permissive("P-01", to(OUT.run1, 1), pathOpen),
    permissive("P-02", to(OUT.run2, 1), pathOpen),
    permissive("P-03", to(OUT.run1, 1), submerged),
    permissive("P-04", to(OUT.run2, 1), submerged),
    permissive("P-05", to(OUT.valve, 0), stopped),
    permissive("P-06", { kind: "output", output: OUT.speed1 }, topSpeed),
    permissive("P-07", { kind: "output", output: OUT.speed2 }, topSpeed),
    permissive("P-08", { kind: "any" }, compare(inSlot(IN.mode), "=", AI_MODE), ai),
    permissive("P-09", to(OUT.run1, 0), or(on(outSlot(OUT.run2)), not(levels(">", 4.2))), ai),
    permissive("P-10", to(OUT.run2, 0), or(on(outSlot(OUT.run1)), not(levels(">", 4.2))), ai),
  ];
}

function defaultTrips(): Trip[] {
  const stopBoth = {
    kind: "drive",
    writes: [
      { output: OUT.run1, raw: 0 },
      { output: OUT.run2, raw: 0 },
    ],
  } as const;
  return [
    trip("T-01", {
      when: levels("<", 0.6),
      forUs: 2_000_000,
      blindForUs: 3_000_000,
      action: stopBoth,
      reset: { kind: "auto", afterUs: 60_000_000 },
    }),
    trip("T-02", {
      when: compare(inSlot(IN.pressure), ">", 8),
      forUs: 500_000,
      blindForUs: 5_000_000,
      action: stopBoth,
    }),
    trip("T-03", { when: not(on(inSlot(IN.estop))), blindForUs: 1_000_000, action: stopBoth }),
    trip("T-04", {
      when: and(or(on(outSlot(OUT.run1)), on(outSlot(OUT.run2))), not(on(inSlot(IN.valveOpen)))),
      forUs: 1_000_000,
      blindForUs: 2_000_000,
      action: stopBoth,
    }),
    trip("T-05", {
      when: compare(inSlot(IN.winding1), ">", 130),
      forUs: 5_000_000,
      blindForUs: 60_000_000,
      action: { kind: "drive", writes: [{ output: OUT.run1, raw: 0 }] },
      unknownBits: 0,
      reset: { kind: "auto", afterUs: 900_000_000 },
    }),
    trip("T-08", { when: levels(">", 5), forUs: 1_000_000, blindForUs: 5_000_000 }),
  ];
}

function defaultControllers(): Controller[] {
  return [
    controller("ai", {
      outputs: new Set([OUT.valve, OUT.run1, OUT.run2, OUT.speed1, OUT.speed2]),
      lease: {
        beat: { kind: "register", unit: 247, register: 0 },
        everyUs: 2_000_000,
        lapsesAfterUs: 5_000_000,
        lapse: {
          kind: "revert",
          to: [
            { output: OUT.speed1, raw: hz(30) },
            { output: OUT.speed2, raw: hz(30) },
          ],
        },
        suspendAfter: { count: 20, windowUs: 60_000_000 },
      },
      budget: { count: 120, windowUs: 60_000_000 },
      clamps: { count: 10, windowUs: 600_000_000 },
    }),
    controller("operator", {
      lease: {
        beat: { kind: "signed" },
        everyUs: null,
        lapsesAfterUs: 1_800_000_000,
        lapse: { kind: "hold" },
        suspendAfter: null,
      },
      priority: 5,
    }),
    controller("visitor", { outputs: new Set([OUT.speed2]) }),
  ];
}

/** VOTE(2, a, b, c) over the three level transmitters. */
function levels(op: "<" | ">", limit: number): Formula {
  return vote(
    2,
    compare(inSlot(IN.levelA), op, limit),
    compare(inSlot(IN.levelB), op, limit),
    compare(inSlot(IN.levelC), op, limit),
  );
}

function feederLimit(): Formula {
  const sum = add(val(outSlot(OUT.speed1)), val(outSlot(OUT.speed2)));
  return or(compare(sum, "<=", 90), not(and(on(outSlot(OUT.run1)), on(outSlot(OUT.run2)))));
}
