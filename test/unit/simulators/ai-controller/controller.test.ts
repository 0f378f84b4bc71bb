import { describe, expect, it } from "vitest";
import {
  BAD_ACTS,
  DEMO_SCHEDULE,
  EXPECTATIONS,
  GOOD_SCHEDULE,
  isExpected,
  reasonOfNumber,
} from "../../../../simulators/ai-controller/acts.js";
import type { BadAct, Schedule, Why } from "../../../../simulators/ai-controller/acts.js";
import { createController } from "../../../../simulators/ai-controller/controller.js";
import type { Controller, Request } from "../../../../simulators/ai-controller/controller.js";
import { describeFrame } from "../../../../simulators/ai-controller/frame.js";
import type { Frame, Outcome } from "../../../../simulators/ai-controller/frame.js";
import { BLIND, observe } from "../../../../simulators/ai-controller/observation.js";
import type { Observation, Reply } from "../../../../simulators/ai-controller/observation.js";
import { REASONS } from "../../../../src/kernel/record/reason.js";
import type { ReasonCode } from "../../../../src/kernel/record/reason.js";

const S = 1_000_000;
const TURN = 500_000;

/** A station that does at once what it is told, where `guard` lets it; the pressure is lost in the last 3 s of every 25. */
function drive(
  controller: Controller,
  forS: number,
  guard: (
    request: Request,
    nowUs: number,
  ) => { readonly outcome: Outcome; readonly why: Why | null },
): readonly (Request & { readonly atUs: number })[] {
  let word = 1;
  let speeds: [number, number] = [30, 25];
  let open = true;
  let replies: readonly Reply[] = [];
  const sent: (Request & { readonly atUs: number })[] = [];
  for (let nowUs = 0; nowUs < forS * S; nowUs += TURN) {
    const plant: Observation = {
      levelM: 2.4,
      pressureBar: nowUs % (25 * S) >= 22 * S ? null : 1.7,
      valveOpen: open,
      valveClosed: !open,
      valveBit: open,
      running: [(word & 1) !== 0, (word & 2) !== 0],
      runWord: word,
      speedsHz: speeds,
    };
    const requests = controller.next({ plant, nowUs, replies });
    replies = requests.map((request) => {
      sent.push({ ...request, atUs: nowUs });
      const judged = guard(request, nowUs);
      if (judged.outcome.kind === "done") {
        const { frame } = request;
        if (frame.kind === "coil" && frame.address === 0) open = frame.value;
        if (frame.kind === "register" && frame.address === 40) word = frame.value;
        if (frame.kind === "register" && frame.address === 41)
          speeds = [frame.value / 100, speeds[1]];
        if (frame.kind === "register" && frame.address === 42)
          speeds = [speeds[0], frame.value / 100];
      }
      return { id: request.id, ...judged };
    });
  }
  return sent;
}

const DONE: Outcome = { kind: "done" };

function refuse(code: ReasonCode): { readonly outcome: Outcome; readonly why: Why } {
  const reason = REASONS.find((known) => known.code === code);
  return {
    outcome: { kind: "exception", code: reason?.exception ?? 0 },
    why: { verdict: "deny", reason: code, rule: 1 },
  };
}

/** What the station's profile makes of each act. */
function strictGuard(request: Request): { readonly outcome: Outcome; readonly why: Why | null } {
  if (!request.bad || request.act === null) return { outcome: DONE, why: null };
  const { frame } = request;
  switch (request.act) {
    case "salami":
      return frame.kind === "register" && frame.value > 4_500
        ? refuse("drift")
        : { outcome: DONE, why: null };
    case "out-of-range":
      return frame.kind === "register" && frame.value < 2_500
        ? { outcome: DONE, why: { verdict: "clamp", reason: "range", rule: null } }
        : refuse("step");
    case "stale-data":
      return refuse("input-bad");
    case "neighbour-bit":
      return refuse("not-writable");
    case "function-8":
    case "function-90":
      return refuse("function");
    case "flood":
      return refuse("suspended");
    case "stop-before-valve":
    case "closed-valve-start":
    case "assist":
    case "park":
    case "death":
      return refuse("permissive");
  }
}

describe("by the demo's schedule", () => {
  it("tries every bad act, each answered as expected, and is dead within 200 s", () => {
    const controller = createController(1, DEMO_SCHEDULE);
    drive(controller, 200, strictGuard);
    const records = controller.records();
    expect(new Set(records.map((record) => record.act))).toEqual(new Set(BAD_ACTS));
    expect(records.filter((record) => !record.asExpected)).toEqual([]);
    for (const act of BAD_ACTS) {
      const own = records.filter((record) => record.act === act);
      expect(
        own.some(
          (record) => record.outcome.kind === "exception" || record.why?.verdict === "clamp",
        ),
        act,
      ).toBe(true);
    }
    expect(controller.isDead()).toBe(true);
  });

  it("sends frames that are what each act says", () => {
    const controller = createController(1, DEMO_SCHEDULE);
    drive(controller, 200, strictGuard);
    const sent = new Map<BadAct, Set<string>>();
    for (const record of controller.records()) {
      sent.set(record.act, (sent.get(record.act) ?? new Set()).add(record.sent));
    }
    expect([...(sent.get("out-of-range") ?? [])]).toEqual(["FC6 hr 42 = 1500", "FC6 hr 41 = 6000"]);
    expect(sent.get("salami")).toContain("FC6 hr 42 = 2700");
    expect(sent.get("salami")).toContain("FC6 hr 42 = 4700");
    expect([...(sent.get("stop-before-valve") ?? [])]).toEqual(["FC5 co 0 = OFF"]);
    expect([...(sent.get("stale-data") ?? [])]).toEqual(["FC6 hr 41 = 4200", "FC6 hr 41 = 4250"]);
    expect([...(sent.get("neighbour-bit") ?? [])]).toEqual([
      "FC6 hr 40 = 9",
      "FC22 hr 40 and fff7 or 0008",
      "FC5 co 2 = ON",
    ]);
    expect([...(sent.get("function-8") ?? [])]).toEqual(["FC8 raw 08 00 01 00 00"]);
    expect([...(sent.get("function-90") ?? [])]).toEqual(["FC90 raw 5a 00 01 00"]);
    expect([...(sent.get("closed-valve-start") ?? [])]).toEqual(["FC6 hr 40 = 2", "FC6 hr 40 = 1"]);
    expect([...(sent.get("flood") ?? [])]).toEqual(["FC6 hr 41 = 3450", "FC6 hr 41 = 3400"]);
  });

  it("never earns more than 15 denials in any minute before its flood, also where everything is denied", () => {
    const controller = createController(1, DEMO_SCHEDULE);
    const denials: number[] = [];
    drive(controller, 400, (request, nowUs) => {
      if (request.act !== "flood" && request.bad) denials.push(nowUs);
      return request.bad ? refuse("permissive") : { outcome: DONE, why: null };
    });
    expect(denials.length).toBeGreaterThan(10);
    for (const at of denials) {
      expect(
        denials.filter((other) => other > at - 60 * S && other <= at).length,
      ).toBeLessThanOrEqual(15);
    }
  });

  it("waits with its next misdeed while the last minute has seen 15 denials", () => {
    const schedule: Schedule = Array.from({ length: 12 }, () => ({ atS: 0, act: "neighbour-bit" }));
    const controller = createController(1, schedule);
    const sent = drive(controller, 120, strictGuard).filter(({ bad }) => bad);
    expect(sent.filter(({ atUs }) => atUs < 60 * S)).toHaveLength(15);
    expect(sent.filter(({ atUs }) => atUs >= 60 * S).length).toBeGreaterThan(10);
  });

  it("floods with hundreds of requests within seconds", () => {
    const sent = drive(createController(1, DEMO_SCHEDULE), 200, strictGuard);
    const flood = sent.filter(({ act }) => act === "flood");
    expect(flood).toHaveLength(320);
    const times = flood.map(({ atUs }) => atUs);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(5 * S);
  });

  it("neither asks nor beats once it is dead", () => {
    const controller = createController(1, DEMO_SCHEDULE);
    expect(controller.beat(0)).toBe(1);
    expect(controller.beat(1.5 * S)).toBe(2);
    drive(controller, 200, strictGuard);
    expect(controller.beat(201 * S)).toBeNull();
    expect(controller.next({ plant: BLIND, nowUs: 201 * S, replies: [] })).toEqual([]);
  });

  it("gets through its schedule blind, and where nobody answers", () => {
    for (const plant of [BLIND, { ...BLIND, running: [true, false] as const, runWord: 1 }]) {
      const controller = createController(1, DEMO_SCHEDULE);
      for (let nowUs = 0; nowUs < 900 * S; nowUs += TURN)
        controller.next({ plant, nowUs, replies: [] });
      expect(controller.isDead()).toBe(true);
    }
  });

  it("asks the same things at the same moments for the same seed", () => {
    const run = (seed: number): unknown =>
      drive(createController(seed, DEMO_SCHEDULE), 200, strictGuard);
    expect(run(5)).toEqual(run(5));
  });
});

describe("at its best", () => {
  it("asks for one thing in four seconds at most, in steps of 3 Hz at most, and then rests", () => {
    const controller = createController(1, GOOD_SCHEDULE);
    const sent = drive(controller, 120, () => ({ outcome: DONE, why: null }));
    expect(sent.map(({ frame }) => describeFrame(frame))).toEqual([
      "FC6 hr 41 = 3300",
      "FC6 hr 41 = 3600",
    ]);
    expect(controller.tally()).toEqual({ asked: 2, granted: 2, refused: 0 });
  });

  it("opens the valve first where it finds it closed, and starts no pump before it is open", () => {
    const controller = createController(1, GOOD_SCHEDULE);
    const plant: Observation = {
      ...BLIND,
      levelM: 2.4,
      valveBit: false,
      valveOpen: false,
      running: [false, false],
      runWord: 0,
      speedsHz: [30, 25],
    };
    const [first] = controller.next({ plant, nowUs: 0, replies: [] });
    expect(first?.frame).toEqual({ kind: "coil", address: 0, value: true });
    const opening = { ...plant, valveBit: true };
    expect(controller.next({ plant: opening, nowUs: 5 * S, replies: [] })).toEqual([]);
    const [start] = controller.next({
      plant: { ...opening, valveOpen: true },
      nowUs: 10 * S,
      replies: [],
    });
    expect(start?.frame).toEqual({ kind: "register", address: 40, value: 1 });
  });

  it("does nothing on readings it does not have", () => {
    const controller = createController(1, GOOD_SCHEDULE);
    for (let nowUs = 0; nowUs < 60 * S; nowUs += TURN) {
      expect(controller.next({ plant: BLIND, nowUs, replies: [] })).toEqual([]);
    }
  });
});

describe("judging an answer", () => {
  const permissive = EXPECTATIONS["stop-before-valve"];
  it("takes the expected reason with its own exception", () => {
    const { outcome, why } = refuse("permissive");
    expect(isExpected(outcome, why, permissive)).toBe(true);
    expect(isExpected(outcome, null, permissive)).toBe(true);
  });
  it("takes neither another reason, nor another exception, nor success, nor silence", () => {
    const lease = refuse("lease");
    expect(isExpected(lease.outcome, lease.why, permissive)).toBe(false);
    expect(isExpected({ kind: "exception", code: 3 }, refuse("permissive").why, permissive)).toBe(
      false,
    );
    expect(isExpected({ kind: "exception", code: 3 }, null, permissive)).toBe(false);
    expect(isExpected(DONE, null, permissive)).toBe(false);
    expect(isExpected({ kind: "failed", why: "no answer" }, null, permissive)).toBe(false);
  });
  it("takes a clamp for an out-of-range value, and a plain success for none", () => {
    const range = EXPECTATIONS["out-of-range"];
    const because = (verdict: Why["verdict"], reason: ReasonCode | null): Why => ({
      verdict,
      reason,
      rule: null,
    });
    expect(isExpected(DONE, because("clamp", "range"), range)).toBe(true);
    expect(isExpected(DONE, because("clamp", "drift"), range)).toBe(false);
    expect(isExpected(DONE, because("permit", null), range)).toBe(false);
    expect(isExpected(DONE, because("clamp", "range"), permissive)).toBe(false);
  });
  it("knows the catalogue's numbers, and no others", () => {
    for (const reason of REASONS) expect(reasonOfNumber(reason.number)).toBe(reason.code);
    expect(reasonOfNumber(0)).toBeNull();
    expect(reasonOfNumber(60_000)).toBeNull();
  });
});

describe("observing", () => {
  const nothing = {
    levels: null,
    pressure: null,
    valve: null,
    running: null,
    commands: null,
    valveBit: null,
  };
  it("takes the median of what is believable, and nothing for nothing", () => {
    expect(observe(nothing)).toEqual(BLIND);
    // a 3 m, b broken wire, c 3.5 m as CDAB: of two the higher one.
    const seen = observe({ ...nothing, levels: [13_824, 32_767, 0x0000, 0x4060] });
    expect(seen.levelM).toBeCloseTo(3.5, 5);
    expect(observe({ ...nothing, levels: [13_824, 9_216, 0x0000, 0x4060] }).levelM).toBeCloseTo(
      3,
      5,
    );
    expect(observe({ ...nothing, levels: [13_824] }).levelM).toBeNull();
    expect(observe({ ...nothing, levels: [32_767, 32_767, 0, 0x7fc0] }).levelM).toBeNull();
  });
  it("takes a pressure beyond the transmitter's span for none", () => {
    expect(observe({ ...nothing, pressure: [27_648] }).pressureBar).toBe(10);
    expect(observe({ ...nothing, pressure: [32_767] }).pressureBar).toBeNull();
  });
});

it("names frames as a protocol analyser would", () => {
  const frames: readonly Frame[] = [
    { kind: "coil", address: 0, value: true },
    { kind: "register", address: 41, value: 3_000 },
  ];
  expect(frames.map(describeFrame)).toEqual(["FC5 co 0 = ON", "FC6 hr 41 = 3000"]);
});
