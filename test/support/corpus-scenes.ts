import {
  askAsPilot,
  askBudgeted,
  askSomething,
  askUnmapped,
  type Asked,
} from "./corpus-commands.js";
import type { CorpusDisk } from "./corpus-disk.js";
import type { CorpusGateway } from "./corpus-gateway.js";
import { FAIR, LEFT, MODE, RIGHT, type CorpusPlant } from "./corpus-plant.js";
import type { Random } from "./seeded.js";

const S = 1_000_000;

/** Stopped; or the power failed, and what was not synced is a part of itself, or zeros. */
export type Ending = "clean" | "torn" | "zeros";

/** What a scene may do. Everything it changes about plant and disk is put right when it is over. */
export type Stage = {
  readonly plant: CorpusPlant;
  readonly disk: CorpusDisk;
  readonly random: Random;
  readonly gateway: CorpusGateway;
  /** Calls back after so much time, if the same run of the gateway is still there. */
  readonly after: (us: number, run: () => void) => void;
  readonly ask: (asked: Asked) => void;
  /** The run ends here; another one begins after a while. */
  readonly end: (how: Ending, another: "same" | "machine") => void;
  /** The controllers' heartbeat. */
  readonly beats: { ai: boolean };
};

/** Returns how long it lasts. */
export type Scene = (stage: Stage) => number;

/** Every scene once, in an order of the seed's: so each comes, however short the life. */
export function shuffleScenes({ below }: Random): Scene[] {
  const deck = [...SCENES];
  for (let last = deck.length - 1; last > 0; last -= 1) {
    const other = below(last + 1);
    const [a, b] = [deck[last], deck[other]];
    if (a !== undefined && b !== undefined) [deck[last], deck[other]] = [b, a];
  }
  return deck;
}

/** Fine weather again. */
export function clearStage({ plant, beats, gateway }: Omit<Stage, "random">): void {
  for (const device of [LEFT, RIGHT]) {
    const wasUp = plant.weather(device).linkUp;
    Object.assign(plant.weather(device), FAIR);
    if (!wasUp) gateway.linkChanged(device, true);
  }
  plant.mode = MODE.ai;
  plant.go = 1;
  plant.gridOk = 1;
  plant.level = "moving";
  plant.pressure = "normal";
  plant.gridLoad = "normal";
  gateway.diskWeather.syncMs = 20;
  beats.ai = true;
}

const calm: Scene = () => 5 * S;

const readings: readonly Scene[] = [
  ({ plant }) => ((plant.level = "implausible"), 4 * S),
  ({ plant }) => ((plant.level = "low"), 4 * S),
  ({ plant }) => ((plant.level = "jumping"), 4 * S),
  ({ plant }) => ((plant.pressure = "high"), 6 * S),
  ({ plant }) => ((plant.pressure = "burst"), 3 * S),
  ({ plant }) => ((plant.pressure = "standing"), 24 * S),
  ({ plant }) => ((plant.gridOk = 0), 5 * S),
  ({ plant }) => ((plant.gridLoad = "high"), 3 * S),
  ({ plant }) => ((plant.gridLoad = "unreadable"), 4 * S),
  ({ plant }) => ((plant.go = 0), 1 * S),
  ({ plant }) => ((plant.mode = MODE.local), 5 * S),
  ({ plant }) => ((plant.mode = MODE.flush), 6 * S),
];

const devices: readonly Scene[] = [
  ({ plant, gateway, random }) => {
    const device = random.below(2);
    plant.weather(device).linkUp = false;
    gateway.linkChanged(device, false);
    return (1 + random.below(5)) * S;
  },
  ({ plant, random }) => {
    plant.weather(random.below(2)).answers = false;
    return (1 + random.below(4)) * S;
  },
  ({ plant }) => ((plant.weather(LEFT).identity = 1), 2 * S),
  ({ plant, random }) => ((plant.weather(LEFT).runs = false), (2 + random.below(4)) * S),
  ({ plant, random }) => ((plant.weather(random.below(2)).exceptions = 60), 4 * S),
  ({ plant, random }) => ((plant.weather(random.below(2)).unanswered = 60), 4 * S),
  ({ plant }) => ((plant.weather(LEFT).deaf = true), 3 * S),
  ({ plant }) => ((plant.weather(RIGHT).deaf = true), 3 * S),
  ({ plant }) => ((plant.weather(RIGHT).deaf = true), 5 * S),
  ({ plant }) => {
    for (const device of [LEFT, RIGHT]) plant.weather(device).lineMs = 1_500;
    return 6 * S;
  },
];

const strangers: readonly Scene[] = [
  ({ plant, random }) => {
    plant.tamper(LEFT, "hr", 41, 2_500 + random.below(1_500));
    return 4 * S;
  },
  ({ plant, random, after }) => {
    plant.mode = MODE.local;
    after(2 * S, () => {
      plant.tamper(LEFT, "hr", 41, 2_500 + random.below(1_500));
      plant.tamper(LEFT, "co", 1, random.below(2));
    });
    return 5 * S;
  },
  ({ plant, random }) => {
    plant.tamper(RIGHT, "hr", 10, 2_500 + random.below(2_000));
    plant.tamper(RIGHT, "co", 5, random.below(2));
    return 3 * S;
  },
];

const controllers: readonly Scene[] = [
  ({ beats }) => ((beats.ai = false), 6 * S),
  ({ ask, after }) => {
    for (let at = 0; at < 80; at += 1) {
      after(at * 40_000, () => {
        ask(askUnmapped());
      });
    }
    return 6 * S;
  },
  (stage) => {
    for (let at = 0; at < 60; at += 1) {
      stage.after(at * 60_000, () => {
        stage.ask(askBudgeted(stage));
      });
    }
    return 5 * S;
  },
  (stage) => {
    // More at once than a slow line carries.
    for (const device of [LEFT, RIGHT]) stage.plant.weather(device).lineMs = 400;
    for (let at = 0; at < 40; at += 1) {
      stage.after(at * 8_000, () => {
        stage.ask(askSomething(stage));
      });
    }
    return 3 * S;
  },
  (stage) => {
    for (let at = 0; at < 12; at += 1) {
      stage.after(at * 700_000, () => {
        stage.ask(askAsPilot(stage));
      });
    }
    return 16 * S;
  },
];

const people: readonly Scene[] = [
  ({ gateway }) => {
    gateway.tell({
      kind: "operator",
      person: "kim",
      why: "test",
      act: { kind: "stop-ai", safe: false },
    });
    return 3 * S;
  },
  ({ gateway }) => {
    gateway.tell({
      kind: "operator",
      person: "kim",
      why: "test",
      act: { kind: "stop-ai", safe: true },
    });
    return 3 * S;
  },
];

const gateways: readonly Scene[] = [
  ({ gateway }) => ((gateway.diskWeather.syncMs = 1_500), 5 * S),
  ({ gateway, after }) => {
    gateway.tell({ kind: "evidence-failed", why: "no space left" });
    after(2 * S, () => {
      gateway.tell({ kind: "evidence-restored" });
    });
    return 3 * S;
  },
  ({ disk, after, end }) => {
    disk.fault = "EIO";
    after(2 * S, () => {
      end("torn", "same");
    });
    return 4 * S;
  },
  ({ gateway }) => {
    gateway.tell({ kind: "loop-gap", gapUs: 3 * S });
    return 2 * S;
  },
  ({ gateway }) => {
    gateway.tell({ kind: "loop-gap", gapUs: 12 * S });
    return 2 * S;
  },
  ({ gateway }) => {
    gateway.tell({ kind: "clock-stepped", stepUs: -3 * S, utcUs: 1_790_000_000 * S });
    return 1 * S;
  },
  ({ gateway }) => {
    gateway.tell({ kind: "clock-stepped", stepUs: 0, utcUs: 2_790_000_000 * S });
    return 1 * S;
  },
  ({ end }) => (end("torn", "machine"), 3 * S),
  ({ end }) => (end("zeros", "same"), 3 * S),
  // The power fails in the middle of a long sync.
  ...(["torn", "torn", "zeros"] as const).map((how): Scene => ({ gateway, end, random, after }) => {
    gateway.diskWeather.syncMs = 4_000;
    after(500_000 + random.below(1_500_000), () => {
      end(how, "same");
    });
    return 4 * S;
  }),
  ({ end, random }) => {
    end("clean", random.below(3) === 0 ? "machine" : "same");
    return 3 * S;
  },
];

const SCENES: readonly Scene[] = [
  ...readings,
  ...devices,
  ...strangers,
  ...controllers,
  ...people,
  ...gateways,
  ...new Array<Scene>(16).fill(calm),
];
