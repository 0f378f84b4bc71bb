import { describe, expect, it } from "vitest";
import { checkActs } from "../../../src/cli/demo-summary.js";

const ACTS = [{ act: "salami", dueS: 30, passes: false }];
const slice = { act: "salami", refused: false, asExpected: true, answer: "done" };
const refusal = { act: "salami", refused: true, asExpected: true, answer: "drift" };
const wrong = { act: "salami", refused: false, asExpected: false, answer: "done" };

describe("the demo's check of a bad act", () => {
  it("passes once it was refused for its own reason", () => {
    expect(checkActs(ACTS, [slice, refusal], 300)).toMatchObject([{ ok: true }]);
  });

  it("passes when the run ended before the act was due, or in the middle of it", () => {
    const said = [checkActs(ACTS, [], 20), checkActs(ACTS, [slice], 40)].flat();
    expect(said.map(({ ok, says }) => [ok, says])).toEqual([
      [true, "not reached in this time"],
      [true, "cut off by the end of the run"],
    ]);
  });

  it("gives an act that takes long until the next one is due, and no longer", () => {
    const acts = [...ACTS, { act: "flood", dueS: 90, passes: false }];
    expect(checkActs(acts, [], 80)).toMatchObject([
      { ok: true, says: "not reached in this time" },
      { ok: true, says: "not reached in this time" },
    ]);
    expect(checkActs(acts, [], 95)).toMatchObject([{ ok: false }, { ok: true }]);
  });

  it("fails when it was due long ago and never refused, never tried, or answered otherwise", () => {
    expect(checkActs(ACTS, [slice], 60)).toMatchObject([{ ok: false }]);
    expect(checkActs(ACTS, [], 60)).toMatchObject([{ ok: false }]);
    expect(checkActs(ACTS, [slice, wrong], 40)).toMatchObject([{ ok: false }]);
  });
});
