import {
  controllerOf,
  type Claim,
  type ListenerMap,
  type Order,
  type Request,
} from "../codec/door/message.js";
import type { CommandArrived, Input } from "../kernel/step/input.js";
import type { Reply } from "../kernel/step/effect.js";
import { answerPdu, readCommand, type Command } from "./command.js";
import { fromHost, type HostClock } from "./host-clock.js";
import { Inbox } from "./inbox.js";
import type { SouthRead, Us } from "./ports.js";
import { whyWords } from "./own-unit.js";

/** Commands taken from the inbox before other work of the loop gets its turn. */
const BATCH = 64;
/** Commands of one controller with the kernel and not answered: below the kernel's own bound, which is "busy". */
const WITH_KERNEL_MOST = 64;
const INBOX_MOST = 512;
/** A door that leaves more unanswered than this does not keep to its config. */
const TICKETS_MOST = 8_192;
const CONNECTIONS_MOST = 4_096;

export type DeskNeeds = {
  readonly clock: HostClock;
  readonly listeners: readonly ListenerMap[];
  readonly ownUnit: number;
  /** Lease register of each controller on the own unit; null: it has none. */
  readonly leaseRegisters: readonly (number | null)[];
  /** How old a beat of each controller may be, as its commands. */
  readonly beatMaxAgesUs: readonly Us[];
  readonly newId: () => Uint8Array;
  readonly tell: (input: Input) => void;
  /** Reads the device after its write went through, for FC23. */
  readonly readSouth: (
    device: number,
    read: SouthRead,
    done: (read: { readonly words: readonly number[] } | null) => void,
  ) => void;
  readonly mayRead: (device: number, read: SouthRead) => boolean;
};

/** One door's end of its socket, as the guard sees it. */
export type DoorSession = {
  /** False: it does not keep to the protocol, and must be cut off. */
  readonly receive: (claim: Claim) => boolean;
  /** The door is gone; its clients' unsent commands are withdrawn. */
  readonly close: () => void;
};

/**
 * Takes what doors claim and decides whose it is; keeps every command in its controller's queue until the
 * kernel has room for it; sends every answer back to where its command came from, exactly once.
 */
export class CommandDesk {
  readonly #needs: DeskNeeds;
  readonly #inbox: Inbox;
  readonly #tickets = new Map<number, Ticket>();
  readonly #withKernel: number[];
  /** One past the profile's controllers: whoever they are, they share one queue and can be none of them. */
  readonly #nobody: number;
  #nextTicket = 0;
  #scheduled = false;
  #draining = false;
  /** Requests of clients that the profile does not know. */
  strangers = 0;

  constructor(needs: DeskNeeds) {
    this.#needs = needs;
    this.#nobody = needs.leaseRegisters.length;
    this.#inbox = new Inbox(this.#nobody + 1, INBOX_MOST);
    this.#withKernel = [...needs.leaseRegisters.map(() => 0), 0];
  }

  /** Commands that have not been answered. */
  get open(): number {
    return this.#tickets.size;
  }

  openSession(send: (order: Order) => void): DoorSession {
    const session: Session = { send, connections: new Map(), open: true };
    return {
      receive: (claim) => this.#receive(session, claim),
      close: () => {
        session.open = false;
        for (const connection of [...session.connections.keys()]) this.#gone(session, connection);
      },
    };
  }

  /**
   * The kernel has answered, and what its answer names is durable.
   * @returns whose command it was; null: nobody's any more
   */
  deliver(reply: Reply): number | null {
    const ticket = this.#tickets.get(reply.ticket);
    if (ticket === undefined) return null;
    this.#leaveKernel(ticket);
    const { command } = ticket;
    if (reply.exception !== null || command.readAfter === null) {
      this.#answer(reply.ticket, ticket, answerPdu(command, reply.exception), reply);
      return ticket.controller;
    }
    const { readAfter } = command;
    this.#needs.readSouth(command.device, readAfter, (read) => {
      const pdu = answerPdu(command, null, read?.words ?? null);
      this.#answer(reply.ticket, ticket, pdu, reply);
    });
    return ticket.controller;
  }

  /** Gives waiting commands to the kernel, in turn among controllers, as far as it has room. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let given = 0; given < BATCH; given++) {
      const command = this.#inbox.take(this.#hasRoom);
      if (command === null) break;
      this.#withKernel[command.controller] = (this.#withKernel[command.controller] ?? 0) + 1;
      const ticket = this.#tickets.get(command.ticket);
      if (ticket !== undefined) ticket.withKernel = true;
      this.#needs.tell(command);
    }
    this.#draining = false;
    if (this.#inbox.length > 0) this.#schedule();
  }

  readonly #hasRoom = (controller: number): boolean =>
    (this.#withKernel[controller] ?? 0) < WITH_KERNEL_MOST;

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.drain();
    });
  }

  #receive(session: Session, claim: Claim): boolean {
    switch (claim.kind) {
      case "open": {
        if (session.connections.size >= CONNECTIONS_MOST) return false;
        const listener = this.#needs.listeners[claim.listener];
        if (listener === undefined) return false;
        session.connections.set(claim.connection, {
          listener,
          controller: controllerOf(listener, claim.peer),
          tickets: new Set(),
        });
        return true;
      }
      case "gone":
        this.#gone(session, claim.connection);
        return true;
      case "request":
        return this.#request(session, claim);
      // Told to the caller of `openSession`; nothing here follows from them.
      case "hello":
      case "counts":
      case "listening":
      case "fault":
        return true;
    }
  }

  #request(session: Session, request: Request): boolean {
    const connection = session.connections.get(request.connection);
    if (connection === undefined || this.#tickets.size >= TICKETS_MOST) return false;
    const answerNow = (pdu: Uint8Array): true => {
      session.send({ kind: "reply", ticket: request.ticket, pdu, why: null });
      return true;
    };
    if (connection.controller === null) this.strangers += 1;
    // Nobody's request goes the way of all: judged, refused for its identity, and on record.
    const controller = connection.controller ?? this.#nobody;
    if (this.#isBeat(request, controller)) {
      // One that waited somewhere says nothing about whether its controller lives now.
      if (this.#isOld(request, controller)) return answerNow(STALE_BEAT);
      const value = ((request.pdu[3] ?? 0) << 8) | (request.pdu[4] ?? 0);
      this.#needs.tell({ kind: "beat", controller, value });
      return answerNow(request.pdu);
    }
    const command = readCommand(request, {
      device: deviceOf(connection.listener, request.unit, this.#needs.ownUnit),
      mayRead: this.#needs.mayRead,
    });
    const number = this.#nextTicket;
    this.#nextTicket += 1;
    const arrived = this.#arrived(number, request, { controller, command });
    this.#tickets.set(number, {
      session,
      connection,
      doorTicket: request.ticket,
      controller,
      command,
      withKernel: false,
    });
    connection.tickets.add(number);
    if (!this.#inbox.push(arrived)) this.#refuse(arrived, "busy");
    this.#schedule();
    return true;
  }

  #arrived(
    ticket: number,
    request: Request,
    whose: { readonly controller: number; readonly command: Command },
  ): CommandArrived {
    return {
      kind: "command",
      ticket,
      id: this.#needs.newId(),
      controller: whose.controller,
      door: "modbus-tcp",
      auth: "address",
      bytes: request.pdu,
      bytesHash: null,
      arrivedUs: fromHost(this.#needs.clock, request.receivedHostUs),
      request: whose.command.write,
      refusal: whose.command.refusal,
    };
  }

  /** Refused on record, like everything else: the kernel counts what is alike. */
  #refuse(arrived: CommandArrived, refusal: "busy" | "withdrawn"): void {
    this.#needs.tell({ ...arrived, request: null, refusal });
  }

  #isOld(request: Request, controller: number): boolean {
    const { clock, beatMaxAgesUs } = this.#needs;
    const ageUs = clock.nowUs() - fromHost(clock, request.receivedHostUs);
    return !(ageUs <= (beatMaxAgesUs[controller] ?? -1));
  }

  #isBeat(request: Request, controller: number): boolean {
    const { pdu, unit } = request;
    if (unit !== this.#needs.ownUnit || pdu[0] !== 6 || pdu.length !== 5) return false;
    const register = this.#needs.leaseRegisters[controller] ?? null;
    return register !== null && (((pdu[1] ?? 0) << 8) | (pdu[2] ?? 0)) === register;
  }

  #gone(session: Session, key: number): void {
    const connection = session.connections.get(key);
    if (connection === undefined) return;
    session.connections.delete(key);
    for (const number of connection.tickets) {
      const ticket = this.#tickets.get(number);
      if (ticket === undefined) continue;
      if (ticket.withKernel) {
        this.#needs.tell({ kind: "command-gone", ticket: number });
        continue;
      }
      // Never judged, and on record all the same; the answer gives the door its room back.
      const arrived = this.#inbox.withdraw(number);
      if (arrived !== null) this.#refuse(arrived, "withdrawn");
    }
    connection.tickets.clear();
  }

  #leaveKernel(ticket: Ticket): void {
    if (!ticket.withKernel) return;
    ticket.withKernel = false;
    this.#withKernel[ticket.controller] = (this.#withKernel[ticket.controller] ?? 1) - 1;
    if (this.#inbox.length > 0) this.#schedule();
  }

  #answer(number: number, ticket: Ticket, pdu: Uint8Array, reply: Reply): void {
    this.#tickets.delete(number);
    ticket.connection.tickets.delete(number);
    if (!ticket.session.open) return;
    const why = whyWords(reply.why, this.#needs.clock.nowUs());
    ticket.session.send({ kind: "reply", ticket: ticket.doorTicket, pdu, why });
  }
}

type Session = {
  readonly send: (order: Order) => void;
  readonly connections: Map<number, ClientConnection>;
  open: boolean;
};

type ClientConnection = {
  readonly listener: ListenerMap;
  readonly controller: number | null;
  readonly tickets: Set<number>;
};

type Ticket = {
  readonly session: Session;
  readonly connection: ClientConnection;
  readonly doorTicket: number;
  readonly controller: number;
  readonly command: Command;
  withKernel: boolean;
};

/** FC6 refused by exception 6, server device busy. */
const STALE_BEAT: Uint8Array = Uint8Array.of(0x86, 6);

/** Own unit and unlisted units are no device; which of the two decides how it is refused. */
function deviceOf(listener: ListenerMap, unit: number, ownUnit: number): number | "own" | null {
  if (unit === ownUnit) return "own";
  for (const [listed, device] of listener.units) if (listed === unit) return device;
  return null;
}
