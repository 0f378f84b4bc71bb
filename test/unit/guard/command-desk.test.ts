import { describe, expect, it } from "vitest";
import type { Order } from "../../../src/codec/door/message.js";
import { CommandDesk, type DoorSession } from "../../../src/guard/command-desk.js";
import type { Reply } from "../../../src/kernel/step/effect.js";
import type { Input } from "../../../src/kernel/step/input.js";
import { createManualClock } from "../../support/host-clock.js";

const OWN_UNIT = 247;
const LEASE_REGISTER = 3;
/** What may be with the kernel, and what may wait for it, of one controller. */
const WITH_KERNEL = 64;
const INBOX = 512;
const BEAT_MAX_AGE_US = 500_000;

type Desk = {
  readonly session: DoorSession;
  readonly told: Input[];
  readonly orders: Order[];
  readonly ask: (connection: number, unit: number, pdu: readonly number[]) => boolean;
  readonly drain: () => void;
  /** The kernel refuses everything it was told and has not answered. */
  readonly refuseAll: () => void;
  readonly advance: (byUs: number) => void;
};

/** Two clients, each its own controller; the kernel takes what it is told and answers nothing. */
function openDesk(): Desk {
  const told: Input[] = [];
  const orders: Order[] = [];
  const manual = createManualClock();
  const startUs = manual.nowUs();
  const clock = { ...manual, hostUs: () => manual.nowUs() - startUs, scale: 1 };
  const desk = new CommandDesk({
    clock,
    listeners: [
      {
        host: "127.0.0.1",
        port: 0,
        units: [[1, 0]],
        peers: [
          ["10.0.0.1", 0],
          ["10.0.0.2", 1],
        ],
      },
    ],
    ownUnit: OWN_UNIT,
    leaseRegisters: [LEASE_REGISTER, null],
    beatMaxAgesUs: [BEAT_MAX_AGE_US, BEAT_MAX_AGE_US],
    newId: () => new Uint8Array(16),
    tell: (input) => void told.push(input),
    readSouth: () => undefined,
    mayRead: () => true,
  });
  const session = desk.openSession((order) => void orders.push(order));
  session.receive({ kind: "open", connection: 0, listener: 0, peer: "10.0.0.1" });
  session.receive({ kind: "open", connection: 1, listener: 0, peer: "10.0.0.2" });
  session.receive({ kind: "open", connection: 2, listener: 0, peer: "10.0.0.3" });
  let ticket = 0;
  return {
    session,
    told,
    orders,
    ask: (connection, unit, pdu) =>
      session.receive({
        kind: "request",
        ticket: (ticket += 1),
        connection,
        unit,
        pdu: Uint8Array.from(pdu),
        receivedHostUs: 0,
      }),
    drain: () => {
      // More often than there are commands: what does not go now, does not go.
      for (let turn = 0; turn < 20; turn += 1) desk.drain();
    },
    refuseAll: () => {
      for (const input of told.splice(0)) {
        if (input.kind === "command") desk.deliver(refusalOf(input.ticket));
      }
    },
    advance: manual.advance,
  };
}

const refusalOf = (ticket: number): Reply => ({
  kind: "reply",
  ticket,
  exception: 6,
  verdict: "deny",
  seq: null,
  why: {
    verdict: "deny",
    code: "withdrawn",
    rule: null,
    output: null,
    asked: null,
    nearest: null,
    freeUs: null,
    seq: null,
    atUs: 0,
  },
});

const commands = (told: readonly Input[], controller: number): readonly Input[] =>
  told.filter((input) => input.kind === "command" && input.controller === controller);
const busy = (told: readonly Input[]): readonly Input[] =>
  told.filter((input) => input.kind === "command" && input.refusal === "busy");

describe("commands that come in faster than they are judged", () => {
  it("wait up to a bound and are refused as busy beyond it, one controller at a time [HP-055 allows] [HP-055 refuses]", () => {
    const { ask, told, drain } = openDesk();
    for (let count = 0; count < INBOX; count += 1) expect(ask(0, 1, [6, 0, 41, 0, 1])).toBe(true);
    expect(busy(told)).toEqual([]);
    ask(0, 1, [6, 0, 41, 0, 2]);
    expect(busy(told)).toMatchObject([{ controller: 0, request: null }]);
    ask(1, 1, [6, 0, 41, 0, 3]);
    expect(busy(told)).toHaveLength(1);
    drain();
    expect(commands(told, 0)).toHaveLength(WITH_KERNEL + 1);
    expect(commands(told, 1)).toHaveLength(1);
  });
});

describe("a client that goes", () => {
  it("leaves what was not judged yet as refused, on record, and the door gets each place back [HP-055 refuses]", () => {
    const { session, ask, told, orders, refuseAll } = openDesk();
    for (let count = 0; count < 3; count += 1) ask(0, 1, [6, 0, 41, 0, count]);
    ask(1, 1, [6, 0, 41, 0, 9]);
    expect(told).toEqual([]);
    session.receive({ kind: "gone", connection: 0 });
    const gone = { kind: "command", controller: 0, request: null, refusal: "withdrawn" };
    expect(told).toMatchObject([gone, gone, gone]);
    refuseAll();
    expect(orders).toMatchObject([1, 2, 3].map((ticket) => ({ kind: "reply", ticket })));
  });

  it("with what the kernel has is told to the kernel, which answers [HP-055 allows]", () => {
    const { session, ask, told, drain } = openDesk();
    ask(0, 1, [6, 0, 41, 0, 1]);
    drain();
    session.receive({ kind: "gone", connection: 0 });
    expect(told).toMatchObject([{ kind: "command", refusal: null }, { kind: "command-gone" }]);
  });
});

describe("a beat", () => {
  it("is a write of the controller's own lease register [HP-031 allows]", () => {
    const { ask, told, orders } = openDesk();
    ask(0, OWN_UNIT, [6, 0, LEASE_REGISTER, 0x12, 0x34]);
    expect(told).toEqual([{ kind: "beat", controller: 0, value: 0x1234 }]);
    expect(orders).toMatchObject([{ kind: "reply", why: null }]);
  });

  it("that waited somewhere longer than a command may gives nothing, and is refused [HP-031 refuses]", () => {
    const { ask, told, orders, advance } = openDesk();
    advance(BEAT_MAX_AGE_US + 1);
    ask(0, OWN_UNIT, [6, 0, LEASE_REGISTER, 0x12, 0x34]);
    expect(told).toEqual([]);
    expect(orders).toMatchObject([{ kind: "reply", pdu: Uint8Array.of(0x86, 6) }]);
  });

  it("is no read, no other write, and nobody else's write [HP-031 refuses]", () => {
    const { ask, told, drain } = openDesk();
    ask(0, OWN_UNIT, [3, 0, LEASE_REGISTER, 0, 1]);
    ask(0, OWN_UNIT, [4, 0, 0, 0, 6]);
    ask(0, 1, [3, 0, 41, 0, 1]);
    ask(0, 1, [6, 0, LEASE_REGISTER, 0, 1]);
    ask(0, OWN_UNIT, [6, 0, LEASE_REGISTER + 1, 0, 1]);
    ask(0, OWN_UNIT, [6, 0, LEASE_REGISTER, 0]);
    ask(0, OWN_UNIT, [16, 0, LEASE_REGISTER, 0, 1, 2, 0, 1]);
    ask(1, OWN_UNIT, [6, 0, LEASE_REGISTER, 0, 1]);
    ask(2, OWN_UNIT, [6, 0, LEASE_REGISTER, 0, 1]);
    drain();
    expect(told).toHaveLength(9);
    expect(told.filter(({ kind }) => kind === "beat")).toEqual([]);
  });

  it("of a client that nobody knows goes to the kernel as nobody's, to be refused on record", () => {
    const { ask, told, drain } = openDesk();
    ask(2, 1, [6, 0, LEASE_REGISTER, 0, 1]);
    drain();
    expect(told).toMatchObject([{ kind: "command", controller: 2, refusal: null }]);
  });
});
