import { PROOF_LONGEST_US } from "../kernel/profile/model.js";
import type { Address, ByteOrder, RawFormat, Table, Window } from "../kernel/profile/model.js";
import type { Us } from "../kernel/units.js";
import type { Complaint } from "./source.js";
import { suggestName } from "./suggestion.js";
import {
  convertDifference,
  convertPoint,
  findUnit,
  PLAIN,
  TEMPERATURE,
  unitCodes,
  unitsLike,
} from "./unit.js";
import type { Unit } from "./unit.js";

/** The small notations of a profile, from text that already has their form (schema-parts.ts) to values. */
export type Read<T> = { readonly value: T } | Complaint;

const US_PER: Readonly<Record<string, number>> = {
  ms: 1_000,
  s: 1_000_000,
  min: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};
const LONGEST_US: Us = 366 * 86_400_000_000;

/** `500 ms` to microseconds; whole ones, and at most a year. */
export function readDuration(text: string): Read<Us> {
  const parts = /^(\d+(?:\.\d+)?) ?(ms|s|min|h|d)$/.exec(text.trim());
  const us = Number(parts?.[1]) * (US_PER[parts?.[2] ?? ""] ?? NaN);
  const rounded = Math.round(us);
  if (Number.isNaN(us) || Math.abs(us - rounded) > 1e-6) {
    return { message: "a duration is a whole number of microseconds", hint: "500 ms, 2 s, 15 min" };
  }
  if (rounded > LONGEST_US) return { message: "longer than a year", hint: "366 d is the longest" };
  return { value: rounded };
}

/** A duration that must not be zero. */
export function readPeriod(text: string): Read<Us> {
  const read = readDuration(text);
  if ("value" in read && read.value === 0)
    return { message: "this must be longer than 0", hint: null };
  return read;
}

/** How long an answer or a proof may take. */
export function readProofTime(text: string): Read<Us> {
  const read = readPeriod(text);
  if (!("value" in read) || read.value <= PROOF_LONGEST_US) return read;
  const hint = "a permit that waits longer could not be told from one whose outcome was lost";
  return { message: `at most ${PROOF_LONGEST_US / 60_000_000} min`, hint };
}

/** More would have to be remembered one by one. */
const MOST_COUNTED = 10_000;

/** `6 per 1 h`, `20 denials per 1 min`. */
export function readWindow(text: string): Read<Window> {
  const parts = /^(\d+) (?:denials )?per (.+)$/.exec(text);
  const window = readPeriod(parts?.[2] ?? "");
  if ("message" in window) return window;
  const count = Number(parts?.[1]);
  if (!(count >= 1 && count <= MOST_COUNTED)) {
    return { message: `between 1 and ${MOST_COUNTED} can be counted`, hint: null };
  }
  return { value: { count, windowUs: window.value } };
}

export type Written = { readonly number: number; readonly unit: Unit };

/** `5 Hz`, `12`: a number and the unit it is written in. */
export function readQuantity(written: string | number): Read<Written> {
  if (typeof written === "number") return { value: { number: written, unit: PLAIN } };
  const parts = /^(-?\d+(?:\.\d+)?) ?(.*)$/.exec(written);
  const unit = readUnit(parts?.[2] ?? "");
  if ("message" in unit) return unit;
  return { value: { number: Number(parts?.[1]), unit: unit.value } };
}

function readUnit(code: string): Read<Unit> {
  const unit = findUnit(code);
  if (unit !== null) return { value: unit };
  const hint =
    suggestName(code, unitCodes()) ?? "units are written as in UCUM: m, bar, kPa, Hz, Cel, m3/h";
  return { message: `no unit is called '${code}'`, hint };
}

/** A quantity as a number in `unit`. `point`: on the scale; otherwise a difference or a size. */
export function readIn(
  written: string | number,
  unit: Unit,
  as: "point" | "difference",
): Read<number> {
  const read = readQuantity(written);
  return "message" in read ? read : convertWritten(read.value, unit, as);
}

function convertWritten(written: Written, unit: Unit, as: "point" | "difference"): Read<number> {
  const { number, unit: from } = written;
  if (from.dimension !== unit.dimension) return explainDimension(written, unit);
  if (as === "point") return { value: convertPoint(number, from, unit) };
  return { value: convertDifference(number, from, unit) };
}

function explainDimension({ number, unit: from }: Written, unit: Unit): Complaint {
  if (from.code === "") {
    return { message: "a number without a unit", hint: `write the unit: ${number} ${unit.code}` };
  }
  if (unit.code === "") {
    return {
      message: `a unit (${from.code}) where the tag has none`,
      hint: "the unit stands in eu:",
    };
  }
  const hint = `${unit.dimension} is measured in ${unitsLike(unit)}`;
  return { message: `${from.code} does not measure ${unit.dimension}`, hint };
}

/** `2 Hz/s`, `0.02 m/s`: change a second, in `unit` a second. */
export function readRate(written: string | number, unit: Unit): Read<number> {
  if (typeof written === "number") {
    return {
      message: "a rate without a unit",
      hint: `write it like  ${written} ${rateUnit(unit)}`,
    };
  }
  const parts = /^(-?\d+(?:\.\d+)?) ?(.*)\/(s|min|h)$/.exec(written);
  if (parts === null) {
    return { message: "this is not a rate", hint: `write it like  2 ${rateUnit(unit)}` };
  }
  const code = parts[2] ?? "";
  const from = readUnit(code === "1" ? "" : code);
  if ("message" in from) return from;
  const change = convertWritten({ number: Number(parts[1]), unit: from.value }, unit, "difference");
  if ("message" in change) return change;
  const seconds = (US_PER[parts[3] ?? ""] ?? NaN) / 1_000_000;
  return { value: change.value / seconds };
}

const rateUnit = (unit: Unit): string => `${unit.code === "" ? "1" : unit.code}/s`;

/** `20 Hz per 10 min`. */
export function readDrift(text: string, unit: Unit): Read<{ net: number; windowUs: Us }> {
  const [quantity = "", time = ""] = text.split(" per ");
  const net = readIn(quantity, unit, "difference");
  if ("message" in net) return net;
  const windowUs = readPeriod(time);
  return "message" in windowUs ? windowUs : { value: { net: net.value, windowUs: windowUs.value } };
}

export type WrittenSpan = { readonly low: number; readonly high: number; readonly unit: Unit };

/** `25..50 Hz`; the lower end first. */
export function readSpan(text: string): Read<WrittenSpan> {
  const parts = /^(-?\d+(?:\.\d+)?) ?\.\. ?(-?\d+(?:\.\d+)?) ?(.*)$/.exec(text);
  const unit = readUnit(parts?.[3] ?? "");
  if ("message" in unit) return unit;
  const low = Number(parts?.[1]);
  const high = Number(parts?.[2]);
  if (!(low < high))
    return { message: "the lower end comes first", hint: "write it like  25..50 Hz" };
  return { value: { low, high, unit: unit.value } };
}

/** A span in the tag's unit. */
export function readSpanIn(text: string, unit: Unit): Read<{ low: number; high: number }> {
  const span = readSpan(text);
  if ("message" in span) return span;
  const { low, high, unit: from } = span.value;
  const lowIn = convertWritten({ number: low, unit: from }, unit, "point");
  if ("message" in lowIn) return lowIn;
  const highIn = convertWritten({ number: high, unit: from }, unit, "point");
  return "message" in highIn ? highIn : { value: { low: lowIn.value, high: highIn.value } };
}

/** Temperatures differ in kelvin, everything else in its own unit. */
export function differenceUnit(unit: Unit): string {
  return unit.dimension === TEMPERATURE ? "K" : unit.code;
}

const ORDERS: ReadonlyMap<string, ByteOrder> = new Map(
  (["ABCD", "CDAB", "BADC", "DCBA"] as const).map((order) => [order, order]),
);
const FORMATS: ReadonlyMap<string, RawFormat> = new Map(
  (["u16", "i16", "u32", "i32", "f32"] as const).map((format) => [format, format]),
);
const TABLES: ReadonlyMap<string, Table> = new Map(
  (["co", "di", "ir", "hr"] as const).map((table) => [table, table]),
);

/** `hr 41 u16`, `hr 40.0`, `ir 12 f32 CDAB`, `co 0`, without the device's name. */
export function readAddress(text: string, device: number): Read<Address> {
  const [tableName = "", number = "", format, order] = text.split(" ");
  const table = TABLES.get(tableName);
  if (table === undefined) return { message: "no such table", hint: "co, di, ir or hr" };
  const [register = NaN, bit = null] = number.split(".").map(Number);
  if (!(register <= 65_535)) {
    return { message: "registers are numbered 0 to 65535", hint: "zero-based, as in the PDU" };
  }
  const isBit = table === "co" || table === "di";
  if (isBit || bit !== null) return readBitAddress({ device, table, register, bit }, isBit, format);
  return readWordAddress({ device, table, register, bit: null }, format, order);
}

type Place = Pick<Address, "device" | "table" | "register" | "bit">;

function readWordAddress(
  place: Place,
  format: string | undefined,
  order: string | undefined,
): Read<Address> {
  if (format === undefined) {
    return {
      message: "the format is missing",
      hint: "u16, i16, u32, i32 or f32 after the register",
    };
  }
  const known = FORMATS.get(format);
  if (known === undefined) {
    return { message: `${format} is not part of this release`, hint: "u16, i16, u32, i32 or f32" };
  }
  const words = known === "u16" || known === "i16" ? 1 : 2;
  if (words === 2 && order === undefined) {
    return { message: "the order of the four bytes is missing", hint: "ABCD, CDAB, BADC or DCBA" };
  }
  if (words === 1 && order !== undefined) {
    return { message: "a 16-bit value has no byte order", hint: "leave it out" };
  }
  if (place.register + words > 65_536) {
    return { message: "the value ends outside the table", hint: null };
  }
  return { value: { ...place, format: known, order: ORDERS.get(order ?? "") ?? "ABCD" } };
}

function readBitAddress(place: Place, isBit: boolean, format: string | undefined): Read<Address> {
  if (isBit && place.bit !== null) {
    return {
      message: `${place.table} holds bits already`,
      hint: `write  ${place.table} ${place.register}`,
    };
  }
  if (place.bit !== null && place.bit > 15) {
    return { message: "a register has bits 0 to 15", hint: "0 is the least significant" };
  }
  if (format !== undefined) return { message: "one bit has no format", hint: "leave it out" };
  return { value: { ...place, format: "bit", order: "ABCD" } };
}
