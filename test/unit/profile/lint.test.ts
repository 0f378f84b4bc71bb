import { describe, expect, it } from "vitest";
import { load, plant, SOUND } from "./fixture.js";

const messages = (text: string): readonly string[] => {
  const result = load(text);
  return (result.ok ? result.warnings : result.diagnostics).map((diagnostic) => diagnostic.message);
};

/** Each of these loads in the fixture and must not once the piece is planted. */
const REFUSED: readonly (readonly [name: string, was: string, is: string, says: string])[] = [
  [
    "a trip that never lets go",
    "when: low, for",
    "when: a.running OR NOT FALSE, for",
    "always TRUE: the trip never lets go",
  ],
  [
    "a relation nothing can meet",
    "holds: NOT a.run OR NOT b.run OR a.speed <= 45 Hz",
    "holds: a.speed > 700 Hz",
    "can never hold: every write would be refused",
  ],
  [
    "a trip that breaks an exclusive set",
    "do: [a.run = FALSE, b.run = FALSE]",
    "do: [local = TRUE, b.run = TRUE, a.run = FALSE]",
    "the trip T-01 breaks exclusive.0 by its own values",
  ],
  [
    "a revert that breaks a relation",
    "holds: NOT a.run OR NOT b.run OR a.speed <= 45 Hz",
    "holds: a.speed > 31 Hz",
    "the revert breaks A-01 by its own values",
  ],
  [
    "a whole word with a bit that is only read",
    "a.running:  {at: plc di 1,",
    "a.running:  {at: plc hr 40.5,",
    "a.running is a bit of the same word and not ours to rewrite",
  ],
  [
    "a write to the alive counter",
    "alive: {at: ir 99 u16",
    "alive: {at: hr 41 u16",
    "a.speed would write the alive counter of plc",
  ],
  [
    "a write to the identity",
    "identity: none",
    "identity: {at: hr 41 u16, is: 7}",
    "a.speed would write the identity of plc",
  ],
  [
    "a 32-bit output over its neighbour",
    "a.speed: {at: plc hr 41 u16",
    "a.speed: {at: plc hr 39 u32 ABCD",
    "a.run is written to the same place",
  ],
  [
    "a proof shorter than a read",
    "proof: readback 0.05 Hz within 1 s",
    "proof: readback 0.05 Hz within 300 ms",
    "the proof has less time than one read",
  ],
  [
    "a proof that takes longer than a log is waited for",
    "proof: readback 0.05 Hz within 1 s",
    "proof: readback 0.05 Hz within 11 min",
    "at most 10 min",
  ],
  [
    "an answer that takes longer than a log is waited for",
    "timeout: 400 ms",
    "timeout: 11 min",
    "at most 10 min",
  ],
  [
    "a feedback that could not be seen",
    "within 5 s, foreign",
    "within 500 ms, foreign",
    "the feedback could not be seen in that time",
  ],
  [
    "a feedback that proves a number",
    "proof: readback 0.05 Hz within 1 s",
    "proof: feedback a.running within 5 s",
    "feedback is one bit that proves one bit",
  ],
  [
    "a trip that holds a pulse",
    "b.run:   {at: plc hr 40.1, bits: whole,",
    "b.run:   {at: plc hr 40.1, bits: whole, kind: pulse 1 s,",
    "b.run is a pulse: a trip cannot hold it at a value",
  ],
  [
    "a mode that trips beside else: adopt",
    "{in LOCAL: adopt, else: trip}",
    "{in LOCAL: trip, else: adopt}",
    "an exception to else: adopt is not part of this release",
  ],
  [
    "a late window shorter than the timeout",
    "in_flight: 1",
    "in_flight: 1\n    late_window: 300 ms",
    "shorter than timeout:",
  ],
  [
    "a device lost within one poll",
    "lost: {after: 3 s",
    "lost: {after: 600 ms",
    "shorter than poll: and timeout: together",
  ],
  [
    "an alive counter faster than the scan",
    "changes_within: 1 s",
    "changes_within: 250 ms",
    "not longer than poll:",
  ],
  [
    "a plausible span outside the scale",
    "eu: 0..6 m, max_age",
    "eu: 0..6 m, plausible: 0..7 m, max_age",
    "reaches outside eu:",
  ],
  ["a number without range", "range: 25..50 Hz, ", "", "a number without range:"],
  [
    "a deadband wider than the step",
    "deadband: 0.2 Hz",
    "deadband: 5 Hz",
    "the deadband swallows every permitted step",
  ],
  [
    "a drift that limits nothing",
    "drift: 20 Hz",
    "drift: 25 Hz",
    "the drift is not smaller than the range",
  ],
  [
    "a step finer than a raw step",
    "step: 5 Hz",
    "step: 0.001 Hz",
    "the step is smaller than one raw step",
  ],
  ["an input called like an output", "b.running:  {at", "a.run:  {at", "a.run is an input already"],
  [
    "a signal called like an input",
    "  low: VOTE",
    "  level: NOT a.run\n  low: VOTE",
    "level is an input already",
  ],
  ["a tag called cmd", "b.running:  {at", "cmd:  {at", "cmd always means the value asked for"],
  [
    "revert values that are not its own",
    "outputs: [a.run, b.run, a.speed]\n",
    "outputs: [a.run, b.run]\n",
    "a.speed is not among its outputs",
  ],
  ["an empty range of registers", "ir 100..149", "ir 149..100", "this is not a range of registers"],
  ["a clamp on one bit", "min_on: 30 s", "outside: clamp", "outside is for numbers only"],
  ["starts of a number", "deadband: 0.2 Hz", "starts: 6 per 1 h", "starts is for one bit only"],
  [
    "an after-proof answer that comes too late",
    "client_timeout: 1 s",
    "client_timeout: 1 s\n    answer: after proof",
    "its client gives up before an answer must have come",
  ],
  [
    "a client whose timeout nobody says",
    "    client_timeout: 1 s\n",
    "",
    "'client_timeout' is missing",
  ],
];

describe("what a profile must not contain", () => {
  it.each(REFUSED)("refuses %s", (_, was, is, says) => {
    const text = plant(was, is);
    expect(load(text).ok).toBe(false);
    expect(messages(text)).toContain(says);
    expect(messages(SOUND)).not.toContain(says);
  });
});

const DOUBTED: readonly (readonly [name: string, was: string, is: string, says: string])[] = [
  [
    "a permissive that refuses nothing",
    "needs: mode <> OFF",
    "needs: TRUE",
    "always TRUE: it refuses nothing",
  ],
  [
    "a permissive that range makes idle",
    "cmd <= 40 Hz OR",
    "cmd <= 50 Hz OR",
    "always TRUE: it refuses nothing",
  ],
  [
    "a permissive that refuses every time",
    "needs: mode <> OFF",
    "needs: FALSE",
    "never TRUE: it refuses every time",
  ],
  [
    "a max_age that a slow reply misses",
    "{at: plc di 2, max_age: 1 s}",
    "{at: plc di 2, max_age: 500 ms}",
    "max_age is shorter than poll: and timeout: together",
  ],
  ["two names for one reading", "plc di 2", "plc di 1", "a.running is read from the same place"],
  [
    "an output nobody may write",
    'people: {outputs: "*"',
    "people: {outputs: [a.run]",
    "no controller may write local",
  ],
  [
    "a signal nothing uses",
    "signals:\n",
    "signals:\n  dry: NOT a.run\n",
    "nothing uses the signal dry",
  ],
  [
    "a device timer it does not arm",
    "{by: block, heartbeat: hr 200, state: ir 200, age: ir 201, lease: 2 s}",
    "{by: device-timer}",
    "this release neither arms nor reads back a device's own timer",
  ],
];

describe("what a profile may contain but should be asked about", () => {
  it.each(DOUBTED)("warns of %s", (_, was, is, says) => {
    const text = plant(was, is).replace(
      "below: block",
      is.includes("device-timer") ? "below: device-timer" : "below: block",
    );
    expect(load(text).rendered.filter((line) => line.startsWith("error"))).toEqual([]);
    expect(messages(text)).toContain(says);
    expect(messages(SOUND)).not.toContain(says);
  });
});

describe("what is allowed", () => {
  it.each([
    [
      "a bit written by mask beside bits that are not ours",
      "b.run:   {at: plc hr 40.1, bits: whole",
      "b.run:   {at: plc hr 50.1, bits: mask",
    ],
    [
      "a value of two registers inside a group",
      "a.speed: {at: plc hr 41 u16, raw: 0..6000,",
      "a.speed: {at: plc hr 41 u32 CDAB, raw: 0..6000,",
    ],
    [
      "a controller limited to some functions",
      "    priority: 9",
      "    functions: [3, 6]\n    priority: 9",
    ],
    ["a condition in double quotes", "when: low, for", 'when: "VOTE(1, low, b.running)", for'],
    [
      "a condition over several lines",
      "  low: VOTE(1, level < 0.9001 m, pressure < 0.1 bar)",
      "  low: >-\n    VOTE(1,\n      level < 0.9001 m,\n      pressure < 0.1 bar)",
    ],
    [
      "an approval",
      "hazards:",
      "approvals:\n  flush: {for: a.speed, while: mode = AI, people: 2, distinct: true, expires: 10 min}\nhazards:",
    ],
    [
      "no modes at all",
      "modes: {from: mode, states: {0: OFF, 1: LOCAL, 2: AI}, unknown_means: OFF}\n",
      "",
    ],
  ])("loads %s", (name, was, is) => {
    let text = plant(was, is);
    if (name.startsWith("a bit written"))
      text = text
        .replace("[a.run, b.run, a.speed]", "[a.run, a.speed]")
        .replace(" unknown_bits: [b.run = FALSE],", "");
    if (name.startsWith("no modes")) text = text.replace("{in LOCAL: adopt, else: trip}", "trip");
    expect(load(text).rendered.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
