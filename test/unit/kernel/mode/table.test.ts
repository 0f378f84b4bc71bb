import { describe, expect, it } from "vitest";
import { transit, type ModeEvent } from "../../../../src/kernel/mode/table.js";
import { MODES } from "../../../../src/kernel/record/look.js";

const EVENTS: readonly ModeEvent[] = ["ready", "hold", "drive-safe", "release", "lock", "accept"];

describe("the mode table", () => {
  it("decides every pair of mode and event [HP-036]", () => {
    for (const mode of MODES) {
      for (const event of EVENTS) expect(MODES).toContain(transit(mode, event).to);
    }
  });

  it("leads to enforcing only by being ready from starting, or by a person's release [HP-036]", () => {
    const ways = MODES.flatMap((mode) =>
      EVENTS.filter((event) => mode !== "enforcing" && transit(mode, event).to === "enforcing").map(
        (event) => `${mode}: ${event}`,
      ),
    );
    expect(ways).toEqual(["starting: ready", "holding: release", "safe-state: release"]);
  });

  it("leads to the safe state, driven, from every mode in which it is not driven yet", () => {
    for (const mode of MODES) {
      const { to, drivesSafe } = transit(mode, "drive-safe");
      expect(drivesSafe).toBe(true);
      expect(to).toBe(mode === "locked-out" ? "locked-out" : "safe-state");
    }
  });

  it("leads nowhere to observe", () => {
    for (const mode of MODES.filter((each) => each !== "observe")) {
      for (const event of EVENTS) expect(transit(mode, event).to).not.toBe("observe");
    }
  });

  it("leaves locked-out by accepting the log alone", () => {
    for (const event of EVENTS) {
      expect(transit("locked-out", event).to).toBe(
        event === "accept" ? "safe-state" : "locked-out",
      );
    }
  });
});
