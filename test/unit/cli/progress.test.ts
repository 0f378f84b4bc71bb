import { describe, expect, it } from "vitest";
import { Progress } from "../../../src/cli/progress.js";

function start(isTTY: boolean): {
  readonly progress: Progress;
  readonly written: string[];
  readonly at: (ms: number) => void;
} {
  const written: string[] = [];
  let nowMs = 5_000;
  const sink = { isTTY, write: (text: string) => written.push(text) };
  const progress = new Progress(sink, 400_000_000, () => nowMs);
  const at = (ms: number): void => {
    nowMs = 5_000 + ms;
  };
  return { progress, written, at };
}

describe("progress of a long reading", () => {
  it("is not shown in the first second, and leaves nothing behind then", () => {
    const { progress, written, at } = start(true);
    at(999);
    progress.add(100);
    progress.end();
    expect(written).toEqual([]);
  });

  it("shows bytes done of all, the rate and the time left, and is erased", () => {
    const { progress, written, at } = start(true);
    at(2_000);
    progress.add(100_000_000);
    expect(written).toEqual([
      "\r\u001B[2K[#####...............] 25 %  100 of 400 MB  50 MB/s  0:06 left",
    ]);
    progress.end();
    expect(written.at(-1)).toBe("\r\u001B[2K");
  });

  it("is drawn at most five times a second", () => {
    const { progress, written, at } = start(true);
    for (let ms = 0; ms < 3_000; ms += 10) {
      at(ms);
      progress.add(1);
    }
    expect(written).toHaveLength(10);
  });

  it("stays at the whole where the log has grown meanwhile", () => {
    const { progress, written, at } = start(true);
    at(1_000);
    progress.add(500_000_000);
    expect(written[0]).toContain("[####################] 100 %");
    expect(written[0]).toContain("0:00 left");
  });

  it("writes nothing where no person sits", () => {
    const { progress, written, at } = start(false);
    at(60_000);
    progress.add(1_000);
    progress.end();
    expect(written).toEqual([]);
  });
});
