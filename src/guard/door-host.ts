import type { Claim, Counts, Order } from "../codec/door/message.js";
import type { DoorSession } from "./command-desk.js";
import { DoorServer } from "./door-server.js";
import type { Guard } from "./guard.js";
import type { DoorView } from "./status.js";

/** The guard behind its door socket, and what its doors say of themselves. */
export class DoorHost {
  readonly #guard: Guard;
  readonly #hosts: readonly string[];
  readonly #say: (line: string) => void;
  readonly #server: DoorServer;
  readonly #views = new Set<DoorView>();

  constructor(
    guard: Guard,
    place: { readonly path: string; readonly hosts: readonly string[] },
    say: (line: string) => void,
  ) {
    this.#guard = guard;
    this.#hosts = place.hosts;
    this.#say = say;
    this.#server = new DoorServer({
      path: place.path,
      observe: () => {
        guard.observe();
      },
      welcome: (send) => this.#welcome(send),
      pause: () => {
        guard.pause();
      },
    });
  }

  views(): readonly DoorView[] {
    return [...this.#views];
  }

  async listen(): Promise<void> {
    await this.#server.listen();
  }

  close(): void {
    this.#server.close();
  }

  /** For a fault of ours. */
  cut(): void {
    this.#server.cut();
  }

  #welcome(send: (order: Order) => void): DoorSession & { heard: (claim: Claim) => void } {
    const session = this.#guard.openDoor(send);
    const view: DoorView = { listening: [], counts: NO_COUNTS };
    this.#views.add(view);
    return {
      receive: session.receive,
      heard: (claim) => {
        this.#heard(view, claim);
      },
      close: () => {
        this.#views.delete(view);
        this.#say("a door is gone");
        session.close();
      },
    };
  }

  #heard(view: DoorView, claim: Claim): void {
    if (claim.kind === "listening") {
      view.listening = claim.ports.map((port, at) => `${this.#hosts[at] ?? "?"}:${port}`);
    } else if (claim.kind === "counts") {
      view.counts = addCounts(view.counts, claim.counts);
    } else if (claim.kind === "fault") {
      this.#say(`a door cannot serve: ${claim.text}`);
    }
  }
}

const NO_COUNTS: Counts = {
  reads: 0,
  staleReads: 0,
  unmappedReads: 0,
  malformedReads: 0,
  unitFaults: 0,
  frameFaults: 0,
  refusedConnections: 0,
  connections: 0,
};

function addCounts(sum: Counts, more: Counts): Counts {
  return {
    reads: sum.reads + more.reads,
    staleReads: sum.staleReads + more.staleReads,
    unmappedReads: sum.unmappedReads + more.unmappedReads,
    malformedReads: sum.malformedReads + more.malformedReads,
    unitFaults: sum.unitFaults + more.unitFaults,
    frameFaults: sum.frameFaults + more.frameFaults,
    refusedConnections: sum.refusedConnections + more.refusedConnections,
    connections: more.connections,
  };
}
