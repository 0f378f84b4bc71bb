import { loadProfile } from "../../../src/profile/load.js";
import type { ProfileLoad } from "../../../src/profile/load.js";

/** A small sound profile: one tank, two pumps, every kind of rule. Mistakes are planted into it one by one. */
export const SOUND = `profile: tank
schema: 1
revision: 7
valid: {from: 2026-01-01, until: 2027-01-01, at_expiry: alarm}
signers: {need: 1, of: [controls]}
devices:
  plc:
    protocol: modbus
    poll: 250 ms
    timeout: 400 ms
    in_flight: 1
    read: {max: 60, holes: never}
    alive: {at: ir 99 u16, changes_within: 1 s}
    identity: none
    comms_loss: {by: block, heartbeat: hr 200, state: ir 200, age: ir 201, lease: 2 s}
    lost: {after: 3 s, do: safe_state}
modes: {from: mode, states: {0: OFF, 1: LOCAL, 2: AI}, unknown_means: OFF}
inputs:
  mode:       {at: plc ir 0 u16, states: [OFF, LOCAL, AI], max_age: 1 s}
  level:      {at: plc ir 10 u16, raw: 0..10000, eu: 0..6 m, max_age: 1 s, accuracy: 0.03 m, max_rate: 0.02 m/s}
  pressure:   {at: plc ir 11 f32 CDAB, eu: 0..10 bar, max_age: 1 s, frozen: 30 min unless a.running}
  a.running:  {at: plc di 1, max_age: 1 s}
  b.running:  {at: plc di 2, max_age: 1 s}
  a.winding:  {at: plc ir 30 i16, raw: -500..2000, eu: -50..200 Cel, max_age: 5 s}
outputs:
  local:   {at: plc co 1, safe: TRUE, below: block, proof: readback within 1 s, foreign: trip}
  a.run:   {at: plc hr 40.0, bits: whole, safe: hold, starts: 6 per 1 h, proof: feedback a.running within 5 s, foreign: {in LOCAL: adopt, else: trip}}
  b.run:   {at: plc hr 40.1, bits: whole, safe: hold, min_on: 30 s, proof: none}
  a.speed: {at: plc hr 41 u16, raw: 0..6000, eu: 0..60 Hz, safe: hold, range: 25..50 Hz, step: 5 Hz, ramp: 2 Hz/s, drift: 20 Hz per 10 min, deadband: 0.2 Hz, outside: clamp, proof: readback 0.05 Hz within 1 s}
groups:
  start: {write: [a.run, b.run, a.speed]}
readable: {plc: [ir 100..149]}
signals:
  low: VOTE(1, level < 0.9001 m, pressure < 0.1 bar)
permissives:
  - {id: P-01, for: a.run = TRUE, needs: NOT low AND mode = AI, why: submergence}
  - {id: P-02, for: a.speed, needs: cmd <= 40 Hz OR pressure < 6 bar, why: top speed}
  - {id: P-03, for: "*", from: ai, needs: mode <> OFF, why: off is off}
always:
  - {id: A-01, holds: NOT a.run OR NOT b.run OR a.speed <= 45 Hz, why: feeder}
exclusive: [[local, b.run]]
trips:
  - {id: T-01, when: low, for: 2 s, blind_for: 3 s, do: [a.run = FALSE, b.run = FALSE], reset: manual, why: dry}
  - {id: T-02, when: a.winding > 130.05 Cel OR b.running, for: 5 s, blind_for: 60 s, do: [a.run = FALSE], unknown_bits: [b.run = FALSE], reset: auto after 15 min, why: hot}
confirm:
  - {after: a.run = FALSE, expect: NOT a.running, within: 5 s, else: T-01}
safe_state:
  order: [local]
  each_within: 500 ms
  on: [profile fault]
restart: hold
controllers:
  ai:
    outputs: [a.run, b.run, a.speed]
    lease: {beat: register 247:0, every: 2 s, lapses_after: 5 s, then: revert, revert: {a.speed: 30 Hz}}
    priority: 9
    client_timeout: 1 s
    clamps: 10 per 10 min
  people: {outputs: "*", lease: {beat: signed, lapses_after: 30 min, then: hold}, priority: 5}
hazards:
  - {id: H-01, never: a.run AND level < 0.4 m, prove: commands, covered_by: [T-01]}
`;

export const DIGEST = new Uint8Array(32);

export function load(text: string): ProfileLoad {
  return loadProfile(text, "tank.yaml", DIGEST);
}

/** SOUND with one piece of text replaced; the piece must be there. */
export function plant(was: string, is: string): string {
  if (!SOUND.includes(was)) throw new Error(`the fixture has no '${was}'`);
  return SOUND.replace(was, () => is);
}
