const LEVELS = 10;

/**
 * One output that twenty rules judge: eight limits (two of them the controller's: lease and budget), ten permissives
 * on live values, two relations. In the profile language; output `pump.speed` is the first, controller `ai` the first.
 */
export function writeDecisionProfile(): string {
  const levels = Array.from({ length: LEVELS }, (_, n) => n);
  return [
    "profile: decision",
    "schema: 1",
    "revision: 1",
    "valid: {from: 2025-01-01, until: 2035-01-01, at_expiry: alarm}",
    "signers: {need: 2, of: [process-safety, controls]}",
    "devices:",
    "  plc: {protocol: modbus, poll: 250 ms, timeout: 400 ms, in_flight: 1, late_window: 1 s, read: {max: 60, holes: never}, alive: none, identity: none, comms_loss: {by: none}, lost: {after: 3 s, do: safe_state}}",
    "inputs:",
    ...levels.map(
      (n) =>
        `  well.level${n}: {at: plc ir ${10 + n} u16, raw: 0..27648, eu: 0..6 m, plausible: 0.05..5.9 m, max_age: 1 s, accuracy: 0.03 m}`,
    ),
    "outputs:",
    "  pump.speed: {at: plc hr 41 u16, raw: 0..6000, eu: 0..60 Hz, safe: 30 Hz, below: none, range: 25..50 Hz, step: 5 Hz, ramp: 2 Hz/s, drift: 20 Hz per 10 min, deadband: 0.2 Hz, every: 500 ms, budget: 40 per 1 min, outside: reject, proof: readback 0.05 Hz within 1 s, foreign: trip}",
    "  fan.speed: {at: plc hr 42 u16, raw: 0..6000, eu: 0..60 Hz, safe: hold, range: 0..50 Hz, proof: readback 0.05 Hz within 1 s, foreign: trip}",
    "permissives:",
    ...levels.map(
      (n) =>
        `  - {id: P-${10 + n}, for: pump.speed, needs: well.level${n} > 1.00005 m AND (cmd <= 45 Hz OR well.level${n} < 5.00005 m), why: level}`,
    ),
    "always:",
    "  - {id: A-01, holds: pump.speed + fan.speed <= 80 Hz, why: feeder}",
    "  - {id: A-02, holds: pump.speed - fan.speed >= 0 Hz OR fan.speed < 40 Hz, why: order}",
    "safe_state: {order: [pump.speed], each_within: 500 ms, on: [profile fault, evidence full]}",
    "restart: hold",
    "controllers:",
    '  ai: {outputs: "*", lease: {beat: register 247:0, every: 1 s, lapses_after: 5 s, then: hold, suspend_after: 20 denials per 1 min}, priority: 9, command_max_age: 500 ms, client_timeout: 1 s, answer: after ack, budget: 120 per 1 min}',
    "",
  ].join("\n");
}
