import { createServer, type Server, type Socket } from "node:net";
import { rmSync } from "node:fs";
import { readClaim } from "../codec/door/claim.js";
import {
  CLAIM_BYTES_MAX,
  DOOR_PROTOCOL_VERSION,
  type Claim,
  type Order,
} from "../codec/door/message.js";
import { writeOrder } from "../codec/door/order.js";
import { FrameSplitter, FrameWriter } from "../codec/door/wire.js";
import type { DoorSession } from "./command-desk.js";

/** A door that does not read this much of what it is sent is cut off. */
const UNREAD_BYTES_MAX = 8 * 1_048_576;
const DOORS_MAX = 4;
/**
 * How long a read-back may wait for company on its way to the replicas. A message of its own for each command
 * would wake the door just when the client's next request comes.
 */
const PATIENCE_MS = 2;
/**
 * After a pause of this length an answer leaves at once, before the rest of the turn's work: then a client waits
 * for just this one. Closer to each other, or where the last write had several, those of one turn of the loop share
 * a write.
 */
const PAUSE_MS = 0.2;

export type DoorServerNeeds = {
  /** Path of the Unix socket; only its owner may open it. */
  readonly path: string;
  /** Called before anything that came is looked at. */
  readonly observe: () => void;
  /** A door said its hello and speaks our version. Its first orders are sent from here. */
  readonly welcome: (send: (order: Order) => void) => DoorSession & {
    readonly heard: (claim: Claim) => void;
  };
  /** After the last claim of one piece of the stream. */
  readonly pause: () => void;
};

/**
 * `door-modbus.sock`: claims in, orders out, both as length-prefixed CBOR frames. What comes is hostile
 * until proven sound: a frame that is not exactly one claim ends the connection, and the door's clients'
 * unsent commands with it.
 */
export class DoorServer {
  readonly #needs: DoorServerNeeds;
  readonly #server: Server;
  readonly #doors = new Set<Door>();

  constructor(needs: DoorServerNeeds) {
    this.#needs = needs;
    this.#server = createServer((socket) => {
      if (this.#doors.size >= DOORS_MAX) socket.destroy();
      else this.#accept(socket);
    });
  }

  async listen(): Promise<void> {
    // Only this gateway's guard uses the directory, and only one runs: what stands there is left over.
    rmSync(this.#needs.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(
        { path: this.#needs.path, readableAll: false, writableAll: false },
        resolve,
      );
    });
  }

  get doors(): number {
    return this.#doors.size;
  }

  close(): void {
    this.#server.close();
    for (const door of this.#doors) {
      if (door.session !== null) door.send({ kind: "stop" });
      door.flush();
      door.socket.end();
    }
    rmSync(this.#needs.path, { force: true });
  }

  /** For a fault of ours: doors are cut off as by the death of this process, so they answer for themselves. */
  cut(): void {
    this.#server.close();
    for (const { socket } of this.#doors) socket.destroy();
  }

  #accept(socket: Socket): void {
    const door = new Door(socket);
    this.#doors.add(door);
    const splitter = new FrameSplitter(CLAIM_BYTES_MAX, (bytes, at, end) => {
      const claim = readClaim(bytes, at, end);
      return claim !== null && this.#take(door, claim);
    });
    socket.on("data", (chunk) => {
      this.#needs.observe();
      // A plain view: a Buffer's `slice` would not copy.
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      if (!splitter.take(bytes)) socket.destroy();
      this.#needs.pause();
    });
    socket.on("error", () => {
      socket.destroy();
    });
    socket.on("close", () => {
      this.#doors.delete(door);
      door.session?.close();
      door.session = null;
    });
  }

  #take(door: Door, claim: Claim): boolean {
    if (door.socket.destroyed) return false;
    if (door.session === null) {
      if (claim.kind !== "hello" || claim.version !== DOOR_PROTOCOL_VERSION) return false;
      door.session = this.#needs.welcome((order) => {
        door.send(order);
      });
      return true;
    }
    door.session.heard(claim);
    return door.session.receive(claim);
  }
}

/** One connection; orders of one turn of the loop leave in one write, in the order they were given. */
class Door {
  readonly socket: Socket;
  session: (DoorSession & { readonly heard: (claim: Claim) => void }) | null = null;
  readonly #out: FrameWriter = new FrameWriter();
  #scheduled = false;
  #patience: NodeJS.Timeout | null = null;
  #flushedMs = 0;
  /** Answers that wait to be written, and whether the last write had more than one. */
  #answers = 0;
  #crowded = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(order: Order): void {
    if (this.socket.destroyed) return;
    writeOrder(this.#out, order);
    const isAnswer = order.kind === "reply";
    if (isAnswer) this.#answers += 1;
    // Whoever learns elsewhere that a device is gone, or back, is to be answered so by the door as well.
    if (order.kind === "device") {
      this.flush();
      return;
    }
    if (this.#scheduled) return;
    if (order.kind === "patch") {
      this.#patience ??= setTimeout(() => {
        this.#patience = null;
        this.flush();
      }, PATIENCE_MS);
      return;
    }
    if (isAnswer && !this.#crowded && performance.now() - this.#flushedMs > PAUSE_MS) {
      this.flush();
      return;
    }
    this.#scheduled = true;
    setImmediate(() => {
      this.flush();
    });
  }

  flush(): void {
    this.#scheduled = false;
    this.#flushedMs = performance.now();
    this.#crowded = this.#answers > 1;
    this.#answers = 0;
    if (this.#out.length === 0) return;
    const bytes = this.#out.take();
    if (this.socket.destroyed) return;
    if (this.socket.writableLength > UNREAD_BYTES_MAX) this.socket.destroy();
    else this.socket.write(bytes);
  }
}
