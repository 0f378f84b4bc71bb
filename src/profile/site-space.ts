import type * as z from "zod";
import { readPeriod, type Read } from "./notation.js";
import { shaped } from "./schema-parts.js";
import type { SiteSpace } from "./site-model.js";
import { complain, settle, type Source } from "./source.js";

/** A size as disks are sold: decimal. */
export const size: z.ZodString = shaped(
  /^\d{1,6}(?:\.\d{1,3})? ?(?:kB|MB|GB|TB|PB)$/,
  "a size",
  "64 MB",
);
export const percent: z.ZodString = shaped(/^\d{1,3} ?%$/, "a percentage", "90 %");

/** Keys of `evidence:` about the disk under the log, as written. */
export type WrittenSpace = {
  readonly reserve?: string | undefined;
  readonly high_water?: string | undefined;
  readonly retention?:
    { readonly keep?: string | undefined; readonly when_full?: WhenFull | undefined } | undefined;
  readonly storage?: { readonly tbw: string } | undefined;
};

type WhenFull = SiteSpace["whenFull"];

const MB = 1_000_000;
const RESERVE_LEAST = MB;
const RESERVE_MOST = 4_000 * MB;
const RESERVE_DEFAULT = 64 * MB;
const HIGH_WATER_DEFAULT = 90;
const DAY_US = 86_400_000_000;

/** The disk's part of a site file; null: something in it is wrong, and was said. */
export function readSpace(from: Source, written: WrittenSpace): SiteSpace | null {
  const { reserve, high_water, retention, storage } = written;
  const at = (...path: readonly string[]): readonly string[] => ["evidence", ...path];
  const reserveBytes =
    reserve === undefined ? RESERVE_DEFAULT : settle(from, at("reserve"), readReserve(reserve));
  const highWaterPercent =
    high_water === undefined
      ? HIGH_WATER_DEFAULT
      : settle(from, at("high_water"), readHighWater(high_water));
  const keep = retention?.keep;
  const keepUs = keep === undefined ? null : settle(from, at("retention", "keep"), readKeep(keep));
  if (retention !== undefined && Object.keys(retention).length === 0) {
    const hint = "keep: 400 d, when_full: stop";
    complain(from, at("retention"), { message: "retention says nothing", hint });
    return null;
  }
  if (reserveBytes === null || highWaterPercent === null) return null;
  if (keep !== undefined && keepUs === null) return null;
  return {
    reserveBytes,
    highWaterPercent,
    keepUs,
    whenFull: retention?.when_full ?? "stop",
    tbwBytes: storage === undefined ? null : readSize(storage.tbw),
  };
}

const UNITS: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 };

function readSize(text: string): number {
  const parts = /^([\d.]+) ?(\w+)$/.exec(text);
  return Math.round(Number(parts?.[1]) * (UNITS[parts?.[2] ?? ""] ?? NaN));
}

function readReserve(text: string): Read<number> {
  const bytes = readSize(text);
  if (bytes >= RESERVE_LEAST && bytes <= RESERVE_MOST) return { value: bytes };
  if (bytes > RESERVE_MOST)
    return { message: "more than a reserve needs", hint: "4 GB is the most" };
  return { message: "too little for safe acts and a shutdown", hint: "1 MB is the least" };
}

function readHighWater(text: string): Read<number> {
  const percents = Number.parseInt(text, 10);
  if (percents >= 10 && percents <= 99) return { value: percents };
  return { message: "permits must stop before the disk is full", hint: "from 10 % to 99 %" };
}

/** Longer than other durations may be. */
function readKeep(text: string): Read<number> {
  const days = /^(\d{1,5}) ?d$/.exec(text);
  const read = days === null ? readPeriod(text) : { value: Number(days[1]) * DAY_US };
  if ("message" in read || read.value >= DAY_US) return read;
  return {
    message: "evidence would be gone within a day",
    hint: "1 d is the least; 400 d is usual",
  };
}
