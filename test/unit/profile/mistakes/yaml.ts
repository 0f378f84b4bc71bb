import type { Mistake } from "./mistake.js";

/** In the YAML itself, and in how values are written. */
export const YAML: readonly Mistake[] = [
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
];
