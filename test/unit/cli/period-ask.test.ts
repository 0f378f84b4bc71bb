import { describe, expect, it } from "vitest";
import { readAsk } from "../../../src/cli/period-ask.js";

const NOON_US = Date.parse("2026-11-23T12:00:00Z") * 1000;

describe("what is asked to be proven", () => {
  it("is one entry, or a period by numbers with both its ends", () => {
    expect(readAsk({ seq: 0 })).toEqual({ kind: "entry", seq: 0 });
    expect(readAsk({ fromSeq: 0, toSeq: 0 })).toEqual({ kind: "numbers", from: 0, to: 0 });
  });

  it.each([
    ["2026-11-23T12:00Z", 0],
    ["2026-11-23T12:00:00Z", 0],
    ["2026-11-23T12:00:01Z", 1_000_000],
    ["2026-11-23T12:00:00.25Z", 250_000],
    ["2026-11-23T12:00:00.000001Z", 1],
  ] as const)("is a period from %s, to the microsecond", (from, us) => {
    const ask = readAsk({ from, to: "2026-11-23T13:00Z" });
    const hour = NOON_US + 3_600_000_000;
    expect(ask).toEqual({ kind: "times", fromUs: NOON_US + us, toUs: hour });
  });

  it("takes a day from its first microsecond in UTC to its last", () => {
    expect(readAsk({ from: "2026-11-23", to: "2026-11-23" })).toEqual({
      kind: "times",
      fromUs: NOON_US - 43_200_000_000,
      toUs: NOON_US + 43_200_000_000 - 1,
    });
  });

  it.each([
    "",
    "now",
    "2026",
    "2026-11",
    "2026-13-01",
    "2026-02-29",
    "2026-11-23T24:00Z",
    "2026-11-23T12:60Z",
    "2026-11-23T12:00:60Z",
    "2026-11-23T12:00",
    "2026-11-23T12:00:00",
    "2026-11-23T12:00+01:00",
    "2026-11-23 12:00Z",
    "2026-11-23T12:00:00.1234567Z",
    "2026-11-23Z",
    "#120",
  ])("refuses %j for a time, and says so", (text) => {
    expect(() => readAsk({ from: text, to: "2027-01-01" })).toThrow(/^--from .*(?:time|zone)/);
    expect(() => readAsk({ from: "2020-01-01", to: text })).toThrow(/^--to .*(?:time|zone)/);
  });
});
