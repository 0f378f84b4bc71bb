import { expect, it } from "vitest";
import { createRandom } from "../../../simulators/random.js";

function draw(seed: number, name: string, count: number): readonly number[] {
  const random = createRandom(seed, name);
  return Array.from({ length: count }, () => random.next());
}

it("gives the same stream for the same seed and name, and another for any other", () => {
  expect(draw(7, "a", 100)).toEqual(draw(7, "a", 100));
  expect(draw(7, "a", 100)).not.toEqual(draw(8, "a", 100));
  expect(draw(7, "a", 100)).not.toEqual(draw(7, "b", 100));
});

it("stays the stream it is: these are the first draws of seed 1", () => {
  expect(draw(1, "level a", 3).map((x) => x.toFixed(9))).toMatchInlineSnapshot(`
    [
      "0.279383936",
      "0.336717785",
      "0.157361372",
    ]
  `);
});

it("spreads over [0, 1) with the mean of a uniform draw", () => {
  const drawn = draw(42, "spread", 100_000);
  expect(Math.min(...drawn.slice(0, 1_000))).toBeGreaterThanOrEqual(0);
  expect(drawn.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(drawn.reduce((sum, x) => sum + x, 0) / drawn.length).toBeCloseTo(0.5, 2);
});

it("keeps the bell within +-1 and centred", () => {
  const random = createRandom(42, "bell");
  const drawn = Array.from({ length: 100_000 }, () => random.bell());
  expect(drawn.every((x) => Math.abs(x) <= 1)).toBe(true);
  expect(drawn.reduce((sum, x) => sum + x, 0) / drawn.length).toBeCloseTo(0, 2);
});
