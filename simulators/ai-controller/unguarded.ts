import type { Us } from "../../src/kernel/units.js";
import type { PlcReply } from "../lift-station/registers.js";
import type { LiftStation } from "../lift-station/station.js";
import type { Controller } from "./controller.js";
import type { Frame, Outcome } from "./frame.js";
import { observeWith } from "./observation.js";
import type { Reply } from "./observation.js";

const TURN_US: Us = 500_000;

/**
 * Controller and plant in one process with nothing between them, for `forUs` of plant time: every request goes straight
 * into the PLC. May be called again to go on.
 */
export function runUnguarded(station: LiftStation, controller: Controller, forUs: Us): void {
  const untilUs = station.nowUs() + forUs;
  let replies: readonly Reply[] = [];
  while (station.nowUs() < untilUs) {
    const plant = observeWith((table, address, quantity) => {
      const reply = station.read(table, address, quantity);
      return reply.kind === "read" ? reply.words : null;
    });
    const requests = controller.next({ plant, nowUs: station.nowUs(), replies });
    replies = requests.map(({ id, frame }) => ({
      id,
      outcome: writeStraight(station, frame),
      why: null,
    }));
    station.advance(TURN_US);
  }
}

const ILLEGAL_FUNCTION = 1;

/** As the PLC's server would carry it out, which knows neither FC22 nor anything raw. */
function writeStraight(station: LiftStation, frame: Frame): Outcome {
  switch (frame.kind) {
    case "coil":
      return toOutcome(
        station.write({ table: "co", address: frame.address, words: [frame.value ? 1 : 0] }),
      );
    case "register":
      return toOutcome(
        station.write({ table: "hr", address: frame.address, words: [frame.value] }),
      );
    case "mask":
    case "raw":
      return { kind: "exception", code: ILLEGAL_FUNCTION };
  }
}

function toOutcome(reply: PlcReply): Outcome {
  return reply.kind === "exception" ? reply : { kind: "done" };
}
