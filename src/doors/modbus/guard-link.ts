import { connect, type Socket } from "node:net";
import { writeClaim } from "../../codec/door/claim.js";
import {
  DOOR_PROTOCOL_VERSION,
  ORDER_BYTES_MAX,
  type Claim,
  type Order,
} from "../../codec/door/message.js";
import { readOrder } from "../../codec/door/order.js";
import { FrameSplitter, FrameWriter } from "../../codec/door/wire.js";
import { plainBytes } from "./plain-bytes.js";

const BACK_OFF_FIRST_MS = 50;
const BACK_OFF_MOST_MS = 2_000;
/** Position of "modbus-tcp" among the kinds of door in evidence. */
const MODBUS_TCP = 0;

export type LinkEvents = {
  readonly order: (order: Order) => void;
  /** After the last order of one piece of the stream: the place to do once what many orders call for. */
  readonly pause: () => void;
  /** Whatever was submitted and not answered is unanswered for good. */
  readonly lost: () => void;
};

/**
 * The door's end of `door-modbus.sock`. Claims of one turn of the loop leave in one write. Connects again
 * for as long as it takes: a door without a guard still answers its clients, with exceptions.
 */
export class GuardLink {
  readonly #path: string;
  readonly #events: LinkEvents;
  readonly #out: FrameWriter = new FrameWriter();
  #socket: Socket | null = null;
  #up = false;
  #closed = false;
  #backOffMs = BACK_OFF_FIRST_MS;
  #scheduled = false;

  constructor(path: string, events: LinkEvents) {
    this.#path = path;
    this.#events = events;
  }

  get up(): boolean {
    return this.#up;
  }

  open(): void {
    const socket = connect(this.#path);
    this.#socket = socket;
    const splitter = new FrameSplitter(ORDER_BYTES_MAX, (bytes, at, end) => {
      const order = readOrder(bytes, at, end);
      if (order === null) return false;
      this.#events.order(order);
      return this.#socket === socket;
    });
    socket.on("connect", () => {
      this.#up = true;
      this.#backOffMs = BACK_OFF_FIRST_MS;
      this.send({ kind: "hello", version: DOOR_PROTOCOL_VERSION, door: MODBUS_TCP });
    });
    socket.on("data", (chunk) => {
      if (!splitter.take(plainBytes(chunk))) socket.destroy();
      this.#events.pause();
    });
    socket.on("error", () => {
      socket.destroy();
    });
    socket.on("close", () => {
      this.#drop(socket);
    });
  }

  /** Lost in silence while there is no guard: the caller asks `up` first where that matters. */
  send(claim: Claim): void {
    if (!this.#up) return;
    writeClaim(this.#out, claim);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.flush();
    });
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#out.length === 0) return;
    const bytes = this.#out.take();
    if (this.#up) this.#socket?.write(bytes);
  }

  close(): void {
    this.flush();
    this.#closed = true;
    this.#socket?.end();
  }

  #drop(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    const was = this.#up;
    this.#up = false;
    this.#out.take();
    if (was) this.#events.lost();
    if (this.#closed) return;
    setTimeout(() => {
      if (!this.#closed) this.open();
    }, this.#backOffMs);
    this.#backOffMs = Math.min(this.#backOffMs * 2, BACK_OFF_MOST_MS);
  }
}
