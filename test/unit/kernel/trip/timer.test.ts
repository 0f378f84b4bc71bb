import { describe, expect, it } from "vitest";
import { FALSE, TRUE, UNKNOWN, type Truth } from "../../../../src/kernel/condition/truth.js";
import {
  advanceTimer,
  dueFiring,
  isGoneFor,
  startTimer,
} from "../../../../src/kernel/trip/timer.js";
import { trip } from "../../../support/tags.js";

/** First firing of a trip whose condition is looked at once a second. */
function firing(
  times: { readonly forUs: number; readonly blindForUs: number },
  truths: readonly Truth[],
  blindCounts = true,
): string | null {
  const rule = trip("T", times);
  let timer = startTimer(0);
  for (const [second, truth] of truths.entries()) {
    const nowUs = second + 1;
    timer = advanceTimer(timer, truth, nowUs, blindCounts);
    const found = dueFiring(rule, timer, truth, nowUs);
    if (found !== null) return `${found.event} at ${nowUs}, stood ${found.sinceUs}`;
  }
  return null;
}

describe("a trip's delays", () => {
  it("fire on TRUE for `for`, counted from the last look that was not surely true", () => {
    expect(firing({ forUs: 2, blindForUs: 9 }, [FALSE, TRUE, TRUE])).toBe(
      "fired-true at 3, stood 2",
    );
    expect(firing({ forUs: 2, blindForUs: 9 }, [FALSE, TRUE, FALSE, TRUE, FALSE])).toBeNull();
  });

  it("fire on TRUE at once where `for` is zero", () => {
    expect(firing({ forUs: 0, blindForUs: 9 }, [TRUE])).toBe("fired-true at 1, stood 1");
    expect(firing({ forUs: 0, blindForUs: 9 }, [FALSE, FALSE])).toBeNull();
  });

  it("fire on UNKNOWN for `blind_for`, counted from the last surely false look", () => {
    expect(firing({ forUs: 9, blindForUs: 3 }, [FALSE, UNKNOWN, UNKNOWN, UNKNOWN])).toBe(
      "fired-unknown at 4, stood 3",
    );
    expect(firing({ forUs: 9, blindForUs: 3 }, [FALSE, UNKNOWN, UNKNOWN, FALSE])).toBeNull();
  });

  it("do not let a condition that flickers between TRUE and UNKNOWN reset itself", () => {
    expect(firing({ forUs: 3, blindForUs: 4 }, [FALSE, TRUE, UNKNOWN, TRUE, UNKNOWN])).toBe(
      "fired-unknown at 5, stood 4",
    );
  });

  it("do not add up: TRUE alone waits for its own delay, however short the blind one", () => {
    expect(firing({ forUs: 5, blindForUs: 2 }, [FALSE, TRUE, TRUE, TRUE, TRUE])).toBeNull();
    expect(firing({ forUs: 5, blindForUs: 2 }, [FALSE, TRUE, TRUE, TRUE, TRUE, TRUE])).toBe(
      "fired-true at 6, stood 5",
    );
  });

  it("do not count blindness before it can be expected to end, but count TRUE all the same", () => {
    expect(firing({ forUs: 9, blindForUs: 2 }, [UNKNOWN, UNKNOWN, UNKNOWN], false)).toBeNull();
    expect(firing({ forUs: 2, blindForUs: 2 }, [TRUE, TRUE], false)).toBe(
      "fired-true at 2, stood 2",
    );
  });

  it("let an automatic reset wait until the cause has been surely gone for long enough [HP-042 allows] [HP-042 refuses]", () => {
    let timer = advanceTimer(startTimer(0), TRUE, 10, true);
    timer = advanceTimer(timer, UNKNOWN, 20, true);
    timer = advanceTimer(timer, FALSE, 25, true);
    expect(isGoneFor(timer, 25, 6)).toBe(false);
    expect(isGoneFor(timer, 26, 6)).toBe(true);
  });
});
