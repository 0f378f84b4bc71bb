import { fileURLToPath } from "node:url";
import type { BadActRecord, DemoParts } from "../src/cli/demo-parts.js";
import { BAD_ACTS, DEMO_SCHEDULE } from "./ai-controller/acts.js";
import type { ActRecord } from "./ai-controller/controller.js";
import { runAiController } from "./ai-controller/run.js";
import { runLiftStation } from "./lift-station/main.js";

/** Plant and controller of `holdpoint demo`: the lift station, with a transmitter whose terminal is loose. */
export const demoParts: DemoParts = {
  badActs: BAD_ACTS.map((act) => ({
    act,
    dueS: DEMO_SCHEDULE.find((scheduled) => scheduled.act === act)?.atS ?? 0,
    // The transmitter's terminal is loose for three seconds at a time.
    passes: act === "stale-data",
  })),
  profile: fileURLToPath(new URL("../../profiles/lift-station.yaml", import.meta.url)),
  startPlant: async ({ seed, scale }) => {
    const running = await runLiftStation({
      host: "127.0.0.1",
      port: 0,
      seed,
      scale,
      journalFile: null,
      looseTerminal: true,
    });
    return {
      port: running.address.port,
      view: () => {
        const { plantS, mode, onFloats, plant, writes } = running.state();
        return {
          plantS,
          mode,
          onFloats,
          levelM: plant.levelM,
          pumps: plant.pumps.map((pump) => (pump.powered ? pump.shaftHz : null)),
          valve: plant.valve,
          pressureBar: plant.pressureBar,
          writes,
        };
      },
      hazards: () =>
        running.hazards().map(({ name, rule, says, fromUs }) => {
          return { name, rule, says, fromS: fromUs / 1_000_000 };
        }),
      journal: () => running.journal(),
      close: running.close,
    };
  },
  startController: ({ port, ownUnit, seed, scale }) => {
    const running = runAiController({
      host: "127.0.0.1",
      port,
      unit: 1,
      ownUnit,
      seed,
      schedule: DEMO_SCHEDULE,
      scale,
    });
    return { ...running, records: () => running.records().map(readRecord) };
  },
};

function readRecord({ act, outcome, why, asExpected }: ActRecord): BadActRecord {
  const clamped = why?.verdict === "clamp";
  const answer =
    outcome.kind === "exception"
      ? (why?.reason ?? `exception ${outcome.code}`)
      : outcome.kind === "done" && clamped
        ? "clamped"
        : outcome.kind;
  return { act, refused: outcome.kind === "exception" || clamped, asExpected, answer };
}
