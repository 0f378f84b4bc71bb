import type { Mistake } from "./mistake.js";

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
