import type { Mistake } from "./mistake.js";

/** In conditions. */
export const EXPRESSIONS: readonly Mistake[] = [
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
];
