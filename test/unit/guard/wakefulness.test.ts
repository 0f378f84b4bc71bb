import { describe, expect, it } from "vitest";
import { Wakefulness } from "../../../src/guard/wakefulness.js";

/** One turn of the event loop. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("a loop that expects an answer", () => {
  it("stays awake for 150 us and then sleeps", async () => {
    let nowMs = 5;
    const wakefulness = new Wakefulness(() => nowMs);
    expect(wakefulness.awake).toBe(false);
    wakefulness.expect();
    nowMs += 0.14;
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(wakefulness.awake).toBe(true);
    nowMs += 0.02;
    await turn();
    expect(wakefulness.awake).toBe(false);
  });

  it("stays awake longer when one more is expected", async () => {
    let nowMs = 5;
    const wakefulness = new Wakefulness(() => nowMs);
    wakefulness.expect();
    nowMs += 0.14;
    wakefulness.expect();
    nowMs += 0.14;
    await turn();
    expect(wakefulness.awake).toBe(true);
    nowMs += 0.02;
    await turn();
    expect(wakefulness.awake).toBe(false);
  });

  it("sleeps after 1,000 turns though its clock stands still", async () => {
    const wakefulness = new Wakefulness(() => 5);
    wakefulness.expect();
    for (let turns = 0; turns < 990; turns += 1) await turn();
    expect(wakefulness.awake).toBe(true);
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(wakefulness.awake).toBe(false);
  });
});
