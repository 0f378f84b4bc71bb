import { describe, expect, it } from "vitest";
import { HELD_VALUES } from "../../../../src/kernel/bounds.js";
import { gatherFacts } from "../../../../src/kernel/decide/gather-facts.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import { initialState } from "../../../../src/kernel/state/fold.js";
import { adoptedNotice } from "../../../../src/kernel/state/notices.js";
import type { FoldedState } from "../../../../src/kernel/state/state.js";
import {
  append,
  boot,
  decision,
  EMPTY_LOOK,
  leaseEntry,
  outcome,
  safeStep,
  tripEntry,
} from "../../../support/entries.js";
import { askFor, goodImage } from "../../../support/judging.js";
import { buildModel, CONTROLLERS, hz, OUT } from "../../../support/model.js";

const profile = compileProfile(buildModel());
const S = 1_000_000;
const start = append(
  profile,
  initialState(profile),
  [0, boot(1)],
  [1 * S, adoptedNotice(OUT.speed1, hz(30), 1 * S)],
  [1 * S, adoptedNotice(OUT.valve, 1, 1 * S)],
  [1 * S, adoptedNotice(OUT.run1, 0, 1 * S)],
  [1 * S, adoptedNotice(OUT.run2, 0, 1 * S)],
  [1 * S, leaseEntry("gained", 5 * S)],
);
const speed = (state: FoldedState): FoldedState["outputs"][number] | undefined =>
  state.outputs[OUT.speed1];
const ai = (state: FoldedState): FoldedState["controllers"][number] | undefined =>
  state.controllers[CONTROLLERS.ai];

const permitted = append(profile, start, [10 * S, decision(1, [[OUT.speed1, hz(35)]])]);

describe("leases", () => {
  it("are gained, sampled, and end by lapse, revocation and suspension", () => {
    expect(ai(start)?.lease).toMatchObject({ beatUs: 1 * S });
    const sampled = append(profile, start, [10 * S, leaseEntry("sampled", 4 * S)]);
    expect(ai(sampled)?.lease).toMatchObject({ beatUs: 9 * S, gainSeq: ai(start)?.lease?.gainSeq });
    const tooMuch = append(profile, start, [10 * S, leaseEntry("sampled", 9 * S)]);
    expect(ai(tooMuch)?.lease?.beatUs).toBe(10 * S);
    for (const event of ["lapsed", "revoked", "suspended"] as const) {
      expect(ai(append(profile, start, [10 * S, leaseEntry(event, 60 * S)]))?.lease).toBeNull();
    }
    const suspended = append(profile, start, [10 * S, leaseEntry("suspended", 60 * S)]);
    expect(ai(suspended)?.suspendedUntilUs).toBe(70 * S);
    expect(
      append(profile, start, [10 * S, leaseEntry("sampled", 1, "nobody")]).controllers,
    ).toEqual(start.controllers);
  });

  it("are not made by a sample alone", () => {
    const lapsed = append(profile, start, [10 * S, leaseEntry("lapsed", 0)]);
    expect(ai(append(profile, lapsed, [11 * S, leaseEntry("sampled", 4 * S)]))?.lease).toBeNull();
  });
});

describe("denials", () => {
  const deny = decision(1, [[OUT.speed1, null]], { verdict: "deny" });

  it("count for the suspend window, whole ones and floods", () => {
    const three = append(
      profile,
      start,
      [10 * S, deny],
      [20 * S, deny],
      [
        30 * S,
        {
          type: "flood",
          controller: "ai",
          output: null,
          rules: [],
          count: 17,
          firstUs: 0,
          lastUs: 1,
          least: null,
          most: null,
          digest: new Uint8Array(32),
        },
      ],
    );
    expect(ai(three)?.denials.map(({ count }) => count)).toEqual([1, 1, 17]);
    const later = append(profile, three, [80 * S, deny]);
    expect(ai(later)?.denials.map(({ count }) => count)).toEqual([17, 1]);
  });

  it("are not counted for a held command, nor kept without bound", () => {
    const held = append(profile, start, [10 * S, { ...deny, verdict: "hold" }]);
    expect(ai(held)?.denials).toEqual([]);
    const many = append(
      profile,
      start,
      ...Array.from({ length: 500 }, (_, n) => [10 * S + n, deny] as const),
    );
    expect(ai(many)?.denials).toHaveLength(20);
  });
});

describe("trips, modes, devices, profile", () => {
  it("latch in the order they fired, once each, until reset", () => {
    const both = append(
      profile,
      start,
      [10 * S, tripEntry("T-02", "fired-true")],
      [11 * S, tripEntry("T-01", "fired-unknown")],
      [12 * S, tripEntry("T-02", "fired-true")],
      [13 * S, tripEntry("T-02", "reset-refused")],
    );
    expect(both.latched.map(({ id }) => id)).toEqual(["T-02", "T-01"]);
    expect(
      append(profile, both, [14 * S, tripEntry("T-02", "reset")]).latched.map(({ id }) => id),
    ).toEqual(["T-01"]);
    expect(append(profile, start, [10 * S, tripEntry("T-77", "fired-true")]).latched).toMatchObject(
      [{ trip: -1 }],
    );
  });

  it("follow their entries", () => {
    const state = append(
      profile,
      start,
      [10 * S, { type: "mode", from: "starting", to: "enforcing", why: "", look: null }],
      [11 * S, { type: "device", device: "plc", event: "up", detail: null }],
      [12 * S, { type: "device", device: "plc", event: "slow", detail: null }],
      [13 * S, { type: "device", device: "nobody", event: "down", detail: null }],
    );
    expect([state.mode, state.devices[0]?.condition]).toEqual(["enforcing", "up"]);
  });

  it("end the profile at expiry unless it says alarm", () => {
    const expired = {
      type: "profile",
      digest: new Uint8Array(32).fill(7),
      bytes: null,
      signatures: [],
      event: "expired",
      previous: null,
      proof: null,
      why: null,
    } as const;
    expect(append(profile, start, [10 * S, expired]).profileValid).toBe(true);
    const strict = compileProfile(
      buildModel({ valid: { fromUtcUs: 0, untilUtcUs: 1, atExpiry: "holding" } }),
    );
    expect(append(strict, start, [10 * S, expired]).profileValid).toBe(false);
    expect(
      append(strict, start, [10 * S, { ...expired, digest: new Uint8Array(32) }]).profileValid,
    ).toBe(true);
  });
});

describe("safe steps", () => {
  it("plan the value while it is on its way, and prove it when read back", () => {
    const sent = append(
      profile,
      permitted,
      [11 * S, safeStep(OUT.speed1, hz(25), "sent")],
      [12 * S, safeStep(OUT.speed1, hz(25), "sent")],
      [12 * S, safeStep(OUT.speed1, hz(25), "failed")],
      [12 * S, safeStep(OUT.speed1, hz(25), "late")],
    );
    expect(speed(sent)?.planned.map(({ raw }) => raw)).toEqual([hz(35), hz(25)]);
    const proven = append(profile, sent, [
      13 * S,
      safeStep(OUT.speed1, hz(25), "proven", hz(25) + 1),
    ]);
    expect(speed(proven)).toMatchObject({ proven: { raw: hz(25) + 1 }, planned: [] });
  });

  it("never grow without bound, and never make the reachable values fewer than they are", () => {
    const steps = Array.from(
      { length: 100 },
      (_, n) => [11 * S, safeStep(OUT.speed1, 3000 - n, "sent")] as const,
    );
    const raws = speed(append(profile, permitted, ...steps))?.planned.map(({ raw }) => raw) ?? [];
    expect(raws.length).toBeLessThanOrEqual(16);
    expect([Math.min(...raws), Math.max(...raws)]).toEqual([2901, hz(35)]);
  });
});

describe("what is kept", () => {
  it("is bounded by windows for charges", () => {
    const steps = Array.from({ length: 300 }, (_, n) => [
      [10 * S + n * S, decision(n, [[OUT.speed1, 3000 + n]])] as const,
      [10 * S + n * S + 1, outcome(n, "done")] as const,
    ]).flat();
    const state = append(profile, start, ...steps);
    expect(speed(state)?.permits.length).toBeLessThanOrEqual(61);
    expect(state.open).toEqual([]);
    expect(speed(state)?.held.length).toBe(300);
  });

  it("is a full history for drift, or drift is unknown", () => {
    const flips = Array.from(
      { length: HELD_VALUES + 50 },
      (_, n) => [10 * S + n, adoptedNotice(OUT.speed1, 3000 + (n % 2), 0)] as const,
    );
    const state = append(profile, start, ...flips);
    expect(speed(state)?.held.length).toBeLessThanOrEqual(HELD_VALUES + 1);
    const view = { image: goodImage(), state, nowUs: 11 * S };
    const look = gatherFacts(profile, view, askFor([[OUT.speed1, 3000]]), null);
    expect(look.kernel.find(({ kind }) => kind === "drift-base")?.value).toBeNull();
    const later = append(profile, state, [700 * S, adoptedNotice(OUT.speed1, 2500, 0)]);
    expect(speed(later)?.held).toHaveLength(2);
  });

  it("shares what an entry does not change", () => {
    expect(permitted.outputs[OUT.valve]).toBe(start.outputs[OUT.valve]);
    expect(permitted.latched).toBe(start.latched);
    expect(append(profile, start, [9 * S, { type: "clock", stepUs: 1, quality: 1 }]).outputs).toBe(
      start.outputs,
    );
    expect(EMPTY_LOOK.kernel).toEqual([]);
  });
});
