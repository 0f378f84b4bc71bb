import * as z from "zod";

/**
 * Forms of the small notations, as patterns, so that an editor can check them too. The text after a line
 * break in a message is the hint.
 */
const NUMBER = String.raw`-?\d{1,12}(?:\.\d{1,12})?`;
const UNIT = String.raw`(?:%|[A-Za-z][A-Za-z0-9]*(?:/[A-Za-z][A-Za-z0-9]*){0,2})`;
const TIME = String.raw`\d{1,9}(?:\.\d{1,6})? ?(?:ms|s|min|h|d)`;
const TAG = String.raw`[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*`;
const STATE = String.raw`[A-Z][A-Z0-9_]*`;
const TABLE = String.raw`(?:co|di|ir|hr)`;
const PLACE = String.raw`${TABLE} \d{1,5}(?:\.\d{1,2})?(?: (?:u16|i16|u32|i32|f32|u64|i64|f64)(?: (?:ABCD|CDAB|BADC|DCBA))?)?`;

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const form = (pattern: string, what: string, example: string): z.ZodString =>
  z.string().regex(whole(pattern), `this is not ${what}\nwrite it like  ${example}`);

export const name: z.ZodString = form(
  "[a-z][a-z0-9_-]{0,39}",
  "a name",
  "north-7 (lower case, digits, - and _)",
);
export const tag: z.ZodString = form(
  TAG,
  "a tag name",
  "pump1.run (lower case words joined by dots)",
).max(64, "this name is too long\n64 characters are enough");
export const state: z.ZodString = form(STATE, "a state", "LOCAL (upper case)");
export const ruleId: z.ZodString = form("[A-Z]{1,4}-[0-9]{1,4}", "an id", "P-01");
export const duration: z.ZodString = form(TIME, "a duration", "500 ms, 2 s, 15 min or 8 h");
export const span: z.ZodString = form(
  String.raw`${NUMBER} ?\.\. ?${NUMBER}(?: ?${UNIT})?`,
  "a range",
  "25..50 Hz",
);
export const perTime: z.ZodString = form(String.raw`\d{1,6} per ${TIME}`, "a budget", "6 per 1 h");
export const denials: z.ZodString = form(
  String.raw`\d{1,6} denials per ${TIME}`,
  "a limit of denials",
  "20 denials per 1 min",
);
export const drift: z.ZodString = form(
  String.raw`${NUMBER}(?: ?${UNIT})? per ${TIME}`,
  "a drift limit",
  "20 Hz per 10 min",
);
export const tagAddress: z.ZodString = form(
  String.raw`[a-z][a-z0-9_-]{0,39} ${PLACE}`,
  "an address",
  "plc hr 41 u16, plc hr 40.0 (one bit) or plc co 0",
);
export const deviceAddress: z.ZodString = form(
  PLACE,
  "an address on this device",
  "ir 99 u16 (the device is not named again)",
);
export const readRange: z.ZodString = form(
  String.raw`${TABLE} \d{1,5}(?:\.\.\d{1,5})?`,
  "a range of registers",
  "ir 100..149",
);
export const quantity: z.ZodUnion<[z.ZodString, z.ZodNumber]> = z.union([
  form(String.raw`${NUMBER}(?: ?${UNIT})?`, "a quantity", "5 Hz"),
  z.number(),
]);
export const text: z.ZodString = z
  .string()
  .min(1, "this is empty\nsay it in a few words")
  .max(500, "this is too long\n500 characters are enough");
/** A condition. YAML makes a lone TRUE a truth value before it can be one of ours. */
export const condition: z.ZodUnion<[z.ZodString, z.ZodBoolean]> = z.union([
  z.string().min(1, "an empty condition\nwrite TRUE or FALSE if that is meant"),
  z.boolean(),
]);
/** A value of an output: TRUE, 25 Hz, a state's name. */
export const value: z.ZodUnion<[z.ZodString, z.ZodNumber, z.ZodBoolean]> = z.union([
  z.string(),
  z.number(),
  z.boolean(),
]);
export const assignment: z.ZodString = form(
  String.raw`${TAG} = \S.*`,
  "a write",
  "pump1.run = FALSE",
);
export const subject: z.ZodString = form(
  String.raw`\*|${TAG}(?: = \S.*)?`,
  "something a rule can be for",
  'pump1.run = TRUE, pump1.speed or "*"',
);
/** Names by raw number: a list counts from 0. */
export const states: z.ZodUnion<[z.ZodArray<z.ZodString>, z.ZodRecord<z.ZodString, z.ZodString>]> =
  z.union([
    z.array(state).min(1).max(256),
    z.record(form(String.raw`\d{1,5}`, "a raw number", "{0: OFF, 1: ON}"), state),
  ]);
export const shaped = (pattern: RegExp, what: string, example: string): z.ZodString =>
  z.string().regex(pattern, `this is not ${what}\nwrite it like  ${example}`);
export const count = (most: number): z.ZodNumber =>
  z
    .int("this is not a whole number\nwrite it like  2")
    .min(1, "this must be at least 1")
    .max(most, `this is more than ${most}`);

export const PROOF: RegExp = whole(
  String.raw`none|readback(?: ${NUMBER}(?: ?${UNIT})?)? within ${TIME}|feedback ${TAG} within ${TIME}`,
);
export const DRIVE: RegExp = whole(String.raw`level|toggle|pulse ${TIME}`);
export const RESET: RegExp = whole(String.raw`manual|auto after ${TIME}`);
export const BEAT: RegExp = whole(String.raw`register \d{1,3}:\d{1,5}|command|topic|signed`);
export const FROZEN: RegExp = whole(String.raw`${TIME}(?: unless [^]+)?`);
export const FOREIGN_KEY: RegExp = whole(`in ${STATE}|else`);
