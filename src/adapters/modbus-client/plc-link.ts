import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import type { Clock, PlcLink, ReadResult, SouthRead, SouthWrite } from "../../guard/ports.js";
import type { Us, WriteResult } from "../../guard/ports.js";
import { encodeRequest } from "../../codec/modbus/encode-request.js";
import { createMbapReader, feedMbap, readFrame } from "../../codec/modbus/mbap.js";
import { encodeMbap, unfinishedBytes } from "../../codec/modbus/mbap.js";
import type { MbapFrame, MbapReader } from "../../codec/modbus/mbap.js";
import type { ReadRequest, WriteRequest } from "../../codec/modbus/pdu-request.js";
import { parseReply } from "../../codec/modbus/pdu-reply.js";
import { readRequestOf, writeRequestOf } from "./request-of.js";
import { readResultOf, writeResultOf } from "./result-of.js";
import { isSelfConnection } from "./self-connection.js";

export type PlcLinkOptions = {
  /** A numeric address: a name would be resolved on the threads that fdatasync needs. */
  readonly host: string;
  readonly port: number;
  readonly unit: number;
  /** From handing a request to the socket to its whole reply; also the longest a connect may take. */
  readonly timeoutUs: Us;
  /** Stamps `sentUs`. */
  readonly clock: Clock;
  /** Deadlines and waits. Never scaled: the device and the network run in real time. */
  readonly hostClock: Clock;
  /** Waits before connecting again, doubled until a request has been answered. For ever. */
  readonly reconnect: { readonly firstUs: Us; readonly mostUs: Us };
};

/**
 * Connects to one Modbus/TCP unit and stays on it, as `PlcLink` promises, until closed. Throws only for a
 * host that is no numeric address. A device that is away, lies or dies is an outcome, never an error.
 */
export function connectPlc(options: PlcLinkOptions): PlcLink {
  if (isIP(options.host) === 0) {
    throw new Error(`${options.host}: a device is given by its numeric address, not by a name`);
  }
  const line = new Line(options);
  line.open();
  return {
    write: (write, settled) => {
      line.write(write, settled);
    },
    read: (read, settled) => {
      line.read(read, settled);
    },
    idle: () => line.idle(),
    onLink: (run) => line.linkListeners.push(run),
    onIdle: (run) => line.idleListeners.push(run),
    close: () => {
      line.close();
    },
  };
}

/** Why a request got no usable reply. */
type Lost = "timeout" | "closed" | "malformed";

type Asked =
  | {
      readonly kind: "write";
      readonly request: WriteRequest;
      readonly settled: (result: WriteResult) => void;
    }
  | {
      readonly kind: "read";
      readonly request: ReadRequest;
      readonly settled: (result: ReadResult) => void;
    };

type Pending = {
  readonly asked: Asked;
  readonly transaction: number;
  sentUs: Us;
  readonly deadlineUs: Us;
};

/** A reply is at most 260 bytes, and there is one at a time. */
const RECEIVE_BYTES = 1024;
const KEEP_ALIVE_MS = 10_000;

class Line {
  readonly linkListeners: ((up: boolean, why: string) => void)[] = [];
  readonly idleListeners: (() => void)[] = [];
  readonly #options: PlcLinkOptions;
  readonly #receiveBuffer = Buffer.alloc(RECEIVE_BYTES);
  #reader: MbapReader = createMbapReader();
  /** Connecting or connected. Events of any other socket are of the past. */
  #socket: Socket | null = null;
  #up = false;
  #closed = false;
  /** Null until the first connect has ended one way or the other. */
  #toldUp: boolean | null = null;
  #pending: Pending | null = null;
  /**
   * Goes on over reconnects and wraps after 65,536 requests. One is out at a time and a connection ends with the
   * first request that was not answered, so no reply to an earlier bearer of the same id can still come.
   */
  #transaction = 0;
  #waitUs: Us;
  #cancelDeadline: (() => void) | null = null;
  #cancelWait: (() => void) | null = null;

  constructor(options: PlcLinkOptions) {
    this.#options = options;
    this.#waitUs = options.reconnect.firstUs;
  }

  idle(): boolean {
    return this.#up && this.#pending === null;
  }

  write(write: SouthWrite, settled: (result: WriteResult) => void): void {
    const request = writeRequestOf(write);
    if (request === null) {
      const why = "no Modbus function carries this write";
      settled({ kind: "not-sent", cause: "no-line", why });
      return;
    }
    const why = this.#send({ kind: "write", request, settled });
    if (why !== null) settled({ kind: "not-sent", cause: "no-line", why });
  }

  read(read: SouthRead, settled: (result: ReadResult) => void): void {
    const why = this.#send({ kind: "read", request: readRequestOf(read), settled });
    if (why !== null) settled({ kind: "failed", why: "closed" });
  }

  open(): void {
    const { host, port, timeoutUs, hostClock } = this.#options;
    this.#reader = createMbapReader();
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      autoSelectFamily: false,
      onread: {
        buffer: this.#receiveBuffer,
        callback: (bytes, buffer) => {
          if (socket === this.#socket) this.#receive(buffer.subarray(0, bytes));
          return true;
        },
      },
    });
    this.#socket = socket;
    const lose = (why: string): void => {
      if (socket === this.#socket) this.#lose("closed", why);
    };
    this.#cancelWait = hostClock.at(hostClock.nowUs() + timeoutUs, () => {
      lose(`${host}:${port} does not answer`);
    });
    socket.on("connect", () => {
      if (socket === this.#socket) this.#connected(socket);
    });
    socket.on("error", (error) => {
      lose(`${host}:${port}: ${error.message}`);
    });
    socket.on("end", () => {
      lose("the device closed the connection");
    });
    socket.on("close", () => {
      lose("the connection is gone");
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lose("closed", "the link was closed");
  }

  #connected(socket: Socket): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
    if (isSelfConnection(socket)) {
      this.#lose("closed", "the connection leads back to itself");
      return;
    }
    this.#up = true;
    this.#tell(true, "connected");
    this.#announceIdle();
  }

  /** Puts it on the wire, or says why nothing left. */
  #send(asked: Asked): string | null {
    const socket = this.#socket;
    if (!this.#up || socket === null) return "the device is not connected";
    if (this.#pending !== null) return "a request is on its way";
    const pdu = encodeRequest(asked.request);
    const transaction = (this.#transaction + 1) & 0xffff;
    const frame = pdu === null ? null : encodeMbap(transaction, this.#options.unit, pdu);
    if (frame === null) return "it does not fit one Modbus request";
    const { clock, hostClock, timeoutUs } = this.#options;
    const deadlineUs = hostClock.nowUs() + timeoutUs;
    this.#transaction = transaction;
    const pending: Pending = { asked, transaction, sentUs: clock.nowUs(), deadlineUs };
    this.#pending = pending;
    if (this.#cancelDeadline === null) this.#armDeadline(deadlineUs);
    // From here on the outcome is the device's to tell: whatever the socket says, a byte may have left.
    if (asked.kind === "write") socket.write(frame);
    else this.#sendLater(socket, pending, frame);
    return null;
  }

  /**
   * Reads of one turn of the loop leave together at its end, behind the answers to clients: that wakes a busy
   * machine's other processes once and not for each. A write never waits: its second look was of this moment.
   */
  #sendLater(socket: Socket, pending: Pending, frame: Uint8Array): void {
    setImmediate(() => {
      if (this.#pending !== pending || this.#socket !== socket) return;
      pending.sentUs = this.#options.clock.nowUs();
      socket.write(frame);
    });
  }

  #receive(chunk: Uint8Array): void {
    feedMbap(this.#reader, chunk);
    const read = readFrame(this.#reader);
    switch (read.kind) {
      case "more":
        if (this.#pending === null && unfinishedBytes(this.#reader) > 0)
          this.#lose("malformed", UNASKED);
        return;
      case "fault":
        this.#lose("malformed", "the device sent bytes that are no Modbus frame");
        return;
      case "frame":
        this.#take(read);
    }
  }

  #take(frame: MbapFrame): void {
    const pending = this.#pending;
    if (pending === null) {
      this.#lose("malformed", UNASKED);
      return;
    }
    if (frame.transaction !== pending.transaction || frame.unit !== this.#options.unit) {
      this.#lose("malformed", "the device answered another request than the one sent");
      return;
    }
    const { asked } = pending;
    const reply = parseReply(asked.request, frame.pdu);
    if (reply.kind === "mismatch") {
      this.#lose("malformed", `the reply does not fit its request (${reply.why})`);
      return;
    }
    this.#pending = null;
    this.#waitUs = this.#options.reconnect.firstUs;
    // The reply is good; what stands behind it was not asked for, so the line is given up before the next request.
    const extra = unfinishedBytes(this.#reader) > 0;
    if (extra) this.#disconnect();
    if (asked.kind === "write") asked.settled(writeResultOf(reply, frame.pdu));
    else asked.settled(readResultOf(reply, pending.sentUs));
    if (extra) this.#tell(false, UNASKED);
    this.#announceIdle();
  }

  /** Gives up the connection and whatever request was on it; a listener never sees the line up meanwhile. */
  #lose(lost: Lost, why: string): void {
    const asked = this.#pending?.asked;
    this.#pending = null;
    this.#disconnect();
    if (asked?.kind === "write") asked.settled({ kind: "unknown", why });
    else asked?.settled({ kind: "failed", why: lost });
    this.#tell(false, why);
  }

  #disconnect(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#cancelWait?.();
    this.#cancelWait = null;
    if (socket !== null) destroy(socket, this.#up);
    this.#up = false;
    if (this.#closed) {
      this.#cancelDeadline?.();
      this.#cancelDeadline = null;
      return;
    }
    const { hostClock, reconnect } = this.#options;
    const waitUs = this.#waitUs;
    this.#waitUs = Math.min(waitUs * 2, reconnect.mostUs);
    this.#cancelWait = hostClock.at(hostClock.nowUs() + waitUs, () => {
      this.#cancelWait = null;
      this.open();
    });
  }

  /** One timer for all requests of the line: it is set again only when it fires, not for every request. */
  #armDeadline(deadlineUs: Us): void {
    this.#cancelDeadline = this.#options.hostClock.at(deadlineUs, () => {
      this.#cancelDeadline = null;
      const pending = this.#pending;
      if (pending === null) return;
      if (this.#options.hostClock.nowUs() >= pending.deadlineUs) {
        this.#lose("timeout", "the device did not answer in time");
      } else this.#armDeadline(pending.deadlineUs);
    });
  }

  #tell(up: boolean, why: string): void {
    if (this.#closed || this.#toldUp === up) return;
    this.#toldUp = up;
    for (const run of this.linkListeners) run(up, why);
  }

  #announceIdle(): void {
    for (const run of this.idleListeners) if (this.idle()) run();
  }
}

const UNASKED = "the device sent bytes that nobody asked for";

/**
 * Reset, not closed: after a close the kernel would go on delivering an unsent request for minutes, and a
 * write that was given up must not reach the device later.
 */
function destroy(socket: Socket, connected: boolean): void {
  if (connected) socket.resetAndDestroy();
  else socket.destroy();
}
