import { describe, expect, it } from "vitest";
import { GapWatch } from "../../../src/guard/gap-watch.js";
import { Inbox } from "../../../src/guard/inbox.js";
import { Lateness } from "../../../src/guard/lateness.js";
import { ReplyGate } from "../../../src/guard/reply-gate.js";
import { startScans } from "../../../src/guard/scan-timer.js";
import type { Reply } from "../../../src/kernel/step/effect.js";
import type { CommandArrived } from "../../../src/kernel/step/input.js";
import { createManualClock } from "../../support/host-clock.js";

function command(ticket: number, controller: number): CommandArrived {
  return {
    kind: "command",
    ticket,
    id: new Uint8Array(16),
    controller,
    door: "modbus-tcp",
    auth: "address",
    bytes: new Uint8Array(0),
    bytesHash: null,
    arrivedUs: 0,
    request: null,
    refusal: "function",
  };
}

function reply(ticket: number, seq: number | null, verdict: Reply["verdict"] = "deny"): Reply {
  const why = {
    verdict,
    code: null,
    rule: null,
    output: null,
    asked: null,
    nearest: null,
    freeUs: null,
    seq,
    atUs: 0,
  };
  return { kind: "reply", ticket, seq, exception: verdict === "deny" ? 3 : null, verdict, why };
}

describe("the inbox", () => {
  it("serves controllers in turn, however much one of them has waiting [HP-055]", () => {
    const inbox = new Inbox(3, 10);
    for (let ticket = 0; ticket < 5; ticket++) inbox.push(command(ticket, 0));
    inbox.push(command(10, 1));
    inbox.push(command(20, 2));
    const order = Array.from({ length: 4 }, () => inbox.take(() => true)?.ticket);
    expect(order).toEqual([0, 10, 20, 1]);
  });

  it("takes no more than its limit from one controller, and still takes another's [HP-055 allows] [HP-055 refuses]", () => {
    const inbox = new Inbox(2, 3);
    const taken = Array.from({ length: 5 }, (_, ticket) => inbox.push(command(ticket, 0)));
    expect(taken).toEqual([true, true, true, false, false]);
    expect(inbox.push(command(9, 1))).toBe(true);
    expect(inbox.push(command(9, 2))).toBe(false);
    expect(inbox.length).toBe(4);
  });

  it("passes over a controller that may not go now, and keeps its commands", () => {
    const inbox = new Inbox(2, 10);
    inbox.push(command(1, 0));
    inbox.push(command(2, 1));
    expect(inbox.take((controller) => controller === 1)?.ticket).toBe(2);
    expect(inbox.take((controller) => controller === 1)).toBeNull();
    expect(inbox.take(() => true)?.ticket).toBe(1);
  });

  it("gives back a command whose client is gone, once", () => {
    const inbox = new Inbox(1, 10);
    inbox.push(command(1, 0));
    inbox.push(command(2, 0));
    expect(inbox.withdraw(1)).toMatchObject({ ticket: 1 });
    expect(inbox.withdraw(1)).toBeNull();
    expect(inbox.take(() => true)?.ticket).toBe(2);
  });
});

describe("the reply gate", () => {
  it("holds an answer until the record it names is durable, and not longer", () => {
    const released: number[] = [];
    const gate = new ReplyGate(({ ticket }) => released.push(ticket));
    gate.add(reply(1, 10));
    gate.add(reply(2, 12));
    gate.add(reply(3, null));
    expect(released).toEqual([3]);
    gate.open(11);
    expect(released).toEqual([3, 1]);
    gate.add(reply(4, 11));
    gate.open(12);
    expect(released).toEqual([3, 1, 4, 2]);
    expect(gate.held).toBe(0);
  });

  it("answers denials 4 and everything else 0x0B once evidence has failed, naming no number", () => {
    const released: Reply[] = [];
    const gate = new ReplyGate((one) => released.push(one));
    gate.add(reply(1, 10));
    gate.add(reply(2, 11, "permit"));
    gate.fail();
    expect(released.map(({ exception, seq }) => [exception, seq])).toEqual([
      [4, null],
      [0x0b, null],
    ]);
  });
});

describe("scans", () => {
  it("keep to an absolute schedule: a late one moves none of those after it", () => {
    const clock = createManualClock();
    const late: number[] = [];
    const stop = startScans(clock, 50, (latenessUs) => late.push(latenessUs));
    clock.advance(125);
    expect(late).toHaveLength(2);
    stop();
    clock.advance(500);
    expect(late).toHaveLength(2);
    expect(clock.waiting()).toBe(0);
  });

  it("are not made up for when they were missed, and show how late they came", () => {
    let now = 0;
    let due: { atUs: number; run: () => void } | null = null;
    const clock = {
      ...createManualClock(),
      nowUs: () => now,
      at: (atUs: number, run: () => void) => {
        due = { atUs, run };
        return () => undefined;
      },
    };
    const late: number[] = [];
    startScans(clock, 50, (latenessUs) => late.push(latenessUs));
    const fire = (atUs: number): number | undefined => {
      now = atUs;
      due?.run();
      return due?.atUs;
    };
    expect(fire(51)).toBe(100);
    expect(fire(260)).toBe(300);
    expect(late).toEqual([1, 160]);
  });

  it("may come as early as they are told to, and are not late then, nor twice", () => {
    const clock = createManualClock();
    const at: number[] = [];
    const late: number[] = [];
    const stop = startScans(
      clock,
      50,
      (latenessUs) => {
        at.push(clock.nowUs());
        late.push(latenessUs);
      },
      10,
    );
    clock.advance(165);
    stop();
    expect(at).toEqual([40, 90, 140]);
    expect(late).toEqual([0, 0, 0]);
  });

  it("are summed up by the share of them that came later", () => {
    const lateness = new Lateness();
    for (let sample = 1; sample <= 100; sample++) lateness.add(sample);
    expect(lateness.summary()).toEqual({ scans: 100, p50Us: 51, p99Us: 100, maxUs: 100 });
  });
});

describe("the watch on gaps of the loop", () => {
  it("tells of a standstill longer than the limit, once, and of no shorter one", () => {
    let now = 0;
    const gaps: number[] = [];
    const watch = new GapWatch(
      () => now,
      500,
      (gapUs) => gaps.push(gapUs),
    );
    now = 500;
    watch.observe();
    now = 1_600;
    watch.observe();
    watch.observe();
    expect(gaps).toEqual([1_100]);
  });
});
