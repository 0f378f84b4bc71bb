/** What stands between the load and the device. */
export type SubjectName =
  | "direct"
  | "pipe"
  | "modbus-serial"
  | "gateway"
  | "gateway, no evidence"
  | "gateway, TPM"
  | "gateway, slow TPM"
  | "gateway, dead TPM";

/** One kind of load, as the load program takes it, and the subjects it is put to. */
export type Scene = {
  readonly id: string;
  readonly function: 3 | 6 | 16;
  readonly connections: number;
  /** On each connection. A plain Modbus client has one. */
  readonly inFlight: number;
  /** Devices asked, one unit id each. */
  readonly units: number;
  readonly address: number;
  readonly spread: number;
  readonly quantity: number;
  readonly low: number;
  readonly high: number;
  readonly subjects: readonly SubjectName[];
};

/** Where the bench profile has its outputs: 64 single registers, and 64 pairs. */
export const REGISTERS_AT = 0;
export const PAIRS_AT = 200;
export const OUTPUTS_EACH = 64;
const VALUE_LOW = 1_000;
const VALUE_HIGH = 1_100;

const WITHOUT_GATEWAY: readonly SubjectName[] = ["direct", "pipe", "modbus-serial"];

/** All scenes, or with `quick` those at 1 and 16 in flight. */
export function listScenes(quick: boolean): readonly Scene[] {
  const inFlight = quick ? [1, 16] : [1, 16, 32, 64];
  const reads = inFlight.map((connections) => readScene(connections));
  const deep: Scene = { ...readScene(16), id: "FC3 x16, 8 deep", inFlight: 8 };
  const writes = inFlight.flatMap((connections) => [
    writeScene(6, connections),
    writeScene(16, connections),
  ]);
  const fleet = [16, 64].map((connections) => fleetScene(connections));
  // As many in flight from a client for each device, which does not wait for one answer before it asks again.
  const deepFleet: Scene = { ...fleetScene(8), id: "FC6 x8, 8 deep, 8 devices", inFlight: 8 };
  return [...reads, deep, ...writes, ...fleet, deepFleet];
}

/** What a subject is warmed with; only a gateway has several devices behind it. */
export function warmScenes(isGateway: boolean): readonly Scene[] {
  const scenes = [readScene(16), writeScene(6, 16), writeScene(16, 16)];
  return isGateway ? [...scenes, fleetScene(64)] : scenes;
}

/** More requests than the door can answer. */
export function floodScene(): Scene {
  return { ...readScene(64), id: "flood", inFlight: 8, subjects: ["gateway"] };
}

/** What memory is watched under: durable writes over all devices. */
export function memoryScene(): Scene {
  return { ...fleetScene(16), id: "memory", subjects: ["gateway"] };
}

/** One durable write at a time into one device: what a controller does. */
export function singleScene(): Scene {
  return { ...writeScene(6, 1), units: 1 };
}

/** As many durable writes as the gateway takes, to make a long log. */
export function growthScene(): Scene {
  return { ...fleetScene(64), id: "growth" };
}

function readScene(connections: number): Scene {
  return {
    id: `FC3 x${connections}`,
    function: 3,
    connections,
    inFlight: 1,
    units: 1,
    address: REGISTERS_AT,
    spread: 1,
    quantity: 10,
    low: 0,
    high: 0,
    subjects: [...WITHOUT_GATEWAY, "gateway"],
  };
}

function writeScene(fc: 6 | 16, connections: number): Scene {
  return {
    id: `FC${fc} x${connections}`,
    function: fc,
    connections,
    inFlight: 1,
    units: 1,
    address: fc === 6 ? REGISTERS_AT : PAIRS_AT,
    spread: OUTPUTS_EACH,
    quantity: fc === 6 ? 1 : 2,
    low: VALUE_LOW,
    high: VALUE_HIGH,
    subjects: [...WITHOUT_GATEWAY, "gateway", "gateway, no evidence"],
  };
}

function fleetScene(connections: number): Scene {
  return {
    ...writeScene(6, connections),
    id: `FC6 x${connections}, 8 devices`,
    units: 8,
    subjects: ["gateway", "gateway, no evidence"],
  };
}
