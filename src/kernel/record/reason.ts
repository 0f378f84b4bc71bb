import type { Us } from "../units.js";

/** Why a command was not simply permitted. `limit` is the nearest permitted value, in the output's unit. */
export type Reason = {
  readonly code: ReasonCode;
  /** Id of the rule, where one is behind it. */
  readonly rule: string | null;
  readonly output: number | null;
  readonly limit: number | null;
  /** Time until this reason alone would be gone; null: it does not go by waiting. */
  readonly freeUs: Us | null;
};

export type ReasonCode = (typeof REASONS)[number]["code"];

/**
 * The closed catalogue. Order decides which exception a Modbus client sees when several reasons hold:
 * the first in this list. Numbers go into evidence and registers and are never reused.
 * 4 surely not done; 0x0B on a write: it may have been done (definitions.md, exception table).
 */
export const REASONS = [
  // who and what form
  { code: "function", number: 1, exception: 1, says: "this Modbus function is not served here" },
  { code: "identity", number: 2, exception: 1, says: "this client is nobody the profile knows" },
  { code: "unit", number: 3, exception: 0x0a, says: "no device answers to this unit here" },
  {
    code: "tag-unknown",
    number: 4,
    exception: 2,
    says: "no tag of the profile is at this address",
  },
  {
    code: "not-writable",
    number: 5,
    exception: 2,
    says: "this controller may not write this output",
  },
  {
    code: "partial-write",
    number: 6,
    exception: 2,
    says: "the write covers part of something, or more than one thing, that must be written whole",
  },
  { code: "malformed", number: 7, exception: 3, says: "the request is not well formed" },
  { code: "size", number: 8, exception: 3, says: "the request touches too many outputs" },
  { code: "type", number: 9, exception: 3, says: "the value is not one this output can take" },
  // the gateway or the plant cannot carry any command
  { code: "profile", number: 10, exception: 4, says: "the profile is not in force" },
  { code: "evidence", number: 11, exception: 4, says: "evidence cannot be written" },
  { code: "internal", number: 12, exception: 4, says: "the gateway has an internal fault" },
  {
    code: "device-down",
    number: 13,
    exception: 4,
    says: "the device does not answer, or is not the one expected",
  },
  { code: "safe-state", number: 14, exception: 4, says: "the plant is in its safe state" },
  { code: "tripped", number: 15, exception: 4, says: "a trip holds this output" },
  {
    code: "input-bad",
    number: 16,
    exception: 4,
    says: "a value this rule reads cannot be trusted",
  },
  // the value
  { code: "range", number: 17, exception: 3, says: "outside its range" },
  { code: "step", number: 18, exception: 3, says: "too large a step" },
  {
    code: "drift",
    number: 19,
    exception: 3,
    says: "too far from where it stood when the window opened",
  },
  {
    code: "always",
    number: 20,
    exception: 3,
    says: "the commanded values together would break a rule",
  },
  { code: "exclusive", number: 21, exception: 3, says: "another output of the set is on" },
  {
    code: "precondition",
    number: 22,
    exception: 3,
    says: "what the controller took for given does not hold",
  },
  {
    code: "clamped",
    number: 23,
    exception: 3,
    says: "the nearest permitted value was written instead",
  },
  // the moment
  {
    code: "mode",
    number: 24,
    exception: 6,
    says: "the gateway is not enforcing, so nothing is released",
  },
  {
    code: "lease",
    number: 25,
    exception: 6,
    says: "the controller holds no live lease for this output",
  },
  { code: "suspended", number: 26, exception: 6, says: "the controller is suspended" },
  { code: "approval", number: 27, exception: 6, says: "people must approve this first" },
  { code: "permissive", number: 28, exception: 6, says: "a condition for this is not surely met" },
  {
    code: "conflict",
    number: 29,
    exception: 6,
    says: "an earlier write to the same place is not settled",
  },
  { code: "ramp", number: 30, exception: 6, says: "too fast a change" },
  { code: "every", number: 31, exception: 6, says: "too soon after the last write" },
  { code: "budget", number: 32, exception: 6, says: "the write budget is used up" },
  { code: "starts", number: 33, exception: 6, says: "too many starts" },
  { code: "dwell", number: 34, exception: 6, says: "it must stay as it is for longer" },
  { code: "stale", number: 35, exception: 6, says: "the command is too old to be carried out" },
  { code: "busy", number: 36, exception: 6, says: "too much work is waiting" },
  { code: "withdrawn", number: 37, exception: 6, says: "things changed before it could be sent" },
  // what came of it
  { code: "device-exception", number: 38, exception: 4, says: "the device refused the write" },
  {
    code: "device-timeout",
    number: 39,
    exception: 0x0b,
    says: "the device did not answer; the write may have been done",
  },
  {
    code: "read-back",
    number: 40,
    exception: 0x0b,
    says: "the written value was not read back; it may have been done",
  },
  {
    code: "outcome-unknown",
    number: 41,
    exception: 0x0b,
    says: "it is not known whether the write was done",
  },
  // other doors
  { code: "retained", number: 42, exception: 3, says: "a retained message is never a command" },
  { code: "version", number: 43, exception: 3, says: "unknown message version" },
  { code: "key-unknown", number: 44, exception: 1, says: "the signing key is not known" },
  { code: "signature", number: 45, exception: 1, says: "the signature does not verify" },
  { code: "topic", number: 46, exception: 1, says: "not a topic of this controller" },
  {
    code: "boot",
    number: 47,
    exception: 6,
    says: "the command was made for an earlier run of the gateway",
  },
  {
    code: "basis-unknown",
    number: 48,
    exception: 6,
    says: "the state it was computed from is not known",
  },
  { code: "sequence", number: 49, exception: 6, says: "out of sequence" },
  { code: "id-reused", number: 50, exception: 6, says: "this id was used for another command" },
  {
    code: "parent-denied",
    number: 51,
    exception: 6,
    says: "the command it follows from was refused",
  },
] as const;
