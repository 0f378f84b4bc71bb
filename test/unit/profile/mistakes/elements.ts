import type { Mistake } from "./mistake.js";

/** In all other elements. */
export const ELEMENTS: readonly Mistake[] = [
  {
    name: "an unknown device",
    was: "plc co 1",
    is: "pcl co 1",
    says: [
      {
        at: "26:17",
        marks: "pcl",
        message: "no device is called 'pcl'",
        hint: "did you mean plc?",
      },
    ],
  },
  {
    name: "a 64-bit format",
    was: "f32 CDAB",
    is: "f64 CDAB",
    says: [
      {
        at: "21:20",
        marks: "plc ir 11 f64 CDAB",
        message: "f64 is not part of this release",
        hint: "u16, i16, u32, i32 or f32",
      },
    ],
  },
  {
    name: "a 32-bit value without byte order",
    was: "f32 CDAB",
    is: "f32",
    says: [
      {
        at: "21:20",
        marks: "plc ir 11 f32",
        message: "the order of the four bytes is missing",
        hint: "ABCD, CDAB, BADC or DCBA",
      },
    ],
  },
  {
    name: "a live scale",
    was: "raw: 0..10000,",
    is: "raw: 0..10000, scale: a.running,",
    says: [
      {
        at: "20:57",
        marks: "a.running",
        message: "a live scale is not part of this release",
        hint: "scale by raw: and eu:, or leave the tag out",
      },
    ],
  },
  {
    name: "modes that disagree with the mode tag",
    was: "states: {0: OFF, 1: LOCAL, 2: AI}",
    is: "states: {0: OFF, 1: AI, 2: LOCAL}",
    says: [
      {
        at: "17:29",
        marks: "{0: OFF, 1: AI, 2: LOCAL}",
        message: "these are not the states of the mode tag",
        hint: "the states of mode are 0: OFF, 1: LOCAL, 2: AI",
      },
    ],
  },
  {
    name: "an unknown plant mode",
    was: "in LOCAL",
    is: "in LOKAL",
    says: [
      {
        at: "27:122",
        marks: "in LOKAL",
        message: "the plant has no mode 'LOKAL'",
        hint: "did you mean LOCAL?",
      },
    ],
  },
  {
    name: "a max_age shorter than the scan",
    was: "max_age: 5 s",
    is: "max_age: 100 ms",
    says: [
      {
        at: "24:79",
        marks: "100 ms",
        message: "max_age is not longer than poll:",
        hint: "polled every 250 ms, it would be too old most of the time",
      },
    ],
  },
  {
    name: "an expiry this release cannot act on",
    was: "at_expiry: alarm",
    is: "at_expiry: safe_state",
    says: [
      {
        at: "4:57",
        marks: "safe_state",
        message: "this release cannot go to safe_state when the profile expires",
        hint: "at_expiry: alarm, and a person who looks at it",
      },
    ],
  },
  {
    name: "a day that does not exist",
    was: "until: 2027-01-01",
    is: "until: 2027-02-30",
    says: [
      {
        at: "4:34",
        marks: "2027-02-30",
        message: "there is no day 2027-02-30",
        hint: "write it like  2026-11-01",
      },
    ],
  },
  {
    name: "an end before the beginning",
    was: "until: 2027-01-01",
    is: "until: 2025-01-01",
    says: [
      {
        at: "4:34",
        marks: "2025-01-01",
        message: "ends before it begins",
        hint: "until: is a later day",
      },
    ],
  },
  {
    name: "signers that can never sign",
    was: "need: 1",
    is: "need: 2",
    says: [
      {
        at: "5:17",
        marks: "2",
        message: "2 of 1 signers can never sign",
        hint: "need: is at most how many are named",
      },
    ],
  },
  {
    name: "an unknown proof",
    was: "proof: none",
    is: "proof: nothing",
    says: [
      {
        at: "28:76",
        marks: "nothing",
        message: "this is not a proof",
        hint: "write it like  readback 0.05 Hz within 1 s,  feedback pump1.running within 5 s  or  none",
      },
    ],
  },
  {
    name: "feedback of an unknown input",
    was: "feedback a.running",
    is: "feedback a.runing",
    says: [
      {
        at: "27:90",
        marks: "a.runing",
        message: "no input is called 'a.runing'",
        hint: "did you mean a.running?",
      },
    ],
  },
  {
    name: "a pulse with a safe value",
    was: "{at: plc co 1, safe",
    is: "{at: plc co 1, kind: pulse 500 ms, safe",
    says: [
      {
        at: "26:53",
        marks: "TRUE",
        message: "a pulse output has no safe value",
        hint: "a safe write is repeated until read back, so it must be an absolute value",
      },
    ],
  },
  {
    name: "a number in an exclusive set",
    was: "[[local, b.run]]",
    is: "[[local, a.speed]]",
    says: [
      {
        at: "41:21",
        marks: "a.speed",
        message: "a.speed is not one bit",
        hint: "sets are of outputs that are on or off; write numbers under always:",
      },
    ],
  },
  {
    name: "a safe state that breaks a rule",
    was: "holds: NOT a.run OR NOT b.run OR a.speed <= 45 Hz",
    is: "holds: NOT local",
    says: [
      {
        at: "48:10",
        marks: "[local]",
        message: "the safe state breaks A-01 by its own values",
        hint: "no rule can stop these writes at run time: change the values, the order or the rule",
      },
    ],
  },
  {
    name: "a misspelt choice",
    was: "outside: clamp",
    is: "outside: clmap",
    says: [
      {
        at: "29:168",
        marks: "clmap",
        message: "'clmap' is not a choice for 'outside'",
        hint: "did you mean clamp?",
      },
    ],
  },
  {
    name: "more in flight than served",
    was: "in_flight: 1",
    is: "in_flight: 4",
    says: [{ at: "11:16", marks: "4", message: "this is more than 1", hint: null }],
  },
  {
    name: "an unknown layer",
    was: "by: block, heartbeat: hr 200, state: ir 200, age: ir 201, lease: 2 s",
    is: "by: blokc",
    says: [
      {
        at: "15:22",
        marks: "blokc",
        message: "'blokc' is not a choice for 'by'",
        hint: "one of block, device-timer, relay, none",
      },
    ],
  },
  {
    name: "a setting without a value",
    was: "restart: hold",
    is: "restart:",
    says: [
      {
        at: "51:1",
        marks: "restart",
        message: "'restart' has no value",
        hint: "one of hold, safe_state",
      },
    ],
  },
  {
    name: "a comma in an unquoted text",
    was: "why: hot}",
    is: "why: hot, very}",
    says: [
      {
        at: "44:174",
        marks: "very",
        message: "'very' is not a setting here",
        hint: "inside { } a comma ends a value: put a text with commas in double quotes",
      },
    ],
  },
  {
    name: "a tag name that starts with a digit",
    was: "  b.running:",
    is: "  1b.running:",
    says: [
      {
        at: "23:3",
        marks: "1b.running",
        message: "this is not a tag name",
        hint: "write it like  pump1.run (lower case words joined by dots)",
      },
      {
        at: "44:48",
        marks: "b.running",
        message: "nothing is called 'b.running'",
        hint: "did you mean a.running?",
      },
    ],
  },
  {
    name: "two states with one name",
    was: "[OFF, LOCAL, AI]",
    is: "[OFF, LOCAL, OFF]",
    says: [
      {
        at: "19:42",
        marks: "[OFF, LOCAL, OFF]",
        message: "two states are called OFF",
        hint: "each needs a name of its own",
      },
    ],
  },
  {
    name: "a raw span without engineering span",
    was: "raw: 0..10000, eu: 0..6 m",
    is: "raw: 0..10000",
    says: [
      {
        at: "20:40",
        marks: "0..10000",
        message: "a raw span without eu:",
        hint: "write the engineering span as well: eu: 0..6 m",
      },
    ],
  },
  {
    name: "a hazard covered by no trip",
    was: "covered_by: [T-01]",
    is: "covered_by: [T-07]",
    says: [
      {
        at: "61:78",
        marks: "T-07",
        message: "no trip is called 'T-07'",
        hint: "did you mean T-01?",
      },
    ],
  },
  {
    name: "a function that is not served",
    was: "    priority: 9",
    is: "    functions: [3, 8]\n    priority: 9",
    says: [
      {
        at: "56:20",
        marks: "8",
        message: "function 8 is not served here",
        hint: "served are 1, 2, 3, 4, 5, 6, 15, 16, 22, 23",
      },
    ],
  },
  {
    name: "clamping without a budget",
    was: "    clamps: 10 per 10 min\n",
    is: "",
    says: [
      {
        at: "53:3",
        marks: "ai",
        message: "a.speed clamps, and clamps: is missing",
        hint: "write how many are tolerated: clamps: 10 per 10 min",
      },
    ],
  },
  {
    name: "a budget of nothing",
    was: "starts: 6 per 1 h",
    is: "starts: 0 per 1 h",
    says: [
      {
        at: "27:63",
        marks: "0 per 1 h",
        message: "between 1 and 10000 can be counted",
        hint: null,
      },
    ],
  },
];
