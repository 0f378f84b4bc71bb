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
    expect(checkActs(ACTS, [], 20)).toMatchObject([
      { ok: true, says: expect.stringContaining("not reached") },
    ]);
    expect(checkActs(ACTS, [slice], 40)).toMatchObject([
      { ok: true, says: expect.stringContaining("cut off") },
    ]);
  });

  it("fails when it was due long ago and never refused, never tried, or answered otherwise", () => {
    expect(checkActs(ACTS, [slice], 60)).toMatchObject([{ ok: false }]);
    expect(checkActs(ACTS, [], 60)).toMatchObject([{ ok: false }]);
    expect(checkActs(ACTS, [slice, wrong], 40)).toMatchObject([{ ok: false }]);
  });
});
