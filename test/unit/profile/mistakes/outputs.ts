import type { Mistake } from "./mistake.js";

/** In outputs, groups and who writes what. */
export const OUTPUTS: readonly Mistake[] = [
  {
    name: "a range outside the scale",
    was: "range: 25..50 Hz",
    is: "range: 25..70 Hz",
    says: [
      {
        at: "29:79",
        marks: "25..70 Hz",
        message: "range: reaches outside eu:",
        hint: "eu: is 0..60 Hz",
      },
    ],
  },
  {
    name: "a step larger than the range",
    was: "step: 5 Hz",
    is: "step: 30 Hz",
    says: [
      {
        at: "29:96",
        marks: "30 Hz",
        message: "the step is larger than the range",
        hint: "it limits nothing: the range is 25 Hz wide",
      },
    ],
  },
  {
    name: "a revert outside the range",
    was: "a.speed: 30 Hz}",
    is: "a.speed: 20 Hz}",
    says: [
      {
        at: "55:98",
        marks: "20 Hz",
        message: "a.speed would be driven outside its range",
        hint: "range: is 25..50 Hz",
      },
    ],
  },
  {
    name: "a value between two raw steps",
    was: "a.speed: 30 Hz}",
    is: "a.speed: 30.003 Hz}",
    says: [
      {
        at: "55:98",
        marks: "30.003 Hz",
        message: "30.003 Hz cannot be sent exactly",
        hint: "the nearest value is 30 Hz",
      },
    ],
  },
  {
    name: "a safe value nobody drives",
    was: "order: [local]",
    is: "order: []",
    says: [
      {
        at: "26:33",
        marks: "TRUE",
        message: "local has a safe value that nothing would drive",
        hint: "add it to safe_state: order:, or write  safe: hold",
      },
    ],
  },
  {
    name: "an order that drives a hold",
    was: "order: [local]",
    is: "order: [local, a.run]",
    says: [
      {
        at: "48:18",
        marks: "a.run",
        message: "its safe value is hold: nothing would be written",
        hint: "give a.run a safe value, or leave it out of the order",
      },
    ],
  },
  {
    name: "a safe value without below",
    was: "safe: TRUE, below: block,",
    is: "safe: TRUE,",
    says: [
      {
        at: "26:33",
        marks: "TRUE",
        message: "a safe value without below:",
        hint: "below: block, device-timer, relay or none: which layer acts when the gateway cannot",
      },
    ],
  },
  {
    name: "a layer below that is not there",
    was: "below: block",
    is: "below: device-timer",
    says: [
      {
        at: "26:46",
        marks: "device-timer",
        message: "plc has no device-timer that could act",
        hint: "its comms_loss: says by: block",
      },
    ],
  },
  {
    name: "two outputs at one place",
    was: "hr 40.1, bits",
    is: "hr 40.0, bits",
    says: [
      {
        at: "28:17",
        marks: "plc hr 40.0",
        message: "a.run is written to the same place",
        hint: "one place, one output: limits could be passed by writing the other",
      },
    ],
  },
  {
    name: "a bit without bits",
    was: "hr 40.1, bits: whole",
    is: "hr 40.1",
    says: [
      {
        at: "28:17",
        marks: "plc hr 40.1",
        message: "a bit of a register needs bits:",
        hint: "bits: mask (FC22, one bit alone) or bits: whole (every bit of the word is ours)",
      },
    ],
  },
  {
    name: "masked and whole bits in one word",
    was: "hr 40.1, bits: whole",
    is: "hr 40.1, bits: mask",
    says: [
      {
        at: "28:36",
        marks: "mask",
        message: "bits of one word are either all masked or all written whole",
        hint: "a.run says bits: whole",
      },
      {
        at: "31:18",
        marks: "[a.run, b.run, a.speed]",
        message: "b.run is written by mask (FC22), one word at a time",
        hint: "use bits: whole, or leave it out",
      },
      {
        at: "44:122",
        marks: "b.run = FALSE",
        message: "this trip does not rewrite that word",
        hint: "leave it out",
      },
    ],
  },
  {
    name: "an output on the heartbeat",
    was: "plc hr 41 u16",
    is: "plc hr 200 u16",
    says: [
      {
        at: "29:17",
        marks: "plc hr 200 u16",
        message: "a.speed would write the heartbeat of the comms-loss block of plc",
        hint: "the layer below must not be in a controller's reach",
      },
      {
        at: "31:18",
        marks: "[a.run, b.run, a.speed]",
        message: "nothing of the group stands at hr 41",
        hint: "a group has no gap",
      },
    ],
  },
  {
    name: "an output that can only be read",
    was: "plc co 1,",
    is: "plc di 1,",
    says: [
      {
        at: "26:17",
        marks: "plc di 1",
        message: "di can only be read",
        hint: "coils (co) and holding registers (hr) can be written",
      },
    ],
  },
  {
    name: "a group over two tables",
    was: "[a.run, b.run, a.speed]",
    is: "[local, a.speed]",
    says: [
      {
        at: "31:18",
        marks: "[local, a.speed]",
        message: "local and a.speed cannot be in one request",
        hint: "a group is one table of one device",
      },
    ],
  },
  {
    name: "a group that rewrites a neighbour's bit",
    was: "[a.run, b.run, a.speed]",
    is: "[a.run, a.speed]",
    says: [
      {
        at: "31:18",
        marks: "[a.run, a.speed]",
        message: "the group rewrites b.run without naming it",
        hint: "add b.run: it is a bit of the same word",
      },
    ],
  },
  {
    name: "a trip that rewrites a neighbour's bit",
    was: " unknown_bits: [b.run = FALSE],",
    is: "",
    says: [
      {
        at: "44:90",
        marks: "[a.run = FALSE]",
        message: "the trip rewrites the word of b.run as well",
        hint: "say what it becomes where nobody knows it: unknown_bits: [b.run = FALSE]",
      },
    ],
  },
  {
    name: "a confirm with an unknown trip",
    was: "else: T-01}",
    is: "else: T-09}",
    says: [
      {
        at: "46:70",
        marks: "T-09",
        message: "no trip is called 'T-09'",
        hint: "did you mean T-01?",
      },
    ],
  },
  {
    name: "a rule from an unknown controller",
    was: "from: ai",
    is: "from: al",
    says: [
      {
        at: "38:32",
        marks: "al",
        message: "no controller is called 'al'",
        hint: "did you mean ai?",
      },
    ],
  },
  {
    name: "an id used twice",
    was: "id: P-02",
    is: "id: P-01",
    says: [
      {
        at: "37:10",
        marks: "P-01",
        message: "another rule is called P-01",
        hint: "evidence names rules by id: each needs its own",
      },
    ],
  },
  {
    name: "a client that gives up too early",
    was: "client_timeout: 1 s",
    is: "client_timeout: 500 ms",
    says: [
      {
        at: "57:21",
        marks: "500 ms",
        message: "its client gives up before an answer must have come",
        hint: "command_max_age, the device's timeout and (after proof) the proof take up to 900 ms",
      },
    ],
  },
  {
    name: "a lease that lapses before two beats",
    was: "lapses_after: 5 s",
    is: "lapses_after: 3 s",
    says: [
      {
        at: "55:61",
        marks: "3 s",
        message: "lapses before a second beat is due",
        hint: "one beat may be lost: at least twice every:",
      },
    ],
  },
  {
    name: "a lease beaten elsewhere",
    was: "register 247:0",
    is: "register 247:3",
    says: [
      {
        at: "55:19",
        marks: "register 247:3",
        message: "a lease cannot be beaten there",
        hint: "the gateway's own unit has one register that can be written: register 247:0",
      },
    ],
  },
];
