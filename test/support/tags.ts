import type {
  Address,
  Controller,
  Device,
  Input,
  Output,
  RawFormat,
  Table,
  Trip,
} from "../../src/kernel/profile/model.js";
import { constant } from "./formula.js";

/** Zero-based; format "bit" for coils, discrete inputs and single bits of a register. */
export function address(table: Table, register: number, format: RawFormat = "u16"): Address {
  const bitTable = table === "co" || table === "di";
  return {
    device: 0,
    table,
    register,
    bit: null,
    format: bitTable ? "bit" : format,
    order: "ABCD",
  };
}

export function bitOf(register: number, bit: number): Address {
  return { device: 0, table: "hr", register, bit, format: "bit", order: "ABCD" };
}

export function device(overrides: Partial<Device> = {}): Device {
  return {
    name: "plc",
    pollUs: 250_000,
    timeoutUs: 400_000,
    inFlight: 1,
    lateWindowUs: 1_000_000,
    read: { maxWords: 60, holes: "never" },
    alive: { at: address("ir", 99), changesWithinUs: 1_000_000 },
    identity: { at: address("ir", 98), is: 4711 },
    commsLoss: { by: "none" },
    lost: { afterUs: 3_000_000, action: "safe-state" },
    ...overrides,
  };
}

/** A BOOL on a discrete input, age limit 1 s, unless said otherwise. */
export function input(name: string, overrides: Partial<Input> = {}): Input {
  return {
    name,
    at: address("di", 0),
    kind: "bool",
    states: new Map(),
    scaling: null,
    span: null,
    plausible: null,
    unit: "",
    maxAgeUs: 1_000_000,
    accuracy: 0,
    maxRatePerS: null,
    frozen: null,
    measures: null,
    ...overrides,
  };
}

/** A BOOL coil with no limits at all, proved by read-back, unless said otherwise. */
export function output(name: string, overrides: Partial<Output> = {}): Output {
  return {
    name,
    at: address("co", 0),
    kind: "bool",
    states: new Map(),
    scaling: null,
    unit: "",
    bits: null,
    safe: { kind: "hold" },
    below: null,
    range: null,
    step: null,
    rampPerS: null,
    drift: null,
    deadband: null,
    everyUs: null,
    budget: null,
    starts: null,
    minOnUs: null,
    minOffUs: null,
    minHoldUs: null,
    outside: "reject",
    drive: { kind: "level" },
    proof: { kind: "readback", tolerance: 0, withinUs: 1_000_000 },
    foreign: { adoptIn: [1], otherwise: "trip" },
    ...overrides,
  };
}

/** Writes everything, no lease, no budgets, unless said otherwise. */
export function controller(name: string, overrides: Partial<Controller> = {}): Controller {
  return {
    name,
    outputs: new Set([0, 1, 2, 3, 4, 5]),
    functions: null,
    lease: null,
    priority: 9,
    commandMaxAgeUs: 500_000,
    clientTimeoutUs: 1_000_000,
    answer: "after-ack",
    readsBack: true,
    budget: null,
    clamps: null,
    ...overrides,
  };
}

/** Never fires by itself, drives the safe state, manual reset, unless said otherwise. */
export function trip(id: string, overrides: Partial<Trip> = {}): Trip {
  return {
    id,
    when: constant(false),
    forUs: 0,
    blindForUs: 1_000_000,
    action: { kind: "safe-state" },
    reset: { kind: "manual" },
    unknownBits: null,
    why: id,
    ...overrides,
  };
}
