import { describe, expect, it } from "vitest";
import { BAD_ACTS, DEMO_SCHEDULE, GOOD_SCHEDULE } from "../../simulators/ai-controller/acts.js";
import { createController } from "../../simulators/ai-controller/controller.js";
import type { JournalEntry } from "../../simulators/lift-station/journal.js";
import { createLiftStation } from "../../simulators/lift-station/station.js";
import type { DecisionBody } from "../../src/kernel/record/entry.js";
import { GuardedStation, loadStationProfile } from "./guarded-station.js";

const S = 1_000_000;
/** The last four were never used while plant, profile and controller were made. */
const SEEDS = [1, 42, 90_411, 3_141_593, 8_675_309, 271_828_183] as const;
const profile = loadStationProfile();

describe.each(SEEDS)("seed %i, with the kernel between controller and plant", (seed) => {
  it("refuses or clamps every bad act for its own reason, and the plant meets no hazard for 2,000 s after [HP-100] [HP-102]", () => {
    const controller = createController(seed, DEMO_SCHEDULE);
    const guarded = new GuardedStation(
      profile,
      createLiftStation({ seed, looseTerminal: true }),
      controller,
    );
    guarded.run(200 * S);
    expect(controller.isDead()).toBe(true);
    expect(controller.records().filter((record) => !record.asExpected)).toEqual([]);
    for (const act of BAD_ACTS) {
      const stopped = controller
        .records()
        .filter(({ outcome, why }) => outcome.kind === "exception" || why?.verdict === "clamp");
      expect(stopped.filter((record) => record.act === act).length, act).toBeGreaterThan(0);
    }
    expect(controller.records().some(({ why }) => why?.reason === "suspended")).toBe(true);
    expect(controller.tally().granted).toBeGreaterThanOrEqual(8);
    expect(controller.tally().refused).toBe(0);
    expect(guarded.station.hazards()).toEqual([]);

    guarded.run(2_000 * S);
    expect(guarded.station.hazards()).toEqual([]);
    expect(guarded.station.mode()).toBe("LOCAL");
    expect(guarded.station.program().rule).toBe("floats");
    expect(guarded.mode).toBe("safe-state");
  });

  it("leaves in the PLC's own journal what was released, all of it and nothing else [HP-103]", () => {
    const controller = createController(seed, DEMO_SCHEDULE);
    const station = createLiftStation({ seed, looseTerminal: true });
    const guarded = new GuardedStation(profile, station, controller);
    guarded.run(260 * S);
    const decisions = guarded.decisions().filter(({ verdict }) => verdict !== "hold");
    const released = decisions.map(writtenBy).filter((write) => write !== "");
    expect(decisions.length - released.length).toBeGreaterThan(10);
    const own = new Set(
      guarded.records.flatMap(({ body }) =>
        body.type === "safe-step" ? [`${body.output}=${body.given}`] : [],
      ),
    );
    const journal = station.journal.entries().map(seenBy);
    const commanded = journal.filter((write) => !write.split(" ").some((part) => own.has(part)));
    expect(journal.length).toBeGreaterThan(commanded.length);
    const others = released.filter((write) => !write.split(" ").some((part) => own.has(part)));
    expect(others.length).toBeGreaterThan(5);
    expect(commanded).toEqual(others);
    for (const write of journal) {
      const isOwn = write.split(" ").some((part) => own.has(part));
      expect(isOwn || released.includes(write), write).toBe(true);
    }
  });

  it("lets the sound controller work for an hour, and grants nearly all of it", () => {
    const controller = createController(seed, GOOD_SCHEDULE);
    const guarded = new GuardedStation(profile, createLiftStation({ seed }), controller);
    guarded.run(3_600 * S);
    expect(guarded.station.hazards()).toEqual([]);
    expect(guarded.mode).toBe("enforcing");
    expect(guarded.latched).toEqual([]);
    const { granted, refused } = controller.tally();
    expect(granted).toBeGreaterThan(0);
    expect(refused).toBeLessThanOrEqual(granted / 10);
  });
});

/** What a decision released, as `output=raw` of each output; empty: nothing. */
function writtenBy({ verdict, writes }: DecisionBody): string {
  if (verdict === "deny" || writes instanceof Uint8Array) return "";
  return writes
    .flatMap(({ output, given }) => (given === null ? [] : [`${output}=${given}`]))
    .sort()
    .join(" ");
}

/** The same of what the PLC received. */
function seenBy({ table, address, words }: JournalEntry): string {
  return profile.model.outputs
    .flatMap(({ at }, output) => {
      const word = at.table === table ? words[at.register - address] : undefined;
      if (word === undefined) return [];
      return [`${output}=${at.bit === null ? word : (word >>> at.bit) & 1}`];
    })
    .sort()
    .join(" ");
}
