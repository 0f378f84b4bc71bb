import type { Socket } from "node:net";
import { ADU_BYTES_MAX, MBAP_BYTES } from "../../codec/modbus/limits.js";
import {
  createMbapReader,
  feedMbap,
  readFrame,
  unfinishedBytes,
  type MbapFrame,
  type MbapReader,
} from "../../codec/modbus/mbap.js";

/** Frames one connection may have served before the others get their turn. */
const QUANTUM = 64;
/** No door takes more than this in flight on one connection, whatever the config says. */
const IN_FLIGHT_MAX = 256;

/**
 * Bytes that may wait here behind a full set of requests, each with the time it came. Beyond it the socket is not
 * read: what stands there then cannot tell how long it has waited.
 */
const WAITING_BYTES_MOST = 16_384;
/** However small the pieces are that it comes in. */
const WAITING_CHUNKS_MOST = 64;
/** What one read of a socket takes at most: what is less was all there was. */
const READ_BYTES = 65_536;
/** After its end is sent, a client that takes neither that nor its answers is cut off. */
const LINGER_MS = 2_000;

/** Room for the answers of one turn: a quantum of new ones behind a full set of those that waited. */
export const OUTPUT_BYTES: number = (QUANTUM + IN_FLIGHT_MAX) * ADU_BYTES_MAX;

/** A request that was taken and is not answered: answers leave in the order of the requests. */
export type Slot = {
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Uint8Array;
  /** Null: not answered yet. */
  answer: Uint8Array | null;
  /** Stood behind another request when it came; the door answers it itself when its turn comes. */
  readonly deferred: boolean;
};

/** What a connection needs of its door. */
export type Desk = {
  readonly inFlight: number;
  readonly output: Uint8Array;
  /**
   * Answers at once: writes the PDU to `output` at `at` and returns its length; 0 when the guard must be
   * asked. `pdu` lives only during the call.
   */
  readonly serve: (from: Connection, unit: number, pdu: Uint8Array, at: number) => number;
  /** Hands a request to the guard, which fills `slot.answer` later; false: no room now, try again in turn. */
  readonly submit: (from: Connection, slot: Slot, receivedHostUs: number) => boolean;
  /** Asks for a turn later: fair among all connections. */
  readonly queue: (who: Connection, until: "turn" | "room") => void;
  readonly closed: (who: Connection, junk: boolean) => void;
};

/** The claim a connection makes, and whom the door takes it for. */
export type Caller = {
  readonly id: number;
  readonly listener: number;
  readonly peer: string;
  readonly controller: number | null;
};

/**
 * One client. Takes whole frames in order, answers in order, and takes no more while more is in flight than
 * allowed, while the guard has no room, or while the client does not read. What comes meanwhile waits here with
 * the time it came, and beyond a bound in the socket: held here are at most {@link WAITING_BYTES_MOST} and one chunk
 * of the socket, `inFlight` requests and one turn's answers.
 */
export class Connection {
  readonly caller: Caller;
  /** Half a frame, or output that nobody reads, and how often things have moved: the door's patience ends. */
  stuck = false;
  moves = 0;
  /** Last gap of the loop that this connection's input has been aged for. */
  gapsSeen = 0;
  /** Stands in one of the desk's queues. */
  queued = false;
  readonly #socket: Socket;
  readonly #desk: Desk;
  readonly #slots: Slot[] = [];
  readonly #reader: MbapReader = createMbapReader();
  #open = true;
  /** A whole frame that could not be taken yet. */
  #held: MbapFrame | null = null;
  #receivedHostUs = 0;
  #waiting: Chunk[] = [];
  #waitingBytes = 0;
  /** The socket was not read from then on, and has not been seen empty since; null: it is read as it comes. */
  #unreadSinceHostUs: number | null = null;
  /** Since the door last looked: bytes came; so few at once that the socket was empty then; it was not read for a while. */
  #heard = false;
  #emptied = false;
  #paused = false;
  #outputAt = 0;
  #unread = false;
  #linger: NodeJS.Timeout | null = null;

  constructor(socket: Socket, desk: Desk, caller: Caller) {
    this.caller = caller;
    this.#socket = socket;
    this.#desk = desk;
    socket.on("drain", () => {
      this.#unread = false;
      this.moves += 1;
      this.turn();
    });
    socket.on("error", () => {
      socket.destroy();
    });
    socket.on("close", () => {
      this.close(false);
      if (this.#linger !== null) clearTimeout(this.#linger);
    });
  }

  /** New bytes; `receivedHostUs` is when they came in, at the latest. */
  take(chunk: Uint8Array, receivedHostUs: number): void {
    if (!this.#open) return;
    this.#heard = true;
    this.#emptied ||= chunk.length < READ_BYTES;
    const sinceHostUs = Math.min(receivedHostUs, this.#unreadSinceHostUs ?? Infinity);
    this.#waiting.push({ bytes: chunk, receivedHostUs: sinceHostUs });
    this.#waitingBytes += chunk.length;
    this.turn();
  }

  /**
   * Called now and then. Where the socket was read all the time since the last call, and nothing came or less than one
   * read takes, it stood empty: what comes from here on has not waited in it.
   */
  look(): void {
    const stoodEmpty = !this.#heard || this.#emptied;
    if (stoodEmpty && !this.#paused) this.#unreadSinceHostUs = null;
    this.#heard = false;
    this.#emptied = false;
    this.#paused = this.#socket.isPaused();
  }

  /** The guard answered one of this connection's slots. Call {@link turn} after the last of a batch. */
  settle(slot: Slot, answer: Uint8Array): void {
    slot.answer = answer;
  }

  /** Answers what is due and takes what it may; never more than a quantum at once. */
  turn(): void {
    if (!this.#open) return;
    this.#outputAt = 0;
    this.#answerSlots();
    let state: TurnState = this.#unread ? "unread" : "taken";
    for (let taken = 0; state === "taken"; taken++) {
      state = taken >= QUANTUM ? "turn" : this.#takeFrame();
    }
    this.#flush();
    if (state === "junk") {
      this.close(true);
      return;
    }
    if (state === "turn" || state === "room") this.#desk.queue(this, state);
    this.#steer(state);
  }

  close(junk: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    this.#held = null;
    this.#slots.length = 0;
    this.#waiting = [];
    // Who does not read would keep the socket open for ever: `destroySoon` waits for what is written to be taken.
    if (this.#unread) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#linger = setTimeout(() => {
      this.#socket.destroy();
    }, LINGER_MS);
    this.#desk.closed(this, junk);
  }

  #takeFrame(): TurnState {
    const frame = this.#held ?? this.#readFrame();
    if (frame.kind === "more") return "more";
    if (frame.kind === "fault") return "junk";
    this.#held = frame;
    if (this.#slots.length >= this.#desk.inFlight) return "full";
    if (!this.#serveNow(frame) && !this.#takeSlot(frame)) return "room";
    this.#held = null;
    this.moves += 1;
    return "taken";
  }

  #readFrame(): ReturnType<typeof readFrame> {
    for (;;) {
      const frame = readFrame(this.#reader);
      const next = frame.kind === "more" ? this.#waiting.shift() : undefined;
      if (next === undefined) return frame;
      this.#waitingBytes -= next.bytes.length;
      // Half a frame from before keeps the older time: doubt makes a command older.
      if (unfinishedBytes(this.#reader) === 0) this.#receivedHostUs = next.receivedHostUs;
      feedMbap(this.#reader, next.bytes);
    }
  }

  /** Only where nothing waits: answers keep the order of the requests. */
  #serveNow({ transaction, unit, pdu }: MbapFrame): boolean {
    if (this.#slots.length > 0) return false;
    const bytes = this.#desk.serve(this, unit, pdu, this.#outputAt + MBAP_BYTES);
    if (bytes > 0) this.#putHeader(transaction, unit, bytes);
    return bytes > 0;
  }

  #takeSlot({ transaction, unit, pdu }: MbapFrame): boolean {
    const deferred = this.#slots.length > 0 && isServable(pdu);
    const slot: Slot = { transaction, unit, pdu: pdu.slice(), answer: null, deferred };
    if (!deferred && !this.#desk.submit(this, slot, this.#receivedHostUs)) return false;
    this.#slots.push(slot);
    // Without a guard the desk answers at once.
    if (slot.answer !== null) this.#answerSlots();
    return true;
  }

  #answerSlots(): void {
    for (let slot = this.#slots[0]; slot !== undefined; slot = this.#slots[0]) {
      const at = this.#outputAt + MBAP_BYTES;
      let bytes = 0;
      if (slot.answer !== null) {
        this.#desk.output.set(slot.answer, at);
        bytes = slot.answer.length;
      } else if (slot.deferred) {
        bytes = this.#serveDeferred(slot, at);
      } else return;
      this.#putHeader(slot.transaction, slot.unit, bytes);
      this.#slots.shift();
    }
  }

  /** What the desk would rather have recorded but cannot any more is a function it does not grant. */
  #serveDeferred(slot: Slot, at: number): number {
    const bytes = this.#desk.serve(this, slot.unit, slot.pdu, at);
    if (bytes > 0) return bytes;
    this.#desk.output[at] = (slot.pdu[0] ?? 0) | 0x80;
    this.#desk.output[at + 1] = 1;
    return 2;
  }

  #putHeader(transaction: number, unit: number, pduBytes: number): void {
    const out = this.#desk.output;
    const at = this.#outputAt;
    const length = pduBytes + 1;
    out[at] = transaction >> 8;
    out[at + 1] = transaction & 0xff;
    out[at + 2] = 0;
    out[at + 3] = 0;
    out[at + 4] = length >> 8;
    out[at + 5] = length & 0xff;
    out[at + 6] = unit;
    this.#outputAt = at + MBAP_BYTES + pduBytes;
  }

  /** One write for all answers of the turn; copied, for the next turn of anyone reuses the memory. */
  #flush(): void {
    if (this.#outputAt === 0) return;
    const bytes = Buffer.allocUnsafe(this.#outputAt);
    bytes.set(this.#desk.output.subarray(0, this.#outputAt));
    this.#outputAt = 0;
    if (!this.#socket.write(bytes)) this.#unread = true;
  }

  /** Reads on while there is room for what comes; once there was none, only when all of it was taken. */
  #steer(state: TurnState): void {
    const waits = this.#unread || state !== "more";
    const paused = this.#socket.isPaused();
    if (!waits && paused) this.#socket.resume();
    if (waits && !paused && this.#isFull()) {
      this.#socket.pause();
      this.#paused = true;
      // No later than the newest of what waits here: nothing behind it was read, whenever it came.
      this.#unreadSinceHostUs ??= this.#waiting.at(-1)?.receivedHostUs ?? this.#receivedHostUs;
    }
    this.stuck = this.#unread || (state === "more" && unfinishedBytes(this.#reader) > 0);
  }

  #isFull(): boolean {
    return this.#waitingBytes >= WAITING_BYTES_MOST || this.#waiting.length >= WAITING_CHUNKS_MOST;
  }
}

type Chunk = { readonly bytes: Uint8Array; readonly receivedHostUs: number };

/** `more`: everything whole was taken. All others but `taken` say what a frame waits for. */
type TurnState = "taken" | "more" | "full" | "room" | "turn" | "unread" | "junk";

/** Functions a door may answer by itself; the desk decides when it comes to it. */
function isServable(pdu: Uint8Array): boolean {
  const code = pdu[0] ?? 0;
  return (code >= 1 && code <= 4) || (code === 43 && pdu[1] === 0x0e);
}
