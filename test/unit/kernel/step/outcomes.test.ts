import { describe, expect, it } from "vitest";
import { not, on } from "../../../support/formula.js";
import { hz, MS, OUT, Rig, SECOND, TIMED_OUT } from "../../../support/kernel-rig.js";
import { IN } from "../../../support/model.js";
import { trip } from "../../../support/tags.js";

describe("a write without an answer", () => {
  it("is unknown, answered as perhaps done, never sent again, and stays planned [HP-053] [HP-056]", () => {
    const rig = new Rig().start().forget();
    rig.answer = TIMED_OUT;
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({
      exception: 0x0b,
      verdict: "permit",
      why: { code: "device-timeout" },
    });
    expect(rig.outcomes()).toEqual(["unknown"]);
    rig.run(900 * MS);
    expect(rig.did("send")).toHaveLength(1);
    expect(rig.state.folded.outputs[OUT.speed1]?.planned).toMatchObject([{ raw: hz(31) }]);
  });

  it("is resolved as done by a read that left after the late window, not by an earlier one [HP-061]", () => {
    const rig = new Rig().start().forget();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    rig.registers.hr.set(41, hz(31));
    rig.run(950 * MS);
    expect(rig.outcomes()).toEqual(["unknown"]);
    rig.run(200 * MS);
    expect(rig.outcomes()).toEqual(["unknown", "resolved-done"]);
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({
      proven: { raw: hz(31) },
      planned: [],
    });
    expect(rig.latched).toEqual([]);
  });

  it("is resolved as not done when the old value is still there after the late window [HP-061]", () => {
    const rig = new Rig().start().forget();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    rig.run(1_200 * MS);
    expect(rig.outcomes()).toEqual(["unknown", "resolved-not-done"]);
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({
      proven: { raw: hz(30) },
      planned: [],
      permits: [{}],
    });
    expect(rig.latched).toEqual([]);
  });

  it("trips the output's proof when no read settles it in time", () => {
    const rig = new Rig().start().forget();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    rig.polling = false;
    rig.held["read-back"] = true;
    rig.run(1_900 * MS);
    expect(rig.latched).not.toContain("proof.pump1.speed");
    rig.run(200 * MS);
    expect(rig.latched).toContain("proof.pump1.speed");
    expect(rig.bodies("trip")[0]).toMatchObject({ event: "fired-unknown" });
  });

  it("keeps the gateway from judging others' writes while it may still arrive", () => {
    const rig = new Rig().start().forget();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    rig.registers.hr.set(41, hz(33));
    rig.run(900 * MS);
    expect(rig.latched).toEqual([]);
    rig.run(600 * MS);
    expect(rig.latched).toEqual(["foreign.pump1.speed"]);
  });
});

describe("proof by read-back", () => {
  it("is asked again until it shows the value, and trips when it never does", () => {
    const rig = new Rig().start().forget();
    rig.effective = false;
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
    rig.run(900 * MS);
    expect(rig.did("read-back").length).toBeGreaterThan(5);
    expect(rig.latched).toEqual([]);
    rig.run(200 * MS);
    expect(rig.bodies("outcome")[0]).toMatchObject({
      outcome: "acknowledged",
      reasons: [{ code: "read-back" }],
    });
    expect(rig.latched).toEqual(["proof.pump1.speed"]);
  });

  it("takes a value within the tolerance for the one written, and none outside", () => {
    for (const [shown, outcome] of [
      [hz(31) + 5, "done"],
      [hz(31) + 6, undefined],
    ] as const) {
      const rig = new Rig().start().forget();
      rig.held["read-back"] = true;
      rig.polling = false;
      rig.ask(OUT.speed1, hz(31));
      rig.nowUs += MS;
      const seq = rig.did("read-back")[0]?.seq ?? 0;
      rig.give({ kind: "read-back", device: 0, seq, read: { sentUs: rig.nowUs, words: [shown] } });
      expect(rig.outcomes()[0]).toBe(outcome);
    }
  });

  it("does not take a read for proof that left before the device acknowledged", () => {
    const rig = new Rig().start().forget();
    rig.held["read-back"] = true;
    rig.polling = false;
    rig.ask(OUT.speed1, hz(31));
    const seq = rig.did("read-back")[0]?.seq ?? 0;
    rig.give({
      kind: "read-back",
      device: 0,
      seq,
      read: { sentUs: rig.nowUs - 1, words: [hz(31)] },
    });
    expect(rig.outcomes()).toEqual([]);
  });

  it("asks again after a read that failed", () => {
    const rig = new Rig().start().forget();
    rig.held["read-back"] = true;
    rig.polling = false;
    rig.ask(OUT.speed1, hz(31));
    const seq = rig.did("read-back")[0]?.seq ?? 0;
    rig.give({ kind: "read-back", device: 0, seq, read: null });
    expect(rig.did("read-back")).toHaveLength(1);
    rig.nowUs += 50 * MS;
    rig.scan();
    expect(rig.did("read-back")).toHaveLength(2);
  });
});

describe("proof by feedback", () => {
  const start = (): Rig => {
    const outputs = new Rig().profile.model.outputs.map((one) => ({ ...one, minOffUs: null }));
    const rig = new Rig({ outputs }).start();
    rig.ask(OUT.run1, 1);
    return rig;
  };

  it("is the other tag, asked for after the acknowledgement", () => {
    const rig = start();
    expect(rig.outcomes()).toEqual([]);
    rig.run(1_000 * MS);
    expect(rig.outcomes()).toEqual([]);
    expect(rig.state.folded.outputs[OUT.run1]?.planned).toMatchObject([{ raw: 1 }]);
    rig.registers.di.set(8, 1);
    rig.run(300 * MS);
    expect(rig.outcomes()).toEqual(["done"]);
    expect(rig.state.folded.outputs[OUT.run1]).toMatchObject({ proven: { raw: 1 }, planned: [] });
  });

  it("trips when the plant does not follow in time", () => {
    const rig = start();
    rig.run(4_900 * MS);
    expect(rig.latched).toEqual([]);
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["proof.pump1.run"]);
  });

  it("is not a reading that was asked for before the acknowledgement", () => {
    const outputs = new Rig().profile.model.outputs.map((one) => ({ ...one, minOffUs: null }));
    const rig = new Rig({ outputs });
    rig.registers.di.set(8, 1);
    rig.start();
    rig.ask(OUT.run1, 1);
    rig.registers.di.set(8, 0);
    rig.scan();
    rig.poll();
    expect(rig.outcomes()).toEqual([]);
    rig.registers.di.set(8, 1);
    rig.poll();
    expect(rig.outcomes()).toEqual(["done"]);
  });

  it("does not take a bad reading for an answer", () => {
    const rig = start();
    rig.registers.di.set(8, 1);
    rig.registers.ir.set(98, 1);
    rig.run(600 * MS);
    expect(rig.outcomes()).toEqual([]);
  });
});

describe("confirm rules", () => {
  const rules = (): Rig => {
    const trips = [...new Rig().profile.model.trips, trip("confirm.0", { when: null })];
    return new Rig({
      trips,
      confirms: [
        {
          after: { output: OUT.run1, raw: 0 },
          expect: not(on(IN.pump1Running)),
          withinUs: 2 * SECOND,
          trip: trips.length - 1,
        },
      ],
    });
  };

  const stopWhileRunning = (): Rig => {
    const rig = rules();
    rig.registers.hr.set(40, 1);
    rig.registers.di.set(8, 1);
    rig.start();
    rig.run(31 * SECOND);
    rig.beat(2);
    rig.ask(OUT.run1, 0);
    return rig.forget();
  };

  it("fire their trip when the plant does not answer in time", () => {
    const rig = stopWhileRunning();
    rig.run(1_900 * MS);
    expect(rig.latched).toEqual([]);
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["confirm.0"]);
    expect(rig.mode).toBe("safe-state");
  });

  it("do not take a reading from before the command for the plant's answer", () => {
    const rig = rules();
    rig.registers.hr.set(40, 1);
    rig.start();
    rig.run(31 * SECOND);
    rig.beat(2);
    rig.ask(OUT.run1, 0);
    rig.registers.di.set(8, 1);
    rig.run(2_300 * MS);
    expect(rig.latched).toContain("confirm.0");
  });

  it("are quiet when it does", () => {
    const rig = stopWhileRunning();
    rig.registers.di.set(8, 0);
    rig.run(4_000 * MS);
    expect(rig.latched).toEqual([]);
  });
});

describe("writes by somebody else", () => {
  it("trip: the safe state is driven at once, and a person must reset [HP-037 refuses]", () => {
    const rig = new Rig().start().forget();
    rig.registers.hr.set(41, hz(40));
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["foreign.pump1.speed"]);
    expect(rig.mode).toBe("safe-state");
    expect(rig.registers.co.get(1)).toBe(1);
    expect(rig.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(40) });
  });

  it("trip once, though every further change is put on record", () => {
    const rig = new Rig().start().forget();
    for (const value of [40, 41, 42]) {
      rig.registers.hr.set(41, hz(value));
      rig.run(300 * MS);
    }
    expect(rig.bodies("trip")).toHaveLength(1);
    expect(rig.bodies("notice").filter(({ what }) => what === "read-back")).toHaveLength(3);
  });

  it("are taken over in the plant's local mode, and end the controller's lease [HP-037 allows]", () => {
    const rig = new Rig().start().forget();
    rig.registers.ir.set(0, 1);
    rig.run(300 * MS);
    rig.registers.hr.set(41, hz(40));
    rig.run(300 * MS);
    expect(rig.latched).toEqual([]);
    expect(rig.mode).toBe("enforcing");
    expect(rig.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(40) });
    expect(rig.bodies("lease")).toMatchObject([{ event: "suspended", controller: "ai" }]);
    expect(rig.did("safe-write")).toEqual([]);
  });

  it("trip where the output is nobody else's in any mode", () => {
    const rig = new Rig().start().forget();
    rig.registers.ir.set(0, 1);
    rig.run(300 * MS);
    rig.registers.co.set(1, 1);
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["foreign.station.local"]);
  });

  it("are judged only from reads that left after our own write was answered", () => {
    const rig = new Rig().start().forget();
    const beforeUs = rig.nowUs;
    rig.ask(OUT.speed1, hz(31));
    rig.registers.hr.set(41, hz(30));
    rig.poll(beforeUs);
    expect(rig.latched).toEqual([]);
    rig.registers.hr.set(41, hz(31));
    rig.run(500 * MS);
    expect(rig.latched).toEqual([]);
    rig.registers.hr.set(41, hz(30));
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["foreign.pump1.speed"]);
  });

  it("are not seen in a pulse of our own, while it runs or when it ends", () => {
    const outputs = new Rig().profile.model.outputs.map((output, index) =>
      index === OUT.valve
        ? {
            ...output,
            minHoldUs: null,
            drive: { kind: "pulse", lengthUs: 500 * MS } as const,
            proof: { kind: "none" } as const,
          }
        : output,
    );
    const rig = new Rig({ outputs });
    rig.registers.co.set(0, 0);
    rig.start().forget();
    rig.ask(OUT.valve, 1);
    expect(rig.outcomes()).toEqual(["acknowledged"]);
    rig.run(300 * MS);
    rig.registers.co.set(0, 0);
    rig.run(2_000 * MS);
    expect(rig.latched).toEqual([]);
    expect(rig.state.folded.outputs[OUT.valve]?.proven).toMatchObject({ raw: 0 });
  });

  it("are not suspected when nothing changes, whatever we write", () => {
    const rig = new Rig().start().forget();
    for (let beat = 2; beat < 10; beat += 1) {
      rig.ask(OUT.speed1, hz(30 + (beat % 2)));
      rig.run(1_000 * MS);
      rig.beat(beat);
    }
    expect(rig.outcomes().filter((outcome) => outcome === "done").length).toBeGreaterThan(5);
    expect(rig.latched).toEqual([]);
  });
});

describe("several writes to one output in flight", () => {
  it("settle the earlier acknowledged one when the later is proven", () => {
    const rig = new Rig().start();
    rig.run(1_000 * MS);
    rig.forget();
    rig.held["read-back"] = true;
    rig.polling = false;
    rig.ask(OUT.speed1, hz(31));
    rig.run(800 * MS);
    rig.ask(OUT.speed1, hz(31.5));
    expect(rig.state.folded.outputs[OUT.speed1]?.planned).toHaveLength(2);
    rig.nowUs += MS;
    rig.poll();
    expect(rig.outcomes()).toEqual(["done", "acknowledged"]);
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({
      proven: { raw: hz(31.5) },
      planned: [],
    });
    rig.polling = true;
    rig.run(2_000 * MS);
    expect(rig.latched).toEqual([]);
  });
});
