import { describe, expect, it } from "vitest";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import { initialState } from "../../../../src/kernel/state/fold.js";
import { adoptedNotice } from "../../../../src/kernel/state/notices.js";
import {
  isSnapshotFor,
  type Plain,
  restoreState,
  snapshotState,
} from "../../../../src/kernel/state/snapshot.js";
import {
  append,
  boot,
  decision,
  leaseEntry,
  outcome,
  tripEntry,
} from "../../../support/entries.js";
import { charges, readyState, withControllerState } from "../../../support/judging.js";
import { buildModel, CONTROLLERS, hz, OUT } from "../../../support/model.js";

const profile = compileProfile(buildModel());
const busy = append(
  profile,
  withControllerState(readyState(profile), CONTROLLERS.ai, {
    lease: { gainSeq: 3, beatUs: -5 },
    suspendedUntilUs: 77,
    clamps: charges(1, 2),
    denials: [{ atUs: 3, count: 4 }],
  }),
  [1, decision(1, [[OUT.speed1, hz(36)]])],
  [
    2,
    decision(2, [
      [OUT.run1, 0],
      [OUT.run2, 1],
    ]),
  ],
  [3, outcome(1, "unknown")],
  [4, tripEntry("T-01", "fired-true")],
  [5, adoptedNotice(OUT.speed2, hz(40), 4)],
);

describe("a snapshot", () => {
  it("restores exactly what it was taken from", () => {
    const states = [
      initialState(profile),
      readyState(profile),
      busy,
      append(profile, busy, [9, boot(2)], [10, leaseEntry("gained", 1)]),
    ];
    for (const state of states) {
      const restored = restoreState(profile, snapshotState(state));
      expect(restored).toEqual({ ok: true, state });
    }
  });

  it("is plain: no floats, no maps, nothing undefined", () => {
    const check = (plain: Plain): void => {
      if (typeof plain === "number") expect(Number.isSafeInteger(plain)).toBe(true);
      else if (isList(plain)) plain.forEach(check);
      else
        expect(plain === null || typeof plain !== "object" || plain instanceof Uint8Array).toBe(
          true,
        );
    };
    check(snapshotState(busy));
  });

  it("is refused, with the place, wherever anything in it is of another kind", () => {
    const whole = snapshotState(busy);
    let refused = 0;
    for (const broken of mutants(whole)) {
      const restored = restoreState(profile, broken);
      if (!restored.ok) {
        refused += 1;
        expect(restored.fault).not.toBe("");
      }
    }
    expect(refused).toBeGreaterThan(120);
  });

  it("of another kernel semantics, or of a profile with other tags, is refused", () => {
    const plain = snapshotState(busy);
    if (!isList(plain)) throw new Error("a snapshot is a list");
    expect(restoreState(profile, [2, ...plain.slice(1)])).toMatchObject({ ok: false });
    const smaller = compileProfile(buildModel({ controllers: [] }));
    expect(restoreState(smaller, plain)).toEqual({
      ok: false,
      fault: "controllers: 3 fields, not 0",
    });
    expect(restoreState(profile, null)).toMatchObject({ ok: false });
  });

  it("is for one profile and one semantics", () => {
    expect(isSnapshotFor(profile, { semantics: 1, profile: profile.model.digest })).toBe(true);
    expect(isSnapshotFor(profile, { semantics: 2, profile: profile.model.digest })).toBe(false);
    expect(isSnapshotFor(profile, { semantics: 1, profile: new Uint8Array(32) })).toBe(false);
  });
});

function isList(plain: Plain): plain is readonly Plain[] {
  return Array.isArray(plain);
}

/** The same data with one leaf replaced by a text, or one list cut short. */
function* mutants(plain: Plain): Generator<Plain> {
  if (!isList(plain)) {
    yield typeof plain === "string" ? 5 : "x";
    return;
  }
  if (plain.length > 0) yield plain.slice(1);
  for (let place = 0; place < plain.length; place += 1) {
    for (const part of mutants(plain[place] ?? null)) yield plain.with(place, part);
  }
}
