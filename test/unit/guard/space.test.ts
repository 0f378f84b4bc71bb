import { describe, expect, it } from "vitest";
import { describeSpace } from "../../../src/cli/status-space.js";
import { Growth } from "../../../src/guard/evidence/growth.js";
import {
  dayMark,
  daysLeft,
  judgeRoom,
  sizeText,
  wearOf,
  type SpacePolicy,
} from "../../../src/guard/evidence/space.js";

const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;
const GB = 1_000_000_000;
const POLICY: SpacePolicy = {
  reserveBytes: 64_000_000,
  highWaterPercent: 90,
  keepUs: 400 * DAY_US,
  whenFull: "stop",
  tbwBytes: 24_000 * GB,
};

describe("the rate of growth", () => {
  it("is unknown for an hour, then that of what was seen", () => {
    const growth = new Growth(0);
    growth.add({ bytes: 1_000_000, groups: 50 }, HOUR_US - 1);
    expect(growth.rate(HOUR_US - 1)).toEqual({ bytesPerDay: null, groupsPerDay: null });
    expect(growth.rate(HOUR_US)).toEqual({ bytesPerDay: 24_000_000, groupsPerDay: 1_200 });
  });

  it("knows of earlier runs by their segments, but not their groups", () => {
    const growth = new Growth(0);
    growth.remember(16_000_000, 2 * DAY_US);
    growth.remember(16_000_000, DAY_US);
    growth.remember(99_000_000, 8 * DAY_US);
    growth.remember(99_000_000, -HOUR_US);
    expect(growth.rate(0)).toEqual({ bytesPerDay: 16_000_000, groupsPerDay: null });
  });

  it("is of the last week alone, in memory that does not grow", () => {
    const growth = new Growth(0);
    for (let hour = 0; hour < 24 * 30; hour += 1) {
      growth.add({ bytes: hour < 24 * 22 ? 9_000_000 : 1_000_000, groups: 10 }, hour * HOUR_US);
    }
    const { bytesPerDay } = growth.rate(24 * 30 * HOUR_US - HOUR_US / 2);
    expect(bytesPerDay).toBeGreaterThan(23_500_000);
    expect(bytesPerDay).toBeLessThan(24_500_000);
  });
});

describe("room on the disk", () => {
  const held = { reservedBytes: 64_000_000, isWithheld: false };

  it("is there only where it surely is", () => {
    expect(judgeRoom(POLICY, { usedBytes: 89 * GB, freeBytes: 11 * GB }, held)).toBeNull();
    expect(judgeRoom(POLICY, { usedBytes: 90 * GB, freeBytes: 10 * GB }, held)).not.toBeNull();
    expect(judgeRoom(POLICY, { usedBytes: 0, freeBytes: 0 }, held)).not.toBeNull();
    expect(judgeRoom(POLICY, { usedBytes: NaN, freeBytes: GB }, held)).not.toBeNull();
    expect(judgeRoom(POLICY, { usedBytes: GB, freeBytes: NaN }, held)).not.toBeNull();
  });

  it("comes back a margin below where it ended", () => {
    const again = { ...held, isWithheld: true };
    expect(judgeRoom(POLICY, { usedBytes: 89 * GB, freeBytes: 11 * GB }, again)).not.toBeNull();
    expect(judgeRoom(POLICY, { usedBytes: 87 * GB, freeBytes: 13 * GB }, again)).toBeNull();
  });
});

describe("days left", () => {
  it("are those until permits stop", () => {
    const room = { usedBytes: 60 * GB, freeBytes: 40 * GB };
    expect(daysLeft(POLICY, room, { bytesPerDay: GB, groupsPerDay: null })).toBe(30);
    expect(daysLeft(POLICY, room, { bytesPerDay: null, groupsPerDay: null })).toBeNull();
    expect(daysLeft(POLICY, room, { bytesPerDay: 0, groupsPerDay: 0 })).toBeNull();
  });

  it("pass each mark once, and leave it well above it", () => {
    expect(dayMark(31, null)).toBeNull();
    expect(dayMark(30, null)).toBe(30);
    expect(dayMark(31, 30)).toBe(30);
    expect(dayMark(38, 30)).toBeNull();
    expect(dayMark(6.9, 30)).toBe(7);
    expect(dayMark(8, 7)).toBe(7);
    expect(dayMark(9, 7)).toBe(30);
    expect(dayMark(0, 7)).toBe(1);
    expect(dayMark(null, 7)).toBeNull();
  });
});

describe("wear of the flash", () => {
  it("counts 16 kB a group beside its bytes, and is unknown without groups", () => {
    const rate = { bytesPerDay: GB, groupsPerDay: 1_000_000 };
    const wear = wearOf(POLICY, rate);
    expect(wear?.physicalBytesPerDay).toBe(GB + 16_384_000_000);
    expect(wear?.yearsLeft).toBeCloseTo(24_000 / 17.384 / 365.25, 6);
    expect(wearOf(POLICY, { ...rate, groupsPerDay: null })?.yearsLeft).toBeNull();
    expect(wearOf({ ...POLICY, tbwBytes: null }, rate)).toBeNull();
  });
});

describe("the status of the disk", () => {
  const retention = { keepDays: 400, whenFull: "stop", dropped: 0, waits: null } as const;
  const report = {
    usedBytes: 60 * GB,
    freeBytes: 40 * GB,
    usedPercent: 60,
    highWaterPercent: 90,
    logBytes: 5 * GB,
    reserveBytes: 64_000_000,
    reservedBytes: 64_000_000,
    bytesPerDay: GB,
    daysLeft: 30.7,
    wear: wearOf(POLICY, { bytesPerDay: GB, groupsPerDay: 1_000_000 }),
    withheld: null,
    retention,
  } as const;

  it("is in plain words", () => {
    expect(describeSpace(report)).toEqual([
      ["disk", "60.0 GB used (60.0 %), 40.0 GB free, permits stop at 90 %; reserve 64.0 MB"],
      ["log", "5.0 GB; 1.0 GB a day, 30 days left; kept 400 days, when full: stop"],
      ["flash", "24.0 TB in its life; about 17.4 GB written a day, 3.8 years if it is new"],
    ]);
  });

  it("says what is not known", () => {
    const unknown = describeSpace({
      ...report,
      usedBytes: null,
      reservedBytes: 1_000_000,
      bytesPerDay: null,
      daysLeft: null,
      wear: { tbwBytes: 24_000 * GB, physicalBytesPerDay: null, yearsLeft: null },
      retention: { ...retention, keepDays: null, dropped: 3, waits: "so" },
    });
    expect(unknown).toEqual([
      ["disk", "how full it is, is not known; reserve 64.0 MB, 1.0 MB of it made"],
      [
        "log",
        "5.0 GB; days left: unknown yet (an hour of history is needed); kept for ever, when full: stop, 3 segments deleted in this run, the oldest segment stays: so",
      ],
      ["flash", "24.0 TB in its life; years left: unknown yet"],
    ]);
  });

  it("writes sizes as disks are sold", () => {
    expect([0, 999, 1_000, 15_300_000, 150_000_000].map(sizeText)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "15.3 MB",
      "150 MB",
    ]);
  });
});
