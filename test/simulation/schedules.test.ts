import { describe, expect, it } from "vitest";
import { runSchedule, type Counts } from "../support/schedule.js";
import { share } from "../support/share.js";
import { twoDevices } from "../support/two-devices.js";

const FIRST_SEED = 20_261_123;
const SCHEDULES = share(100_000, 2_000);

describe("commands in flight on two devices", () => {
  it(
    `reach no joint state that a rule forbids, in ${SCHEDULES} seeded schedules from ${FIRST_SEED} [HP-034]`,
    { timeout: 3_600_000 },
    () => {
      const profile = twoDevices();
      const total: Counts = {
        commands: 0,
        permits: 0,
        sent: 0,
        overlapping: 0,
        unknown: 0,
        late: 0,
        lost: 0,
        exceptions: 0,
        withdrawn: 0,
      };
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed += 1) {
        const { breaches, counts } = runSchedule(profile, seed);
        expect(breaches, `seed ${seed}`).toEqual([]);
        addTo(total, counts);
      }
      // A schedule in which nothing meets shows nothing.
      const each = (count: number): number => count / SCHEDULES;
      expect(each(total.sent)).toBeGreaterThan(3);
      expect(each(total.overlapping)).toBeGreaterThan(1);
      expect(each(total.unknown)).toBeGreaterThan(0.5);
      expect(each(total.late)).toBeGreaterThan(0.2);
      expect(each(total.withdrawn)).toBeGreaterThan(0.2);
      console.log(`schedules: ${SCHEDULES}, ${JSON.stringify(total)}`);
    },
  );
});

function addTo(total: Counts, counts: Counts): void {
  total.commands += counts.commands;
  total.permits += counts.permits;
  total.sent += counts.sent;
  total.overlapping += counts.overlapping;
  total.unknown += counts.unknown;
  total.late += counts.late;
  total.lost += counts.lost;
  total.exceptions += counts.exceptions;
  total.withdrawn += counts.withdrawn;
}
