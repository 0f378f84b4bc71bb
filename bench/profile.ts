import { OUTPUTS_EACH, PAIRS_AT, REGISTERS_AT } from "./scene.js";

/** Tags polled from the first device besides its outputs. */
export const TAGS = 500;
const TAGS_AT = 1_000;
const OTHER_OUTPUTS = 16;

/**
 * What each command is judged by, for the report: every kind of rule is there and read, none of them in the way.
 * Figures are wide, and windows short, because the bench asks thousands of times a second what a plant asks a few
 * times a minute: so as many permits stand in a window as in a plant's, some tens.
 */
export const RULES: string =
  "wide: range, step, ramp, drift, deadband, every, budgets (output, controller), clamp, read-back, foreign, 2 permissives (one on live values), always, vote, trip, on coils also starts, dwell, exclusive and a group; " +
  `${TAGS} polled tags`;

/** The bench's profile over these devices, in the profile language. */
export function writeBenchProfile(devices: number): string {
  const all = Array.from({ length: devices }, (_, index) => index);
  return [
    "profile: bench",
    "schema: 1",
    "revision: 1",
    "valid: {from: 2025-01-01, until: 2035-01-01, at_expiry: alarm}",
    "signers: {need: 2, of: [process-safety, controls]}",
    "devices:",
    ...all.flatMap(writeDevice),
    "inputs:",
    ...Array.from({ length: TAGS }, (_, tag) => writeTag(tag)),
    "outputs:",
    ...all.flatMap(writeOutputs),
    `  coil.a: {at: plc0 co 0, ${COIL_RULES}}`,
    `  coil.b: {at: plc0 co 1, ${COIL_RULES}}`,
    "groups:",
    "  coils: {write: [coil.a, coil.b]}",
    "signals:",
    "  tags.high: VOTE(2, tag.t0 > 500 m, tag.t1 > 500 m, tag.t2 > 500 m)",
    "permissives:",
    '  - {id: P-01, for: "*", needs: NOT tags.high, why: two of three}',
    ...all.flatMap(writePermissives),
    "always:",
    ...all.flatMap(writeAlways),
    "exclusive:",
    "  - [coil.a, coil.b]",
    "trips:",
    "  - {id: T-01, when: tags.high, for: 2 s, blind_for: 60 s, do: safe_state, reset: manual, why: two of three}",
    "safe_state: {order: [coil.a, coil.b], each_within: 500 ms, on: [profile fault, evidence full]}",
    "restart: hold",
    "controllers:",
    `  ai: {outputs: "*", lease: {beat: register 247:0, every: 1 s, lapses_after: 30 s, then: hold, suspend_after: 1000 denials per 1 s}, priority: 9, command_max_age: 500 ms, client_timeout: 5 s, answer: after ack, reads_back: true, budget: 200 per 2 ms, clamps: 1000 per 1 s}`,
    "",
  ].join("\n");
}

const COIL_RULES =
  "safe: FALSE, below: none, starts: 100 per 1 s, min_on: 1 ms, min_off: 1 ms, proof: readback within 2 s, foreign: trip";

const NUMBER_RULES =
  "safe: hold, range: 0..600 Hz, step: 500 Hz, ramp: 1000000 Hz/s, drift: 500 Hz per 20 ms, deadband: 0.001 Hz, every: 0.01 ms, budget: 200 per 2 ms, outside: clamp, proof: readback 0.005 Hz within 2 s, foreign: trip";

function writeDevice(index: number): readonly string[] {
  return [
    `  plc${index}:`,
    "    protocol: modbus",
    "    poll: 250 ms",
    "    timeout: 1 s",
    "    in_flight: 1",
    "    late_window: 2 s",
    "    read: {max: 120, holes: never}",
    "    alive: none",
    "    identity: none",
    "    comms_loss: {by: none}",
    "    lost: {after: 5 s, do: alarm}",
  ];
}

function writeTag(tag: number): string {
  return `  tag.t${tag}: {at: plc0 ir ${TAGS_AT + tag} u16, raw: 0..60000, eu: 0..600 m, max_age: 2 s, accuracy: 1 m}`;
}

/** Single registers on every device; pairs, written by FC16, on the first. */
function writeOutputs(device: number): readonly string[] {
  const singles = device === 0 ? OUTPUTS_EACH : OTHER_OUTPUTS;
  const pairs = device === 0 ? OUTPUTS_EACH : 0;
  return [
    ...Array.from(
      { length: singles },
      (_, n) =>
        `  d${device}.r${n}: {at: plc${device} hr ${REGISTERS_AT + n} u16, raw: 0..60000, eu: 0..600 Hz, ${NUMBER_RULES}}`,
    ),
    ...Array.from(
      { length: pairs },
      (_, n) =>
        `  d${device}.p${n}: {at: plc${device} hr ${PAIRS_AT + 2 * n} u32 ABCD, raw: 0..4294967295, eu: 0..42949672.95 Hz, ${NUMBER_RULES.replace("0..600 Hz", "0..42949672.95 Hz").replaceAll("500 Hz", "20000000 Hz").replace("1000000 Hz/s", "999999999999 Hz/s")}}`,
    ),
  ];
}

function writePermissives(device: number): readonly string[] {
  const singles = device === 0 ? OUTPUTS_EACH : OTHER_OUTPUTS;
  return Array.from(
    { length: singles },
    (_, n) =>
      `  - {id: P-${String(1000 + device * 100 + n)}, for: d${device}.r${n}, needs: cmd <= 400 Hz OR tag.t${n} < 500 m, why: by level}`,
  );
}

function writeAlways(device: number): readonly string[] {
  const pairs = (device === 0 ? OUTPUTS_EACH : OTHER_OUTPUTS) / 2;
  return Array.from(
    { length: pairs },
    (_, n) =>
      `  - {id: A-${String(1000 + device * 100 + n)}, holds: d${device}.r${2 * n} + d${device}.r${2 * n + 1} <= 1200 Hz, why: feeder}`,
  );
}
