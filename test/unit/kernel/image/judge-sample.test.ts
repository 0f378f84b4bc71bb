import { describe, expect, it } from "vitest";
import { NEVER_READ, type Sample } from "../../../../src/kernel/image/image.js";
import { judgeSample, type Arrival } from "../../../../src/kernel/image/judge-sample.js";
import type { Input } from "../../../../src/kernel/profile/model.js";
import { input } from "../../../support/tags.js";

const SECOND = 1_000_000;
const level = (change: Partial<Input> = {}): Input => input("level", { kind: "number", ...change });
const arrival = (value: number, change: Partial<Arrival> = {}): Arrival => ({
  raw: 1,
  value,
  sentUs: SECOND,
  trusted: true,
  mayStandStill: () => false,
  ...change,
});
const good = (value: number, sentUs: number): Sample =>
  judgeSample(level(), NEVER_READ, arrival(value, { raw: value, sentUs }));

describe("a new sample", () => {
  it("is good where nothing speaks against it, and becomes the last good one", () => {
    expect(judgeSample(level(), NEVER_READ, arrival(2))).toEqual({
      raw: 1,
      quality: "good",
      sentUs: SECOND,
      lastGood: { value: 2, sentUs: SECOND },
      unchangedSinceUs: SECOND,
    });
  });

  it("is bad (device) from a device that is not up, whatever it says", () => {
    expect(judgeSample(level(), NEVER_READ, arrival(2, { trusted: false })).quality).toBe("device");
  });

  it("is bad (decode) when the words mean nothing or are not all there", () => {
    for (const change of [{ value: NaN }, { value: Infinity }, { value: null }, { raw: null }]) {
      expect(judgeSample(level(), NEVER_READ, arrival(2, change)).quality).toBe("decode");
    }
  });

  it("is bad (span) outside the span, good at its ends", () => {
    const tag = level({ span: { low: 0, high: 6 } });
    const judge = (value: number): string => judgeSample(tag, NEVER_READ, arrival(value)).quality;
    expect([judge(-0.001), judge(0), judge(6), judge(6.001)]).toEqual([
      "span",
      "good",
      "good",
      "span",
    ]);
  });

  it("is bad (implausible) outside what is plausible, good at its ends [HP-029 allows] [HP-029 refuses]", () => {
    const tag = level({ plausible: { low: 1, high: 5 } });
    const judge = (value: number): string => judgeSample(tag, NEVER_READ, arrival(value)).quality;
    expect([judge(0.999), judge(1), judge(5), judge(5.001)]).toEqual([
      "implausible",
      "good",
      "good",
      "implausible",
    ]);
  });

  it("is bad (rate) beyond max_rate x time + 2 x accuracy against the last good one", () => {
    const tag = level({ maxRatePerS: 1, accuracy: 0.5 });
    const last = good(2, SECOND);
    const judge = (value: number): string =>
      judgeSample(tag, last, arrival(value, { sentUs: 3 * SECOND })).quality;
    expect([judge(5), judge(5.001), judge(-1), judge(-1.001)]).toEqual([
      "good",
      "rate",
      "good",
      "rate",
    ]);
  });

  it("is measured against the last good one however many bad ones came between", () => {
    const tag = level({ maxRatePerS: 1, accuracy: 0 });
    const first = judgeSample(tag, good(2, SECOND), arrival(9, { raw: 9, sentUs: 2 * SECOND }));
    expect(first.quality).toBe("rate");
    const second = judgeSample(tag, first, arrival(9, { raw: 9, sentUs: 7 * SECOND }));
    expect(second.quality).toBe("rate");
    const third = judgeSample(tag, second, arrival(9, { raw: 9, sentUs: 8 * SECOND }));
    expect(third.quality).toBe("good");
  });

  it("is bad (frozen) when it stood still for the time, unless it may [HP-029 allows] [HP-029 refuses]", () => {
    const tag = level({ frozen: { afterUs: 10, unless: null } });
    const last = judgeSample(tag, NEVER_READ, arrival(2, { sentUs: 0 }));
    const judge = (change: Partial<Arrival>): string =>
      judgeSample(tag, last, arrival(2, change)).quality;
    expect(judge({ sentUs: 9 })).toBe("good");
    expect(judge({ sentUs: 10 })).toBe("frozen");
    expect(judge({ sentUs: 10, mayStandStill: () => true })).toBe("good");
    expect(judge({ sentUs: 10, raw: 2 })).toBe("good");
  });

  it("never gives its last good value for a bad one", () => {
    const bad = judgeSample(
      level({ span: { low: 0, high: 6 } }),
      good(2, 0),
      arrival(7, { raw: 7 }),
    );
    expect(bad).toMatchObject({ raw: 7, quality: "span", lastGood: { value: 2, sentUs: 0 } });
  });

  it("changes nothing when it is older than the one held", () => {
    const last = good(2, SECOND);
    expect(judgeSample(level(), last, arrival(3, { sentUs: SECOND - 1 }))).toBe(last);
  });
});
