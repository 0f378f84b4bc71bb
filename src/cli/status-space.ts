import { sizeText } from "../guard/evidence/space.js";
import type { SpaceReport } from "../guard/evidence/space-watch.js";

/** Rows of `holdpoint status` about the disk under the log. */
export function describeSpace(space: SpaceReport): readonly (readonly string[])[] {
  const { wear } = space;
  const rows = [
    ["disk", `${describeRoom(space)}; ${describeReserve(space)}`],
    ["log", `${sizeText(space.logBytes)}; ${describeGrowth(space)}; ${describeRetention(space)}`],
  ];
  return wear === null ? rows : [...rows, ["flash", describeWear(wear)]];
}

function describeRoom({ usedBytes, freeBytes, ...space }: SpaceReport): string {
  if (usedBytes === null || freeBytes === null || space.usedPercent === null) {
    return "how full it is, is not known";
  }
  const used = `${sizeText(usedBytes)} used (${space.usedPercent.toFixed(1)} %)`;
  return `${used}, ${sizeText(freeBytes)} free, permits stop at ${space.highWaterPercent} %`;
}

function describeReserve({ reserveBytes, reservedBytes }: SpaceReport): string {
  const whole = `reserve ${sizeText(reserveBytes)}`;
  return reservedBytes >= reserveBytes ? whole : `${whole}, ${sizeText(reservedBytes)} of it made`;
}

function describeGrowth({ bytesPerDay, daysLeft }: SpaceReport): string {
  if (bytesPerDay === null) return "days left: unknown yet (an hour of history is needed)";
  const rate = `${sizeText(bytesPerDay)} a day`;
  return daysLeft === null ? rate : `${rate}, ${Math.floor(daysLeft)} days left`;
}

function describeRetention({ retention }: SpaceReport): string {
  const { keepDays, whenFull, dropped, waits } = retention;
  const kept = keepDays === null ? "kept for ever" : `kept ${keepDays} days`;
  const gone = dropped === 0 ? "" : `, ${dropped} segments deleted in this run`;
  const stuck = waits === null ? "" : `, the oldest segment stays: ${waits}`;
  return `${kept}, when full: ${whenFull}${gone}${stuck}`;
}

function describeWear(wear: NonNullable<SpaceReport["wear"]>): string {
  const { tbwBytes, physicalBytesPerDay, yearsLeft } = wear;
  const all = `${sizeText(tbwBytes)} in its life`;
  if (physicalBytesPerDay === null) return `${all}; years left: unknown yet`;
  const years = yearsLeft === null ? "" : `, ${yearsLeft.toFixed(1)} years if it is new`;
  return `${all}; about ${sizeText(physicalBytesPerDay)} written a day${years}`;
}
