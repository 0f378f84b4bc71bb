import { readSegmentName } from "../../evidence/segment.js";
import type { EntryBody, NoticeValue } from "../../kernel/record/entry.js";
import type { Us } from "../../kernel/units.js";
import type { Clock, DiskRoom, EvidenceDisk, EvidenceSpace } from "../ports.js";
import { Growth, type GrowthRate } from "./growth.js";
import { ReserveFile } from "./reserve-file.js";
import { SegmentRetention, type RecordingLog } from "./segment-retention.js";
import {
  dayMark,
  daysLeft,
  judgeRoom,
  sizeText,
  usedPercent,
  wantsRoom,
  wearOf,
  type SpacePolicy,
  type Wear,
} from "./space.js";

export type SpaceWatchOptions = {
  readonly disk: EvidenceDisk & EvidenceSpace;
  readonly policy: SpacePolicy;
  readonly clock: Clock;
  readonly report: (text: string) => void;
};

/** What the watch works on, once there is a log and a guard. */
export type SpaceHooks = {
  readonly log: RecordingLog;
  /** Bytes and groups that reached the disk in this run. */
  readonly written: () => { readonly bytes: number; readonly groups: number };
  /** Not null: no permit from now on, and why; null: there is room again. */
  readonly withhold: (why: string | null) => void;
  readonly alarm: (raised: boolean, text: string) => void;
};

/** For people and programs; null where it is not known (yet). */
export type SpaceReport = {
  readonly usedBytes: number | null;
  readonly freeBytes: number | null;
  readonly usedPercent: number | null;
  readonly highWaterPercent: number;
  /** Of the log itself: the newest 4,096 segments at the start, and what came since. */
  readonly logBytes: number;
  readonly reserveBytes: number;
  readonly reservedBytes: number;
  /** Rate of the last week; null: less than an hour is known. */
  readonly bytesPerDay: number | null;
  readonly daysLeft: number | null;
  readonly wear: Wear | null;
  /** Why no permits are given; null: there is room. */
  readonly withheld: string | null;
  readonly retention: {
    readonly keepDays: number | null;
    readonly whenFull: SpacePolicy["whenFull"];
    /** In this run. */
    readonly dropped: number;
    readonly waits: string | null;
  };
};

const TICK_US: Us = 1_000_000;
/** So often the disk is asked, or sooner when the log has grown by so much. */
const LOOK_US: Us = 5_000_000;
const LOOK_BYTES = 4 * 1024 * 1024;
/** A disk that has not said for so long how full it is counts as full. */
const SILENT_US: Us = 60_000_000;
const SURVEY_MOST = 4_096;
const DAY_US = 86_400_000_000;

/**
 * Watches the disk under the log: keeps a reserve on it, stops permits before it is full, takes old segments away where
 * the site says so, and tells people how many days are left. Everything is asked of the disk beside the way of
 * commands, one thing at a time.
 */
export class SpaceWatch {
  readonly reserve: ReserveFile;
  private readonly options: SpaceWatchOptions;
  private readonly growth: Growth;
  private hooks: SpaceHooks | null = null;
  private retention: SegmentRetention | null = null;
  private room: DiskRoom | null = null;
  private withheld: string | null = null;
  private mark: number | null = null;
  private isSurveyed = false;
  private logBytes = 0;
  private counted = { bytes: 0, groups: 0 };
  private sinceLook = 0;
  private lookedUs: Us;
  private busySinceUs: Us | null = null;
  private cancel: (() => void) | null = null;

  constructor(options: SpaceWatchOptions) {
    const nowUs = options.clock.nowUs();
    this.options = options;
    this.reserve = new ReserveFile(options.disk, options.policy.reserveBytes);
    this.growth = new Growth(nowUs);
    this.lookedUs = nowUs;
  }

  /** The first look, before any permit: a disk that is too full, or does not say, gives none. Never rejects. */
  async start(hooks: SpaceHooks): Promise<void> {
    const { disk, policy, clock, report } = this.options;
    this.hooks = hooks;
    this.retention = new SegmentRetention({ disk, policy, clock, log: hooks.log, report });
    await this.guarded(async () => {
      await this.reserve.open();
      await this.look();
    });
    this.tick();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.hooks = null;
  }

  report(): SpaceReport {
    const { policy, clock } = this.options;
    const { room, retention, withheld } = this;
    const rate = this.growth.rate(clock.nowUs());
    return {
      usedBytes: room?.usedBytes ?? null,
      freeBytes: room?.freeBytes ?? null,
      usedPercent: room === null ? null : usedPercent(room),
      highWaterPercent: policy.highWaterPercent,
      logBytes: this.logBytes,
      reserveBytes: policy.reserveBytes,
      reservedBytes: this.reserve.heldBytes,
      bytesPerDay: rate.bytesPerDay,
      daysLeft: room === null ? null : daysLeft(policy, room, rate),
      wear: wearOf(policy, rate),
      withheld,
      retention: {
        keepDays: policy.keepUs === null ? null : policy.keepUs / DAY_US,
        whenFull: policy.whenFull,
        dropped: retention?.dropped ?? 0,
        waits: retention?.waits ?? null,
      },
    };
  }

  private tick(): void {
    const { clock } = this.options;
    if (this.hooks === null) return;
    const nowUs = clock.nowUs();
    this.cancel = clock.at(nowUs + TICK_US, () => {
      this.tick();
    });
    this.count(nowUs);
    if (this.busySinceUs !== null) {
      if (nowUs - this.busySinceUs > SILENT_US) this.decide("the evidence disk does not answer");
      return;
    }
    if (!this.isDue(nowUs)) return;
    this.busySinceUs = nowUs;
    this.guarded(async () => {
      await this.look();
      await this.survey();
    }).then(
      () => {
        this.busySinceUs = null;
      },
      () => undefined,
    );
  }

  private isDue(nowUs: Us): boolean {
    return (
      nowUs - this.lookedUs >= LOOK_US ||
      this.sinceLook >= LOOK_BYTES ||
      !this.isSurveyed ||
      !this.reserve.isWhole ||
      this.withheld !== null ||
      this.retention?.isBusy === true ||
      (this.room !== null && wantsRoom(this.options.policy, this.room))
    );
  }

  /** What the log grew by. No call to the disk. */
  private count(nowUs: Us): void {
    const now = this.hooks?.written() ?? this.counted;
    const grown = {
      bytes: now.bytes - this.counted.bytes,
      groups: now.groups - this.counted.groups,
    };
    this.counted = now;
    this.sinceLook += grown.bytes;
    this.logBytes += grown.bytes;
    this.growth.add(grown, nowUs);
  }

  private async look(): Promise<void> {
    const { disk, policy, clock } = this.options;
    this.lookedUs = clock.nowUs();
    this.sinceLook = 0;
    const room = await disk.room();
    this.room = room;
    const isWithheld = this.withheld !== null;
    const held = { reservedBytes: this.reserve.heldBytes, isWithheld };
    this.decide(judgeRoom(policy, room, held) ?? (await this.growReserve()));
    if (this.hooks === null) return;
    this.logBytes -= (await this.retention?.turn(room)) ?? 0;
    this.warn(room, this.growth.rate(clock.nowUs()));
  }

  /** A disk that says there is room and refuses the reserve (a quota) has none. */
  private async growReserve(): Promise<string | null> {
    try {
      await this.reserve.grow();
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `the evidence disk does not take its reserve: ${why}`;
    }
  }

  /** A disk that cannot be asked is one without room. */
  private async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.decide(`the evidence disk cannot be used: ${why}`);
    }
  }

  private decide(why: string | null): void {
    const { hooks, withheld } = this;
    if (hooks === null) return;
    this.withheld = why;
    if ((why === null) === (withheld === null)) return;
    hooks.log.record([notice([["withheld", why]])]);
    hooks.withhold(why);
  }

  private warn(room: DiskRoom, rate: GrowthRate): void {
    const { policy, report } = this.options;
    const { hooks } = this;
    const days = daysLeft(policy, room, rate);
    const mark = dayMark(days, this.mark);
    if (mark === this.mark || hooks === null) return;
    const isWorse = mark !== null && (this.mark === null || mark < this.mark);
    this.mark = mark;
    if (mark === null) {
      hooks.alarm(false, "");
      report("alarm evidence-space is over");
      return;
    }
    const perDay = sizeText(rate.bytesPerDay ?? 0);
    const then = policy.whenFull === "stop" ? "permits stop" : "the oldest segments are deleted";
    const left = Math.floor(days ?? 0);
    const text = `at ${perDay} a day the evidence disk is full in ${left} days: then ${then}`;
    hooks.alarm(true, text);
    report(`ALARM evidence-space: ${text}`);
    if (!isWorse) return;
    const details = [
      ["days-left", left],
      ["mark", mark],
      ["used-bytes", room.usedBytes],
      ["free-bytes", room.freeBytes],
      ["bytes-a-day", rate.bytesPerDay],
    ] as const;
    hooks.log.record([notice(details)]);
  }

  /** How the log grew before this run: bounded, newest first. */
  private async survey(): Promise<void> {
    const { disk, clock } = this.options;
    if (this.isSurveyed) return;
    this.isSurveyed = true;
    // What this run has written is counted on its own.
    let own = this.counted.bytes;
    const names = (await disk.list()).filter((name) => readSegmentName(name) !== null).sort();
    for (const name of names.toReversed().slice(0, SURVEY_MOST)) {
      const found = await disk.measure(name);
      if (found === null) continue;
      const bytes = Math.max(0, found.bytes - own);
      own = Math.max(0, own - found.bytes);
      this.logBytes += bytes;
      this.growth.remember(bytes, clock.utcUs() - found.changedUtcUs);
    }
  }
}

function notice(details: readonly (readonly [string, NoticeValue])[]): EntryBody {
  return { type: "notice", what: "space", details: new Map(details) };
}
