import { describe, expect, it } from "vitest";
import { Recollection } from "../../../src/guard/recollect.js";
import { compileProfile } from "../../../src/kernel/profile/compile.js";
import type { EntryBody } from "../../../src/kernel/record/entry.js";
import { boot, decision, idOf, outcome, tripEntry } from "../../support/entries.js";
import { buildModel, hz, OUT } from "../../support/model.js";

const profile = compileProfile(buildModel());
/** What a run left behind under a profile that is not the one in force now. */
function recollect(...bodies: readonly EntryBody[]): ReturnType<Recollection["finish"]>["state"] {
  const recollection = new Recollection(profile);
  const stranger = boot(1, { profile: new Uint8Array(32).fill(99) });
  [stranger, ...bodies].forEach((body, seq) => {
    recollection.visitor.entry({ seq, monoUs: seq * 1_000, cause: null, body });
  });
  return recollection.finish(null).state;
}

describe("a past under another profile", () => {
  it("still owes an outcome to every permit it left open, and to no other", () => {
    const state = recollect(
      decision(1, [[OUT.speed1, hz(31)]]),
      decision(2, [[OUT.speed1, hz(32)]]),
      decision(3, [[OUT.speed1, null]], { verdict: "deny" }),
      decision(4, [[OUT.speed1, null]], { verdict: "hold" }),
      decision(5, [[OUT.speed1, null]]),
      decision(6, [[OUT.speed1, null]]),
      outcome(1, "done"),
      outcome(5, "no-change"),
    );
    expect(state.open.map(({ id }) => id)).toEqual([idOf(2), idOf(6)]);
  });

  it("keeps its trips latched until they are reset", () => {
    const fired = tripEntry("T-02", "fired-true");
    expect(recollect(fired).latched.map(({ id }) => id)).toEqual(["T-02"]);
    expect(recollect(fired, tripEntry("T-02", "reset-refused")).latched).toHaveLength(1);
    expect(recollect(fired, tripEntry("T-02", "reset")).latched).toEqual([]);
  });
});
