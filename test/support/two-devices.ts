import { compileProfile } from "../../src/kernel/profile/compile.js";
import type { CompiledProfile } from "../../src/kernel/profile/compiled.js";
import type { Address, ProfileModel } from "../../src/kernel/profile/model.js";
import { add, and, compare, not, on, or, val } from "./formula.js";
import { builtInTrips, permissive } from "./model.js";
import { controller, device, input, output } from "./tags.js";

/** Positions in the profile of {@link twoDevices}. */
export const GO = 0;
export const X = { pump: 0, speedA: 1, greenA: 2, valve: 3, speedB: 4, greenB: 5 } as const;
export type Joint = readonly [number, number, number, number, number, number];
export const START: Joint = [0, 40, 0, 1, 40, 0];
export const SUM_MAX = 90;

const at = (dev: number, table: Address["table"], register: number): Address => ({
  device: dev,
  table,
  register,
  bit: null,
  format: table === "hr" || table === "ir" ? "u16" : "bit",
  order: "ABCD",
});

/**
 * Rules that only hold for two devices together: a pump on one and its valve on the other, two speeds that
 * share a feeder, two greens that exclude each other; and a permissive on a live reading. No windows: every
 * refusal here comes from what is, or may be, out there.
 */
export function twoDevices(): CompiledProfile {
  const readback = { kind: "readback", tolerance: 0, withinUs: 3_000_000 } as const;
  const adopt = { adoptIn: [], otherwise: "adopt" } as const;
  const common = { proof: readback, foreign: adopt };
  const names = ["pump", "speed.a", "green.a", "valve", "speed.b", "green.b"];
  const places = [
    at(0, "co", 0),
    at(0, "hr", 0),
    at(0, "co", 1),
    at(1, "co", 0),
    at(1, "hr", 0),
    at(1, "co", 1),
  ];
  const outputs = names.map((name, index) => {
    const isSpeed = name.startsWith("speed");
    const kind = isSpeed ? ("number" as const) : ("bool" as const);
    const place = places[index] ?? at(0, "co", 99);
    return output(name, {
      ...common,
      at: place,
      kind,
      range: isSpeed ? { low: 0, high: 60 } : null,
    });
  });
  const slot = (index: number): number => 1 + index;
  const both = add(val(slot(X.speedA)), val(slot(X.speedB)));
  const devices = ["left", "right"].map((name) =>
    device({ name, alive: null, identity: null, lost: { afterUs: 60_000_000, action: "alarm" } }),
  );
  const model: ProfileModel = {
    name: "two-devices",
    schema: 1,
    revision: 1,
    digest: new Uint8Array(32).fill(9),
    valid: { fromUtcUs: 0, untilUtcUs: 4_000_000_000_000_000, atExpiry: "alarm" },
    devices,
    plantModes: null,
    inputs: [input("go", { at: at(0, "di", 0), maxAgeUs: 400_000 })],
    outputs,
    groups: [],
    signals: [],
    permissives: [
      permissive("P-GO", { kind: "value", output: X.pump, raw: 1 }, on(GO)),
      permissive("P-VALVE", { kind: "value", output: X.pump, raw: 1 }, on(slot(X.valve))),
      permissive("P-PUMP", { kind: "value", output: X.valve, raw: 0 }, not(on(slot(X.pump)))),
    ],
    always: [
      { id: "A-SUM", holds: compare(both, "<=", SUM_MAX), why: "feeder" },
      {
        id: "A-PATH",
        holds: or(not(on(slot(X.pump))), and(on(slot(X.pump)), on(slot(X.valve)))),
        why: "no pumping against a closed valve",
      },
    ],
    exclusive: [{ id: "X-GREEN", outputs: [X.greenA, X.greenB] }],
    trips: builtInTrips(names, ["left", "right"]).map((trip) => ({
      ...trip,
      action: { kind: "drive" as const, writes: [] },
      reset: { kind: "auto" as const, afterUs: 0 },
    })),
    confirms: [],
    safeState: { order: [], eachWithinUs: 500_000, on: [] },
    restart: "hold",
    controllers: ["one", "two"].map((name) =>
      controller(name, { commandMaxAgeUs: 800_000, lease: null }),
    ),
    approvals: [],
    readable: [],
    hazards: [],
  };
  return compileProfile(model);
}
