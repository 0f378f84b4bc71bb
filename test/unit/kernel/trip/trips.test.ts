import { describe, expect, it } from "vitest";
import { bar } from "../../../support/model.js";
import { hz, MS, OUT, quickInputs, Rig, SECOND, TIMED_OUT } from "../../../support/kernel-rig.js";

const running = (): Rig => {
  const rig = new Rig({ inputs: quickInputs() });
  rig.registers.hr.set(40, 3);
  rig.registers.di.set(8, 1);
  rig.registers.di.set(9, 1);
  return rig.start().forget();
};

describe("trips", () => {
  it("drive their writes when the condition has been true for its time, and not before [HP-040 refuses]", () => {
    const rig = running();
    rig.registers.ir.set(20, bar(9));
    rig.run(500 * MS);
    expect(rig.latched).toEqual([]);
    rig.run(400 * MS);
    expect(rig.latched).toEqual(["T-02"]);
    expect(rig.registers.hr.get(40)).toBe(0);
    expect(rig.mode).toBe("enforcing");
    expect(rig.bodies("trip")).toMatchObject([
      { rule: "T-02", event: "fired-true", firstOut: "T-02" },
    ]);
  });

  it("stay quiet without their cause [HP-040 allows]", () => {
    const rig = running();
    rig.registers.ir.set(20, bar(7.9));
    for (let beat = 2; beat < 12; beat += 1) {
      rig.run(SECOND);
      rig.beat(beat);
    }
    expect(rig.latched).toEqual([]);
    expect(rig.registers.hr.get(40)).toBe(3);
  });

  it("write first and record after: the step that fires holds both, clear-line before the writes", () => {
    const rig = running();
    rig.held["safe-write"] = true;
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    const kinds = rig.effects.map(({ kind }) => kind);
    expect(kinds.indexOf("clear-line")).toBeGreaterThanOrEqual(0);
    expect(kinds.indexOf("clear-line")).toBeLessThan(kinds.indexOf("safe-write"));
    const causes = rig.records.filter(({ body }) => body.type === "safe-step");
    const trip = rig.records.find(({ body }) => body.type === "trip");
    expect(causes.map(({ cause }) => cause)).toEqual([trip?.seq, trip?.seq]);
  });

  it("are refused by no rule: what a controller is denied, a trip does all the same [HP-044]", () => {
    const rig = running();
    const stop = rig.ask(OUT.run1, 0);
    expect(rig.replyTo(stop)).toMatchObject({ exception: 6, why: { code: "dwell" } });
    expect(rig.registers.hr.get(40)).toBe(3);
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["T-03"]);
    expect(rig.registers.hr.get(40)).toBe(0);
  });

  it("fire when their condition has been unknown for blind_for, and not when it recovers before [HP-040 allows] [HP-040 refuses]", () => {
    const rig = running();
    rig.registers.ir.set(20, 30_000);
    rig.run(4_900 * MS);
    rig.registers.ir.set(20, bar(2));
    rig.run(300 * MS);
    expect(rig.latched).toEqual([]);
    rig.registers.ir.set(20, 30_000);
    rig.run(5_600 * MS);
    expect(rig.latched).toContain("T-02");
    expect(rig.bodies("trip")[0]).toMatchObject({ event: "fired-unknown" });
  });

  it("remember which one came first while any is latched [HP-041]", () => {
    const rig = running();
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    rig.registers.ir.set(20, bar(9));
    rig.run(SECOND);
    expect(rig.latched).toEqual(["T-03", "T-02"]);
    expect(rig.bodies("trip").map(({ firstOut }) => firstOut)).toEqual(["T-03", "T-03"]);
  });

  it("fire once, however long the cause stands", () => {
    const rig = running();
    rig.registers.di.set(0, 0);
    rig.run(5 * SECOND);
    expect(rig.bodies("trip").filter(({ rule }) => rule === "T-03")).toHaveLength(1);
  });

  it("let only the tripped value pass while latched [HP-041 refuses]", () => {
    const rig = running();
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    rig.registers.di.set(0, 1);
    rig.run(300 * MS);
    const on = rig.ask(OUT.run1, 1);
    expect(rig.replyTo(on)).toMatchObject({ exception: 4, why: { code: "tripped" } });
    const speed = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(speed)).toMatchObject({ exception: null });
  });

  it("empty the device's queue: what waited is withdrawn with the trip as its cause", () => {
    const rig = running();
    rig.held["line-wanted"] = true;
    const ticket = rig.ask(OUT.speed1, hz(31));
    rig.registers.di.set(0, 0);
    rig.poll();
    expect(rig.latched).toEqual(["T-03"]);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 4, why: { code: "tripped" } });
    const outcome = rig.records.find(({ body }) => body.type === "outcome");
    const trip = rig.records.find(({ body }) => body.type === "trip");
    expect(outcome).toMatchObject({ cause: trip?.seq, body: { outcome: "withdrawn" } });
  });

  it("reset by themselves only where the profile says so, and only when the cause was gone for the time [HP-042 allows]", () => {
    const rig = running();
    rig.setLevel(0.5);
    rig.run(10 * SECOND);
    expect(rig.latched).toContain("T-01");
    rig.setLevel(2);
    rig.run(200 * SECOND);
    expect(rig.latched).not.toContain("T-01");
    expect(rig.bodies("trip").some(({ rule, event }) => rule === "T-01" && event === "reset")).toBe(
      true,
    );
  });

  it("reset by a person only with the cause gone and a reason given [HP-042 allows] [HP-042 refuses]", () => {
    const rig = running();
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    const act = { kind: "reset", trip: "T-03" } as const;
    rig.give({ kind: "operator", person: "eva", why: "looked at it", act });
    expect(rig.latched).toEqual(["T-03"]);
    rig.registers.di.set(0, 1);
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["T-03"]);
    rig.give({ kind: "operator", person: "eva", why: " ", act });
    expect(rig.latched).toEqual(["T-03"]);
    rig.give({ kind: "operator", person: "eva", why: "button released", act });
    expect(rig.latched).toEqual([]);
    expect(rig.bodies("trip").map(({ event }) => event)).toEqual([
      "fired-true",
      "reset-refused",
      "reset-refused",
      "reset",
    ]);
    expect(rig.bodies("operator-act")).toHaveLength(3);
  });

  it("never reset by a person while the cause cannot be seen [HP-042 refuses]", () => {
    const rig = running();
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    rig.polling = false;
    rig.run(2 * SECOND);
    const act = { kind: "reset", trip: "T-03" } as const;
    rig.give({ kind: "operator", person: "eva", why: "trust me", act });
    expect(rig.latched).toContain("T-03");
  });
});

describe("a trip's writes", () => {
  it("are repeated until they are read back, and then no more [HP-043]", () => {
    const rig = running();
    rig.safeAnswer = TIMED_OUT;
    rig.registers.di.set(0, 0);
    rig.run(SECOND);
    expect(rig.did("safe-write").length).toBeGreaterThan(10);
    expect(rig.registers.hr.get(40)).toBe(3);
    rig.safeAnswer = { kind: "acknowledged", reply: new Uint8Array(0) };
    rig.run(2 * SECOND);
    expect(rig.registers.hr.get(40)).toBe(0);
    const count = rig.did("safe-write").length;
    rig.beat(2);
    rig.run(2 * SECOND);
    expect(rig.did("safe-write")).toHaveLength(count);
  });

  it("are not done when the device acknowledges and shows something else", () => {
    const rig = running();
    rig.effective = false;
    rig.registers.di.set(0, 0);
    rig.run(2 * SECOND);
    expect(rig.bodies("safe-step").some(({ state }) => state === "proven")).toBe(false);
    expect(rig.did("safe-write").length).toBeGreaterThan(10);
    rig.effective = true;
    rig.run(SECOND);
    expect(rig.registers.hr.get(40)).toBe(0);
    expect(rig.bodies("safe-step").filter(({ state }) => state === "proven")).toHaveLength(2);
  });

  it("keep the log small however often they are repeated", () => {
    const rig = running();
    rig.safeAnswer = TIMED_OUT;
    rig.registers.di.set(0, 0);
    rig.run(60 * SECOND);
    expect(rig.did("safe-write").length).toBeGreaterThan(1_000);
    expect(rig.bodies("safe-step").length).toBeLessThan(120);
  });

  it("of one bit of a word keep the other bits as they were read back", () => {
    const rig = running();
    rig.registers.ir.set(30, 1_500);
    rig.run(6 * SECOND);
    expect(rig.latched).toContain("T-05");
    expect(rig.registers.hr.get(40)).toBe(2);
  });

  it("of one bit of a word take unknown_bits where nothing was ever read of the others", () => {
    const trips = new Rig().profile.model.trips.map((rule) =>
      rule.id === "T-05" ? { ...rule, forUs: 0, unknownBits: 2 } : rule,
    );
    const rig = new Rig({ trips });
    rig.registers.ir.set(30, 1_500);
    rig.held["safe-read-back"] = true;
    const blocks = rig.state.live.plan.blocks[0] ?? [];
    blocks.forEach((block, index) => {
      if (block.table !== "ir") return;
      const words = rig.read(block.table, block.address, block.quantity);
      rig.give({ kind: "block-read", device: 0, block: index, sentUs: rig.nowUs, words });
    });
    rig.scan();
    expect(rig.latched).toContain("T-05");
    expect(rig.did("safe-write")[0]?.write).toMatchObject({ address: 40, data: { words: [2] } });
  });

  it("are confirmed only by a read that left when no older write could still arrive", () => {
    const rig = running();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    const lateUs = rig.nowUs + SECOND;
    rig.registers.di.set(0, 0);
    rig.run(700 * MS);
    expect(rig.latched).toEqual(["T-03"]);
    expect(rig.bodies("safe-step").some(({ state }) => state === "proven")).toBe(false);
    rig.run(700 * MS);
    const proven = rig.records.filter(
      ({ body }) => body.type === "safe-step" && body.state === "proven",
    );
    expect(proven).toHaveLength(2);
    for (const { monoUs } of proven) expect(monoUs).toBeGreaterThanOrEqual(lateUs);
  });

  it("are not fought for where people have taken the plant over", () => {
    const rig = running();
    rig.registers.ir.set(0, 1);
    rig.run(300 * MS);
    rig.effective = false;
    rig.registers.di.set(0, 0);
    rig.run(2 * SECOND);
    expect(rig.latched).toEqual(["T-03"]);
    expect(rig.did("safe-write")).toHaveLength(2);
  });
});

describe("trips in starting", () => {
  it("do not fire on blindness before the device was read completely", () => {
    const rig = new Rig();
    rig.polling = false;
    rig.run(20 * SECOND);
    expect(rig.latched).toEqual([]);
    expect(rig.did("safe-write")).toEqual([]);
    expect(rig.mode).toBe("starting");
  });

  it("fire on blindness counted from the first complete poll", () => {
    const rig = new Rig();
    rig.run(100 * MS);
    expect(rig.mode).toBe("starting");
    rig.polling = false;
    rig.run(900 * MS);
    expect(rig.latched).toEqual([]);
    rig.run(1_500 * MS);
    expect(rig.latched).toContain("T-03");
  });

  it("fire on a surely true condition at once", () => {
    const rig = new Rig();
    rig.registers.di.set(0, 0);
    rig.counting = false;
    rig.run(100 * MS);
    expect(rig.mode).toBe("starting");
    expect(rig.latched).toEqual(["T-03"]);
  });
});
