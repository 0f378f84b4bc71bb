import { expect, it } from "vitest";
import { createJournal } from "../../../../simulators/lift-station/journal.js";

it("keeps the newest entries in order when the ring is full, and counts on", () => {
  const journal = createJournal(3);
  const seen: number[] = [];
  journal.onEntry((entry) => seen.push(entry.number));
  for (let value = 1; value <= 7; value++) {
    journal.note({
      plantUs: value,
      wallMs: null,
      function: 6,
      unit: 1,
      table: "hr",
      address: 60,
      words: [value],
      exception: null,
    });
    expect(journal.entries().map((entry) => entry.number)).toEqual(
      [value - 2, value - 1, value].filter((number) => number > 0),
    );
  }
  expect(journal.count()).toBe(7);
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
