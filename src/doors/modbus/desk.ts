import type {
  Claim,
  Config,
  Counts,
  DoorTable,
  ListenerMap,
  Order,
} from "../../codec/door/message.js";
import { READ_BITS_MAX, READ_WORDS_MAX, TABLE_ADDRESSES } from "../../codec/modbus/limits.js";
import { readWord } from "../../codec/modbus/word.js";
import { OUTPUT_BYTES, type Connection, type Desk, type Slot } from "./connection.js";
import { answerIdentity } from "./identity.js";
import { OwnUnit } from "./own-unit.js";
import { READ_STALE, Replica, type ReadAsk } from "./replica.js";

/** By function code (Modbus application protocol 6.1 to 6.4). */
const QUANTITY_MAX: readonly number[] = [
  0,
  READ_BITS_MAX,
  READ_BITS_MAX,
  READ_WORDS_MAX,
  READ_WORDS_MAX,
];
const TABLE_OF: readonly DoorTable[] = [0, 0, 1, 3, 2];
const WHY_BLOCK_AT = 16;
const TICKETS = 0x1_0000_0000;

export type DeskNeeds = {
  readonly hostNowUs: () => number;
  /** False: there is no guard, and the claim was not taken. */
  readonly send: (claim: Claim) => boolean;
  readonly closed: (who: Connection, junk: boolean) => void;
};

/**
 * Answers what a door answers alone (definitions.md) and carries everything else to the guard and back.
 * Room with the guard is shared in turn among connections: who waits longest is served first, however
 * many requests somebody else has ready.
 */
export class ModbusDesk implements Desk {
  readonly output: Uint8Array = new Uint8Array(OUTPUT_BYTES);
  readonly inFlight: number;
  readonly #needs: DeskNeeds;
  readonly #config: Config;
  readonly #replica: Replica;
  readonly #own: OwnUnit;
  readonly #unitMaps: readonly Int32Array[];
  readonly #functions: readonly Uint8Array[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #roomQueue: Connection[] = [];
  readonly #turnQueue: Connection[] = [];
  readonly #dirty = new Set<Connection>();
  #turnsScheduled = false;
  #servingRoom = false;
  #nextTicket = 0;
  #counts = noCounts();

  constructor(config: Config, needs: DeskNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.inFlight = Math.max(1, config.limits.inFlight);
    this.#replica = new Replica(config);
    this.#own = new OwnUnit(config.functions.length);
    this.#unitMaps = config.listeners.map(unitMap);
    this.#functions = config.functions.map(functionMap);
  }

  serve(from: Connection, unit: number, pdu: Uint8Array, at: number): number {
    const code = pdu[0] ?? 0;
    if (code === 43) return this.#serveIdentity(from, unit, pdu, at);
    if (code < 1 || code > 4 || !this.#mayUse(from, code)) return 0;
    this.#counts.reads += 1;
    const refusal = this.#refusalOf(from, unit, pdu);
    if (refusal !== 0) return this.#refuse(code, refusal, at);
    const ask = {
      function: code,
      device: this.#deviceOf(from, unit),
      table: TABLE_OF[code] ?? 0,
      address: readWord(pdu, 1),
      quantity: readWord(pdu, 3),
    };
    if (unit === this.#config.ownUnit) return this.#serveOwn(from, ask, at);
    const length = this.#replica.read(ask, this.#needs.hostNowUs(), this.output, at);
    if (length > 0) return length;
    return this.#refuseRead(code, length === READ_STALE ? 0x0b : 2, at);
  }

  submit(from: Connection, slot: Slot, receivedHostUs: number): boolean {
    const roomless = this.#waiting.size >= this.#config.limits.guardInFlight;
    if (roomless || (this.#roomQueue.length > 0 && !this.#servingRoom)) return false;
    const ticket = this.#nextTicket;
    const taken = this.#needs.send({
      kind: "request",
      ticket,
      connection: from.caller.id,
      unit: slot.unit,
      pdu: slot.pdu,
      receivedHostUs,
    });
    if (!taken) {
      // Never submitted, so surely not done.
      slot.answer = exception(slot.pdu[0] ?? 0, 4);
      return true;
    }
    this.#nextTicket = (ticket + 1) % TICKETS;
    this.#waiting.set(ticket, { from, slot });
    return true;
  }

  queue(who: Connection, until: "turn" | "room"): void {
    if (who.queued) return;
    who.queued = true;
    if (until === "room") {
      this.#roomQueue.push(who);
      return;
    }
    this.#turnQueue.push(who);
    if (this.#turnsScheduled) return;
    this.#turnsScheduled = true;
    setImmediate(() => {
      this.#giveTurns();
    });
  }

  closed(who: Connection, junk: boolean): void {
    if (junk) this.#counts.frameFaults += 1;
    this.#needs.closed(who, junk);
  }

  countRefusal(): void {
    this.#counts.refusedConnections += 1;
  }

  /** Everything but `config` and `stop`, which are the door's. */
  obey(order: Exclude<Order, { kind: "config" | "stop" }>): void {
    switch (order.kind) {
      case "reply":
        this.#settle(order.ticket, order.pdu, order.why);
        return;
      case "image":
        this.#replica.refresh(order.block, order.takenHostUs, order.cells);
        return;
      case "patch":
        this.#replica.patch(order.device, order.table, order.start, order.cells);
        return;
      case "device":
        this.#replica.setAnswering(order.device, order.answering);
        return;
      case "own":
        this.#own.store(order, this.#needs.hostNowUs());
    }
  }

  /** Sends what the last orders answered, then gives the freed room to those who wait for it. */
  settleTurns(): void {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const who of dirty) who.turn();
    for (let left = this.#roomQueue.length; left > 0; left--) {
      if (this.#waiting.size >= this.#config.limits.guardInFlight) return;
      const who = this.#roomQueue.shift();
      if (who === undefined) return;
      who.queued = false;
      this.#servingRoom = true;
      who.turn();
      this.#servingRoom = false;
    }
  }

  /** The guard is gone: what it was asked may have been done, or may not. */
  abandon(): void {
    for (const { from, slot } of this.#waiting.values()) {
      from.settle(slot, exception(slot.pdu[0] ?? 0, 0x0b));
      this.#dirty.add(from);
    }
    this.#waiting.clear();
    this.settleTurns();
  }

  takeCounts(connections: number): Counts {
    const counts = { ...this.#counts, connections };
    this.#counts = noCounts();
    return counts;
  }

  #settle(ticket: number, pdu: Uint8Array, why: Uint8Array | null): void {
    const waiting = this.#waiting.get(ticket);
    if (waiting === undefined) return;
    this.#waiting.delete(ticket);
    const { from, slot } = waiting;
    const { controller } = from.caller;
    if (controller !== null) {
      if (why !== null) {
        const push = { controller, start: WHY_BLOCK_AT, words: why };
        this.#own.store(push, this.#needs.hostNowUs());
      }
      if (slot.unit === this.#config.ownUnit && pdu[0] === 6) {
        this.#own.storeBeat(controller, readWord(slot.pdu, 3));
      }
    }
    from.settle(slot, pdu);
    this.#dirty.add(from);
  }

  /** A snapshot: who asks again meanwhile waits for the next round. */
  #giveTurns(): void {
    this.#turnsScheduled = false;
    for (const who of this.#turnQueue.splice(0)) {
      who.queued = false;
      who.turn();
    }
  }

  /** Exception for a read that cannot be looked up at all; 0: it can. */
  #refusalOf(from: Connection, unit: number, pdu: Uint8Array): number {
    if (this.#deviceOf(from, unit) < 0 && unit !== this.#config.ownUnit) {
      this.#counts.unitFaults += 1;
      return 0x0a;
    }
    const quantity = readWord(pdu, 3);
    if (pdu.length !== 5 || quantity < 1 || quantity > (QUANTITY_MAX[pdu[0] ?? 0] ?? 0)) {
      this.#counts.malformedReads += 1;
      return 3;
    }
    if (readWord(pdu, 1) + quantity <= TABLE_ADDRESSES) return 0;
    this.#counts.unmappedReads += 1;
    return 2;
  }

  #serveOwn(from: Connection, ask: ReadAsk, at: number): number {
    const code = ask.function;
    if (code !== 3 && code !== 4) return this.#refuseRead(code, 2, at);
    const { controller } = from.caller;
    const pdu = this.#own.read(controller, { ...ask, function: code }, this.#needs.hostNowUs());
    if (typeof pdu === "number") return this.#refuseRead(code, pdu, at);
    this.output.set(pdu, at);
    return pdu.length;
  }

  #serveIdentity(from: Connection, unit: number, pdu: Uint8Array, at: number): number {
    const listed = this.#deviceOf(from, unit) >= 0 || unit === this.#config.ownUnit;
    if (!listed || !this.#mayUse(from, 43)) return 0;
    const answer = answerIdentity(pdu, this.#config.identity);
    if (answer === null) return 0;
    this.output.set(answer, at);
    return answer.length;
  }

  #deviceOf(from: Connection, unit: number): number {
    return this.#unitMaps[from.caller.listener]?.[unit] ?? -1;
  }

  #mayUse(from: Connection, code: number): boolean {
    const { controller } = from.caller;
    return controller !== null && this.#functions[controller]?.[code] === 1;
  }

  #refuseRead(code: number, by: 2 | 0x0b, at: number): number {
    if (by === 2) this.#counts.unmappedReads += 1;
    else this.#counts.staleReads += 1;
    return this.#refuse(code, by, at);
  }

  #refuse(code: number, by: number, at: number): number {
    this.output[at] = code | 0x80;
    this.output[at + 1] = by;
    return 2;
  }
}

type Waiting = { readonly from: Connection; readonly slot: Slot };

function exception(code: number, by: number): Uint8Array {
  return Uint8Array.of(code | 0x80, by);
}

function unitMap(listener: ListenerMap): Int32Array {
  const map = new Int32Array(256).fill(-1);
  for (const [unit, device] of listener.units) map[unit] = device;
  return map;
}

function functionMap(functions: readonly number[] | null): Uint8Array {
  if (functions === null) return new Uint8Array(256).fill(1);
  const map = new Uint8Array(256);
  for (const code of functions) map[code] = 1;
  return map;
}

function noCounts(): { -readonly [Name in Exclude<keyof Counts, "connections">]: Counts[Name] } {
  return {
    reads: 0,
    staleReads: 0,
    unmappedReads: 0,
    malformedReads: 0,
    unitFaults: 0,
    frameFaults: 0,
    refusedConnections: 0,
  };
}
