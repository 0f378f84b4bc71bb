import type { Us } from "../../kernel/units.js";
import type { DiskRoom } from "../ports.js";
import type { GrowthRate } from "./growth.js";

/** What the site says about the disk under the log. */
export type SpacePolicy = {
  /** Kept back for safe acts, denials and the shutdown. */
  readonly reserveBytes: number;
  /** From here on no new permits. */
  readonly highWaterPercent: number;
  /** Older segments are deleted; null: none are for their age. */
  readonly keepUs: Us | null;
  /** `stop`: no permits; `drop-oldest`: segments are deleted before that comes. */
  readonly whenFull: "stop" | "drop-oldest";
  /** Bytes that the flash may be written with in its life; null: nobody said. */
  readonly tbwBytes: number | null;
};

/** Percent below the high-water mark: where segments begin to be dropped, and where permits come back. */
const MARGIN_PERCENT = 2;
/** With less than this left a single group might not fit. */
const FREE_LEAST_BYTES = 1024 * 1024;

export function usedPercent({ usedBytes, freeBytes }: DiskRoom): number {
  const all = usedBytes + freeBytes;
  return all > 0 ? (usedBytes / all) * 100 : 100;
}

/** Why no permit may be given on such a disk; null: there is room. A mark once passed is left only by a margin. */
export function judgeRoom(
  policy: SpacePolicy,
  room: DiskRoom,
  held: { readonly reservedBytes: number; readonly isWithheld: boolean },
): string | null {
  const { highWaterPercent, reserveBytes } = policy;
  const used = usedPercent(room);
  const mark = held.isWithheld ? highWaterPercent - MARGIN_PERCENT : highWaterPercent;
  // Not a number, and so on: only a disk that surely has room has it.
  if (!(used < mark)) {
    return `the evidence disk is ${used.toFixed(1)} % full, and permits stop at ${highWaterPercent} %`;
  }
  const missing = Math.max(0, reserveBytes - held.reservedBytes);
  if (!(room.freeBytes >= missing + FREE_LEAST_BYTES)) {
    return `the evidence disk has ${sizeText(room.freeBytes)} left, less than its reserve of ${sizeText(reserveBytes)} needs`;
  }
  return null;
}

/** Whether the oldest segment should go to make room, before permits have to stop. */
export function wantsRoom(policy: SpacePolicy, room: DiskRoom): boolean {
  return (
    policy.whenFull === "drop-oldest" &&
    !(usedPercent(room) < policy.highWaterPercent - MARGIN_PERCENT)
  );
}

/** Until the high-water mark, at this rate; null: not known, or it does not grow. */
export function daysLeft(policy: SpacePolicy, room: DiskRoom, rate: GrowthRate): number | null {
  const { bytesPerDay } = rate;
  if (bytesPerDay === null || bytesPerDay <= 0) return null;
  const mark = ((room.usedBytes + room.freeBytes) * policy.highWaterPercent) / 100;
  return Math.max(0, (mark - room.usedBytes) / bytesPerDay);
}

/** Days left at which people are told. */
export const DAY_MARKS = [30, 7, 1] as const;
const LEAVE_FACTOR = 1.25;

/** The lowest mark that is reached; null: none. One that was reached is left only well above it. */
export function dayMark(days: number | null, before: number | null): number | null {
  if (days === null) return null;
  const reached = DAY_MARKS.filter((mark) => days <= mark).at(-1) ?? null;
  if (before === null || (reached !== null && reached <= before)) return reached;
  return days <= before * LEAVE_FACTOR ? before : reached;
}

/**
 * What a group costs the flash beside its own bytes: the rest of its last page, the file's length and the journal
 * of the file system. Between 8 and 32 kB, by the size of the group and the file system.
 */
const GROUP_FLASH_BYTES = 16 * 1024;
const DAYS_A_YEAR = 365.25;

export type Wear = {
  readonly tbwBytes: number;
  /** Null: not known yet. */
  readonly physicalBytesPerDay: number | null;
  /** Of a disk that is new today. */
  readonly yearsLeft: number | null;
};

export function wearOf({ tbwBytes }: SpacePolicy, rate: GrowthRate): Wear | null {
  if (tbwBytes === null) return null;
  const { bytesPerDay, groupsPerDay } = rate;
  if (bytesPerDay === null || groupsPerDay === null) {
    return { tbwBytes, physicalBytesPerDay: null, yearsLeft: null };
  }
  const physicalBytesPerDay = bytesPerDay + groupsPerDay * GROUP_FLASH_BYTES;
  const yearsLeft = physicalBytesPerDay > 0 ? tbwBytes / physicalBytesPerDay / DAYS_A_YEAR : null;
  return { tbwBytes, physicalBytesPerDay, yearsLeft };
}

/** Decimal, as disks are sold. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? "B"}`;
}
