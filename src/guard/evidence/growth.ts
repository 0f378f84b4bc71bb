import type { Us } from "../../kernel/units.js";

const HOUR_US: Us = 3_600_000_000;
const DAY_US: Us = 24 * HOUR_US;
/** So far back is remembered: a week. */
const HOURS = 168;
/** Less than this says nothing about days to come. */
const HISTORY_LEAST_US: Us = HOUR_US;

type Hour = { bytes: number; groups: number };

/** Null: not enough is known yet. */
export type GrowthRate = {
  readonly bytesPerDay: number | null;
  /** Groups are counted from the start of this run only. */
  readonly groupsPerDay: number | null;
};

/** How much the log grew in the last week, hour by hour: never more than so many numbers. */
export class Growth {
  private readonly hours = new Map<number, Hour>();
  private readonly startUs: Us;
  private oldestUs: Us;

  constructor(nowUs: Us) {
    this.startUs = nowUs;
    this.oldestUs = nowUs;
  }

  /** What a segment that is there already had when it was last written to. */
  remember(bytes: number, agoUs: Us): void {
    if (!(agoUs >= 0 && agoUs < HOURS * HOUR_US)) return;
    const atUs = this.startUs - agoUs;
    this.oldestUs = Math.min(this.oldestUs, atUs);
    this.hour(atUs).bytes += bytes;
  }

  add(grown: { readonly bytes: number; readonly groups: number }, nowUs: Us): void {
    const hour = this.hour(nowUs);
    hour.bytes += grown.bytes;
    hour.groups += grown.groups;
    const oldest = Math.floor(nowUs / HOUR_US) - HOURS;
    for (const index of this.hours.keys()) if (index <= oldest) this.hours.delete(index);
  }

  rate(nowUs: Us): GrowthRate {
    const week = nowUs - HOURS * HOUR_US;
    const hours = [...this.hours.values()];
    const bytes = hours.reduce((sum, hour) => sum + hour.bytes, 0);
    const groups = hours.reduce((sum, hour) => sum + hour.groups, 0);
    return {
      bytesPerDay: perDay(bytes, nowUs - Math.max(this.oldestUs, week)),
      groupsPerDay: perDay(groups, nowUs - Math.max(this.startUs, week)),
    };
  }

  private hour(atUs: Us): Hour {
    const index = Math.floor(atUs / HOUR_US);
    const hour = this.hours.get(index) ?? { bytes: 0, groups: 0 };
    this.hours.set(index, hour);
    return hour;
  }
}

function perDay(count: number, spanUs: Us): number | null {
  return spanUs < HISTORY_LEAST_US ? null : Math.round((count * DAY_US) / spanUs);
}
