import { describe, expect, it } from "vitest";
import { tellStatus, type StatusFacts } from "../../../src/guard/status.js";
import { Tally } from "../../../src/guard/tally.js";
import { OUT, Rig } from "../../support/kernel-rig.js";

const FACTS: StatusFacts = {
  site: "site",
  gateway: "gateway",
  split: "NOT ENFORCED",
  key: "file",
  pid: 1,
  head: () => ({ nextSeq: 0, durableSeq: -1, root: new Uint8Array(32), size: 0 }),
  flash: () => null,
  doors: () => [],
  space: () => ({
    usedBytes: null,
    freeBytes: null,
    usedPercent: null,
    highWaterPercent: 90,
    logBytes: 0,
    reserveBytes: 0,
    reservedBytes: 0,
    bytesPerDay: null,
    daysLeft: null,
    wear: null,
    withheld: null,
    retention: { keepDays: null, whenFull: "stop", dropped: 0, waits: null },
  }),
};

/** Whether the status of this kernel, told at `nowUs`, calls its first controller suspended. */
const isSuspended = ({ state, profile }: Rig, nowUs: number): boolean | undefined =>
  tellStatus(
    {
      state,
      model: profile.model,
      nowUs,
      alarms: new Map(),
      scans: () => ({ scans: 0, p50Us: 0, p99Us: 0, maxUs: 0 }),
      tally: new Tally(),
      strangers: 0,
    },
    FACTS,
  ).controllers[0]?.suspended;

describe("the status of a controller", () => {
  it("is suspended for as long as that lasts, and not for ever after", () => {
    const rig = new Rig().start();
    expect(isSuspended(rig, rig.nowUs)).toBe(false);
    for (let denials = 0; denials < 30; denials += 1) {
      rig.ask(OUT.local, 1);
      rig.nowUs += 1_000_000;
      rig.beat(denials + 2);
      rig.scan();
    }
    const untilUs = rig.state.folded.controllers[0]?.suspendedUntilUs ?? 0;
    expect(untilUs).toBeGreaterThan(rig.nowUs);
    expect(isSuspended(rig, untilUs - 1)).toBe(true);
    expect(isSuspended(rig, untilUs)).toBe(false);
    expect(rig.state.folded.controllers[0]?.suspendedUntilUs).toBe(untilUs);
  });
});
