import { describe, expect, it } from "vitest";
import {
  createWatchdogBlock,
  scanWatchdogBlock,
} from "../../../../simulators/lift-station/watchdog-block.js";
import type { WatchdogBlock } from "../../../../simulators/lift-station/watchdog-block.js";

const SCAN = 100_000;

type Scan = { readonly beat: number; readonly reset?: boolean; readonly leaseMs?: number };

function scan(block: WatchdogBlock, scans: readonly Scan[]): WatchdogBlock {
  return scans.reduce(
    (now, { beat, reset = false, leaseMs = 2_000 }) =>
      scanWatchdogBlock(now, { beat, reset, leaseMs }, SCAN),
    block,
  );
}
function silence(beat: number, scans: number, leaseMs = 2_000): readonly Scan[] {
  return Array.from({ length: scans }, () => ({ beat, leaseMs }));
}

/** Counter 1, 2, 3, then the button. */
function armed(): WatchdogBlock {
  return scan(createWatchdogBlock(), [
    { beat: 1 },
    { beat: 2 },
    { beat: 3 },
    { beat: 4, reset: true },
  ]);
}

describe("arming", () => {
  it("arms on a reset edge after three good beats", () => {
    expect(armed().state).toBe("armed");
  });
  it("stays idle without the button, without the beats, and with the button held from before", () => {
    expect(
      scan(createWatchdogBlock(), [{ beat: 1 }, { beat: 2 }, { beat: 3 }, { beat: 4 }]).state,
    ).toBe("idle");
    expect(scan(createWatchdogBlock(), [{ beat: 1 }, { beat: 2, reset: true }]).state).toBe("idle");
    const held = [1, 2, 3, 4, 5].map((beat) => ({ beat, reset: true }));
    expect(scan(createWatchdogBlock(), held).state).toBe("idle");
  });
  it("never trips while idle, however long nobody beats", () => {
    expect(scan(createWatchdogBlock(), silence(0, 1_000)).state).toBe("idle");
  });
});

describe("beats", () => {
  it("takes one step for a beat, also over the wrap, and two where one fell between scans", () => {
    const wrap = scan({ ...createWatchdogBlock(), last: 0xfffe }, [
      { beat: 0xffff },
      { beat: 0 },
      { beat: 2 },
    ]);
    expect(wrap.good).toBe(3);
  });
  it.each([
    ["a jump", 40],
    ["a step back", 3],
    ["far back", 0],
  ])("takes %s for no beat and starts counting anew", (_what, beat) => {
    expect(scan({ ...armed(), last: 4 }, [{ beat }])).toMatchObject({ good: 0, ageUs: SCAN });
  });
  it("takes a counter that stands for no beat and forgets the good ones after the lease", () => {
    expect(scan(armed(), silence(4, 10)).good).toBe(3);
    expect(scan(armed(), silence(4, 21)).good).toBe(0);
  });
});

describe("tripping", () => {
  it("trips just after the lease and not at it", () => {
    expect(scan(armed(), silence(4, 20)).state).toBe("armed");
    expect(scan(armed(), silence(4, 21)).state).toBe("tripped");
  });
  it("stays tripped whatever beats come late, until three good ones and a new edge", () => {
    const tripped = scan(armed(), silence(4, 21));
    const beats = [5, 6, 7, 8].map((beat) => ({ beat }));
    expect(scan(tripped, beats).state).toBe("tripped");
    expect(scan(tripped, [{ beat: 5, reset: true }]).state).toBe("tripped");
    expect(scan(tripped, [...beats, { beat: 9, reset: true }]).state).toBe("armed");
  });
  it("limits the lease it is given, both ways", () => {
    expect(scan(armed(), silence(4, 6, 1)).state).toBe("tripped");
    expect(scan(armed(), silence(4, 5, 1)).state).toBe("armed");
    expect(scan(armed(), silence(4, 50, 65_535)).state).toBe("armed");
    expect(scan(armed(), silence(4, 51, 65_535)).state).toBe("tripped");
  });
});
