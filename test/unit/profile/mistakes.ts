/**
 * Mistakes planted into the fixture, one at a time, and all that must be said about each: where (line and
 * column, from 1), what is underlined, what is wrong, what to do.
 */
export type Mistake = {
  readonly name: string;
  readonly was: string;
  readonly is: string;
  readonly says: readonly Saying[];
};

export type Saying = {
  readonly at: string;
  readonly marks: string;
  readonly message: string;
  readonly hint: string | null;
};

export const MISTAKES: readonly Mistake[] = [
  {
    name: "bar against m",
    was: "level < 0.9001 m",
    is: "level < 0.9 bar",
    says: [
      {
        at: "34:16",
        marks: "level < 0.9 bar",
        message: "'<' between a quantity in m and a quantity in bar",
        hint: "length is measured in m, cm, mm, um, km",
      },
    ],
  },
  {
    name: "a number without a unit",
    was: "pressure < 6 bar",
    is: "pressure < 6",
    says: [
      {
        at: "37:53",
        marks: "pressure < 6",
        message: "'<' between a quantity in bar and a number without a unit",
        hint: "write the unit: 6 bar",
      },
    ],
  },
  {
    name: "a misspelt signal",
    was: "NOT low AND",
    is: "NOT lwo AND",
    says: [
      { at: "36:46", marks: "lwo", message: "nothing is called 'lwo'", hint: "did you mean low?" },
    ],
  },
  {
    name: "an unknown state",
    was: "mode = AI, why",
    is: "mode = AUTO, why",
    says: [
      {
        at: "36:61",
        marks: "AUTO",
        message: "'AUTO' is not a state of it",
        hint: "the states are OFF, LOCAL, AI",
      },
    ],
  },
  {
    name: "a chained comparison",
    was: "pressure < 0.1 bar",
    is: "0 bar < pressure < 0.1 bar",
    says: [
      {
        at: "34:51",
        marks: "<",
        message: "comparisons cannot be chained",
        hint: "write  0 bar < pressure AND pressure < ...",
      },
    ],
  },
  {
    name: "NOT before a comparison",
    was: "NOT low AND mode = AI",
    is: "NOT level < 1.2 m",
    says: [
      {
        at: "36:46",
        marks: "level",
        message: "NOT needs TRUE or FALSE; this is a quantity in m",
        hint: "NOT binds tighter than <: write NOT (... < ...)",
      },
    ],
  },
  {
    name: "NOT before a state",
    was: "NOT low AND mode = AI",
    is: "NOT mode = AI",
    says: [
      {
        at: "36:46",
        marks: "mode",
        message: "NOT needs TRUE or FALSE; this is one of OFF, LOCAL, AI",
        hint: "NOT binds tighter than =: write NOT (... = ...)",
      },
    ],
  },
  {
    name: "a lower-case and",
    was: "NOT low AND mode",
    is: "NOT low and mode",
    says: [
      {
        at: "36:50",
        marks: "and",
        message: "'and' does not belong here",
        hint: "operators are upper case: write AND",
      },
    ],
  },
  {
    name: "a lower-case not",
    was: "NOT low AND mode",
    is: "not low AND mode",
    says: [
      {
        at: "36:42",
        marks: "not",
        message: "'not' is not a name",
        hint: "operators are upper case: write NOT",
      },
    ],
  },
  {
    name: "&& for AND",
    was: "NOT low AND mode",
    is: "NOT low && mode",
    says: [
      { at: "36:50", marks: "&&", message: "'&&' is not an operator here", hint: "write AND" },
    ],
  },
  {
    name: "|| for OR",
    was: "cmd <= 40 Hz OR",
    is: "cmd <= 40 Hz ||",
    says: [{ at: "37:50", marks: "||", message: "'||' is not an operator here", hint: "write OR" }],
  },
  {
    name: "! for NOT",
    was: "NOT low AND mode",
    is: "!low AND mode",
    says: [
      {
        at: "36:42",
        marks: "!low",
        message: "YAML tags (!name) are not allowed here",
        hint: "a value is what it looks like; write NOT for a negation",
      },
    ],
  },
  {
    name: "== for =",
    was: "mode = AI, why",
    is: "mode == AI, why",
    says: [
      {
        at: "36:59",
        marks: "==",
        message: "'==' is not an operator here",
        hint: "write = for 'equal'",
      },
    ],
  },
  {
    name: "equality of measured numbers",
    was: "cmd <= 40 Hz",
    is: "cmd = 40 Hz",
    says: [
      {
        at: "37:37",
        marks: "cmd = 40 Hz",
        message: "'=' between measured numbers is never reliable",
        hint: "ask for a margin: x >= 2.9 m AND x <= 3.1 m; numbers that stand for states are declared with states:",
      },
    ],
  },
  {
    name: "a division",
    was: "cmd <= 40 Hz",
    is: "cmd / 2 <= 20 Hz",
    says: [
      {
        at: "37:41",
        marks: "/",
        message: "'/' is not an operator here",
        hint: "multiply by a constant instead: 0.5 * x",
      },
    ],
  },
  {
    name: "a product of two live values",
    was: "cmd <= 40 Hz",
    is: "cmd * cmd <= 40 Hz",
    says: [
      {
        at: "37:37",
        marks: "cmd * cmd",
        message: "one side of * must be a constant number",
        hint: "0.5 * x",
      },
    ],
  },
  {
    name: "an unknown unit",
    was: "pressure < 6 bar",
    is: "pressure < 6 bart",
    says: [
      {
        at: "37:66",
        marks: "bart",
        message: "no unit is called 'bart'",
        hint: "did you mean bar?",
      },
    ],
  },
  {
    name: "a decimal comma",
    was: "needs: cmd <= 40 Hz OR pressure < 6 bar",
    is: 'needs: "pressure < 0,5 bar"',
    says: [
      {
        at: "37:49",
        marks: "0,5",
        message: "'0,5' is not a number",
        hint: "write a decimal point: 0.5",
      },
    ],
  },
  {
    name: "a number as a condition",
    was: "when: low,",
    is: "when: level,",
    says: [
      {
        at: "43:22",
        marks: "level",
        message: "a condition is TRUE or FALSE; this is a quantity in m",
        hint: "compare it with a limit or a state",
      },
    ],
  },
  {
    name: "a sum of two temperatures",
    was: "a.winding > 130.05 Cel",
    is: "a.winding + a.winding > 130.05 Cel",
    says: [
      {
        at: "44:22",
        marks: "a.winding + a.winding",
        message: "'+' between a quantity in Cel and a quantity in Cel",
        hint: "a difference is written in K: winding - 20 K; readings can only be subtracted",
      },
    ],
  },
  {
    name: "an open parenthesis",
    was: "(1, level < 0.9001 m, pressure < 0.1 bar)",
    is: "(1, level < 0.9001 m, pressure < 0.1 bar",
    says: [
      {
        at: "34:52",
        marks: "\n",
        message: "',' or ')' is missing here",
        hint: "close the parenthesis",
      },
    ],
  },
  {
    name: "a vote that cannot be won",
    was: "VOTE(1,",
    is: "VOTE(3,",
    says: [
      {
        at: "34:13",
        marks: "3",
        message: "3 of 2 can never be counted",
        hint: "VOTE(2, a, b, c) asks for two of three",
      },
    ],
  },
  {
    name: "a vote that counts twice",
    was: "VOTE(1, level < 0.9001 m, pressure < 0.1 bar)",
    is: "VOTE(2, level < 0.9001 m, level < 90.01 cm)",
    says: [
      {
        at: "34:34",
        marks: "level < 90.01 cm",
        message: "VOTE counts the same condition twice",
        hint: "each member of a vote must be a witness of its own",
      },
    ],
  },
  {
    name: "an unknown function",
    was: "when: low,",
    is: "when: ABS(level) > 3 m,",
    says: [
      {
        at: "43:22",
        marks: "ABS",
        message: "there is no function 'ABS'",
        hint: "the only one is VOTE(2, a, b, c)",
      },
    ],
  },
  {
    name: "an unquoted VOTE inside braces",
    was: "when: low,",
    is: "when: VOTE(1, low, b.running),",
    says: [
      {
        at: "43:22",
        marks: "VOTE(1, low, b.running)",
        message: "inside { } and [ ] a comma ends a value that is not quoted",
        hint: 'put the whole expression in double quotes: "VOTE(1, low, b.running)"',
      },
    ],
  },
  {
    name: "cmd in a rule for everything",
    was: "needs: mode <> OFF",
    is: "needs: cmd",
    says: [
      {
        at: "38:43",
        marks: "cmd",
        message: "nothing is called 'cmd'",
        hint: "cmd is the value asked for: only where one output is named by for:",
      },
    ],
  },
  {
    name: "signals in a circle",
    was: "  low: VOTE(1, level < 0.9001 m, pressure < 0.1 bar)",
    is: "  low: NOT dry\n  dry: NOT low",
    says: [
      {
        at: "34:8",
        marks: "NOT dry",
        message: "the signal needs itself",
        hint: "low -> dry -> low",
      },
    ],
  },
  {
    name: "a misspelt setting",
    was: "deadband: 0.2 Hz",
    is: "deadbnad: 0.2 Hz",
    says: [
      {
        at: "29:141",
        marks: "deadbnad",
        message: "'deadbnad' is not a setting here",
        hint: "did you mean deadband?",
      },
    ],
  },
  {
    name: "an input without max_age",
    was: "{at: plc di 2, max_age: 1 s}",
    is: "{at: plc di 2}",
    says: [
      {
        at: "23:3",
        marks: "b.running",
        message: "'max_age' is missing",
        hint: "there is no default",
      },
    ],
  },
  {
    name: "a duration without a unit",
    was: "for: 2 s,",
    is: "for: 2,",
    says: [
      {
        at: "43:32",
        marks: "2",
        message: "'for' must be a text",
        hint: "is a unit missing? write it like  2 s",
      },
    ],
  },
  {
    name: "a malformed duration",
    was: "each_within: 500 ms",
    is: "each_within: 500ms2",
    says: [
      {
        at: "49:16",
        marks: "500ms2",
        message: "this is not a duration",
        hint: "write it like  500 ms, 2 s, 15 min or 8 h",
      },
    ],
  },
  {
    name: "an alias",
    was: "b.running:  {at",
    is: "b.running:  *x #",
    says: [
      {
        at: "23:15",
        marks: "*x",
        message: "aliases (*name) are not allowed here",
        hint: 'write the value out; a lone * is written "*"',
      },
    ],
  },
  {
    name: "an anchor",
    was: "mode:       {at",
    is: "mode:       &x {at",
    says: [
      {
        at: "19:15",
        marks: "&x",
        message: "anchors (&name) are not allowed here",
        hint: "write the value out; a reviewer must see what is signed",
      },
    ],
  },
  {
    name: "a YAML tag",
    was: "revision: 7",
    is: "revision: !!str 7",
    says: [
      {
        at: "3:11",
        marks: "!!str",
        message: "YAML tags (!name) are not allowed here",
        hint: "a value is what it looks like; write NOT for a negation",
      },
    ],
  },
  {
    name: "a merge key",
    was: "restart: hold",
    is: "restart: hold\n<<: {}",
    says: [
      {
        at: "52:1",
        marks: "<<",
        message: "merge keys (<<) are not allowed here",
        hint: "write the settings out; a reviewer must see what is signed",
      },
    ],
  },
  {
    name: "a duplicate key",
    was: "restart: hold",
    is: "restart: hold\nrestart: hold",
    says: [
      {
        at: "52:1",
        marks: "restart",
        message: "'restart' is written twice",
        hint: "it stands in line 51 already; keep one",
      },
    ],
  },
  {
    name: "a second document",
    was: "restart: hold",
    is: "---\nrestart: hold",
    says: [
      {
        at: "51:1",
        marks: "---",
        message: "a second document in the file",
        hint: "one file holds one document; delete the line",
      },
    ],
  },
  {
    name: "a tab",
    was: "  on: [profile fault]",
    is: "\ton: [profile fault]",
    says: [
      {
        at: "50:1",
        marks: "\t",
        message: "a tab character",
        hint: "use spaces: tabs look different to every reader",
      },
    ],
  },
  {
    name: "a YAML directive",
    was: "profile: tank\n",
    is: "%YAML 1.1\n---\nprofile: tank\n",
    says: [
      {
        at: "1:1",
        marks: "%YAML 1.1",
        message: "YAML directives (%...) are not allowed here",
        hint: "the file is YAML 1.2; delete the line",
      },
      {
        at: "2:1",
        marks: "---",
        message: "a second document in the file",
        hint: "one file holds one document; delete the line",
      },
    ],
  },
  {
    name: "a hidden direction mark",
    was: "why: dry",
    is: "why: dr\u202ey",
    says: [
      {
        at: "43:111",
        marks: "\u202e",
        message: "a character that cannot be seen (U+202E)",
        hint: "delete it: what is signed must be what a reviewer sees",
      },
    ],
  },
  {
    name: "a complex key",
    was: "restart: hold",
    is: "? [a]\n: b\nrestart: hold",
    says: [
      {
        at: "51:1",
        marks: "?",
        message: "complex keys (? key) are not allowed here",
        hint: "write  key: value",
      },
    ],
  },
  {
    name: "a key that is no name",
    was: "restart: hold",
    is: "true: 1\nrestart: hold",
    says: [
      { at: "51:1", marks: "true", message: "a key must be a name", hint: "write  name: value" },
    ],
  },
  {
    name: "a number with a leading zero",
    was: "revision: 7",
    is: "revision: 010",
    says: [
      {
        at: "3:11",
        marks: "010",
        message: "'010' is not a number as written here",
        hint: "write a plain decimal number, without leading zeros or exponents",
      },
    ],
  },
  {
    name: "brackets that do not match",
    was: "signers: {need: 1, of: [controls]}",
    is: "signers: {need: 1, of: [controls}",
    says: [
      {
        at: "5:33",
        marks: "}",
        message: "a bracket that is not closed, or not by its like",
        hint: "{ ends with }, [ with ]",
      },
      {
        at: "5:34",
        marks: "\n",
        message: "a bracket that is not closed, or not by its like",
        hint: "{ ends with }, [ with ]",
      },
    ],
  },
  {
    name: "a wrong indentation",
    was: "  each_within",
    is: "   each_within",
    says: [
      {
        at: "49:1",
        marks: " ",
        message: "the indentation does not fit",
        hint: "line the key up with its neighbours; use spaces",
      },
    ],
  },
  {
    name: "a trip that writes an input",
    was: "do: [a.run = FALSE, b",
    is: "do: [a.running = FALSE, b",
    says: [
      {
        at: "43:58",
        marks: "a.running",
        message: "a.running is an input and cannot be written",
        hint: "known here: local, a.run, b.run, a.speed",
      },
    ],
  },
  {
    name: "ON for TRUE",
    was: "a.run = TRUE, needs",
    is: "a.run = ON, needs",
    says: [
      {
        at: "36:29",
        marks: "ON",
        message: "'ON' is not a value of a BOOL",
        hint: "write TRUE or FALSE",
      },
    ],
  },
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

/** What may be meant, and is said all the same. */
export const DOUBTS: readonly Mistake[] = [
  {
    name: "a trip that can never fire",
    was: "a.winding > 130.05 Cel OR b.running",
    is: "a.winding > 230 Cel",
    says: [
      {
        at: "23:3",
        marks: "b.running",
        message: "no rule reads b.running",
        hint: "is a rule missing? (controllers may still read it)",
      },
      {
        at: "44:22",
        marks: "a.winding > 230 Cel",
        message: "can never be TRUE: only an unreadable value fires it",
        hint: "is the limit outside what the tag can read?",
      },
      {
        at: "44:22",
        marks: "a.winding > 230 Cel",
        message: "the limit 230 Cel lies exactly on a raw step of a.winding",
        hint: "put it between two steps: 230.05 Cel",
      },
    ],
  },
  {
    name: "an input no rule reads",
    was: "OR b.running",
    is: "",
    says: [
      {
        at: "23:3",
        marks: "b.running",
        message: "no rule reads b.running",
        hint: "is a rule missing? (controllers may still read it)",
      },
    ],
  },
  {
    name: "a limit on a raw step",
    was: "level < 0.9001 m",
    is: "level < 0.9 m",
    says: [
      {
        at: "34:8",
        marks: "VOTE(1, level < 0.9 m, pressure < 0.1 bar)",
        message: "the limit 0.9 m lies exactly on a raw step of level",
        hint: "put it between two steps: 0.9003 m",
      },
    ],
  },
];
