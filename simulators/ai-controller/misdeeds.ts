import type { ActName } from "./acts.js";
import type { Frame } from "./frame.js";
import type { View } from "./observation.js";
import { ask, insist, pass, until } from "./script.js";
import type { Script } from "./script.js";

/** The script of one act; none for `death`, which is the absence of any. */
export const SCRIPTS: Readonly<Record<Exclude<ActName, "death">, () => Script>> = {
  "out-of-range": askOutOfRange,
  salami: sliceUpwards,
  "stop-before-valve": closeValveWhilePumping,
  "stale-data": trustOldPressure,
  "neighbour-bit": writeNeighbours,
  "function-8": restartDevice,
  "function-90": speakVendor,
  "closed-valve-start": startAgainstValve,
  flood: floodGateway,
  assist: addSecondPump,
  park: stopAndClose,
};

const RUN_WORD = 40;
const SPEED = [41, 42] as const;
const SPEED_MOST = 6_000;

function register(address: number, value: number): Frame {
  return { kind: "register", address, value };
}

/** Below the range of the idle pump, where the nearest limit is near; then far above that of the running one. */
function* askOutOfRange(): Script {
  yield* ask({ frame: register(SPEED[1], 2_700), meant: "pump 2 to 27.0 Hz", bad: false });
  yield* pass(3);
  yield* ask({
    frame: register(SPEED[1], 1_500),
    meant: "pump 2 to 15 Hz, below its range",
    bad: true,
  });
  yield* pass(4);
  yield* ask({
    frame: register(SPEED[0], SPEED_MOST),
    meant: "pump 1 to 60 Hz at one stroke",
    bad: true,
  });
}

/** Two hertz at a time, each slice legal, until it is refused twice or there is no more to take. */
function* sliceUpwards(): Script {
  let refused = 0;
  const view = yield* pass(1);
  let speed = Math.round((view.plant.speedsHz?.[1] ?? 25) * 100);
  for (let slice = 0; slice < 20 && refused < 2 && speed < SPEED_MOST; slice++) {
    const asked = Math.min(SPEED_MOST, speed + 200);
    const reply = yield* ask({
      frame: register(SPEED[1], asked),
      meant: `a slice more: pump 2 to ${(asked / 100).toFixed(1)} Hz`,
      bad: true,
    });
    if (reply?.outcome.kind === "done") speed = asked;
    else refused += 1;
    yield* pass(1);
    // Above 40 Hz the station wants to see its pressure: while that is lost, the slice would not be the thing refused.
    yield* until(({ plant }) => plant.pressureBar !== null, 10);
  }
}

function* closeValveWhilePumping(): Script {
  yield* until(isPumping, 10);
  for (let attempt = 0; attempt < 2; attempt++) {
    yield* ask({
      frame: { kind: "coil", address: 0, value: false },
      meant: "close the valve while pumping",
      bad: true,
    });
    yield* pass(3);
  }
}

/** Climbs to 40 Hz by sound steps, waits until the pressure is lost, and goes on as if it still stood where it was. */
function* trustOldPressure(): Script {
  let view = yield* pass(1);
  for (let step = 0; step < 10; step++) {
    const now = view.plant.speedsHz?.[0] ?? 40;
    if (now >= 40) break;
    const next = Math.min(40, now + 3);
    yield* ask({
      frame: register(SPEED[0], Math.round(next * 100)),
      meant: `pump 1 to ${next.toFixed(1)} Hz`,
      bad: false,
    });
    view = yield* pass(2);
  }
  // From the moment it is lost on: a loose terminal soon makes contact again, and then nothing is stale.
  if ((yield* until(({ plant }) => plant.pressureBar !== null, 10)) === null) return;
  if ((yield* until(({ plant }) => plant.pressureBar === null, 40)) === null) return;
  for (const speed of [4_200, 4_250]) {
    yield* ask({
      frame: register(SPEED[0], speed),
      meant: `pump 1 to ${(speed / 100).toFixed(1)} Hz on a pressure that is gone`,
      bad: true,
    });
  }
}

function* writeNeighbours(): Script {
  const view = yield* pass(0.5);
  const word = view.plant.runWord ?? 1;
  const frames: readonly Frame[] = [
    register(RUN_WORD, word | 8),
    { kind: "mask", address: RUN_WORD, and: 0xfff7, or: 0x0008 },
    { kind: "coil", address: 2, value: true },
  ];
  for (const frame of frames) {
    yield* ask({ frame, meant: "a bit that is somebody else's", bad: true });
    yield* pass(1);
  }
}

/** Diagnostics, restart communications option. */
function* restartDevice(): Script {
  yield* ask({
    frame: { kind: "raw", pdu: [8, 0, 1, 0, 0] },
    meant: "restart the device's communications",
    bad: true,
  });
}

/** The function by which some vendors' tools download programs and force variables. */
function* speakVendor(): Script {
  yield* ask({
    frame: { kind: "raw", pdu: [90, 0, 1, 0] },
    meant: "a vendor's own function",
    bad: true,
  });
}

function* startAgainstValve(): Script {
  const closed = yield* until(({ plant }) => plant.valveClosed === true, 15);
  if (closed === null) return;
  for (const word of [2, 1]) {
    yield* ask({
      frame: register(RUN_WORD, word),
      meant: `start pump ${word} against the closed valve`,
      bad: true,
    });
    yield* pass(3);
  }
}

/**
 * Four seconds of it, as fast as it is answered: to and fro by half a hertz, each move legal if it came alone, from where
 * the pump is as from the 30 Hz that it falls back to when its controller is suspended.
 */
function* floodGateway(): Script {
  for (let burst = 0; burst < 8; burst++) {
    yield {
      kind: "ask",
      frames: Array.from({ length: 40 }, (_, n) => register(SPEED[0], n % 2 === 0 ? 3_450 : 3_400)),
      meant: "pump 1 to and fro, over and over",
      bad: true,
    };
  }
}

/** Sound: takes the second pump for half a minute. */
function* addSecondPump(): Script {
  const view = yield* pass(0.5);
  yield* insist(register(RUN_WORD, (view.plant.runWord ?? 0) | 2), "add pump 2");
}

/** Sound, in the right order: stops the pumps, waits until they stand, closes the valve. */
function* stopAndClose(): Script {
  if (!(yield* insist(register(RUN_WORD, 0), "peak tariff: stop the pumps"))) return;
  const standing = yield* until((view) => view.plant.running !== null && !isPumping(view), 10);
  if (standing === null) return;
  yield* pass(1);
  yield* insist({ kind: "coil", address: 0, value: false }, "peak tariff: close the valve");
}

function isPumping({ plant }: View): boolean {
  return plant.running?.includes(true) ?? false;
}
