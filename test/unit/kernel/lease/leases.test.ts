import { describe, expect, it } from "vitest";
import type { Lease, ProfileModel } from "../../../../src/kernel/profile/model.js";
import { CONTROLLERS, hz, MS, OUT, Rig, SECOND, TIMED_OUT } from "../../../support/kernel-rig.js";

const withLease = (change: Partial<Lease>): Partial<ProfileModel> => ({
  controllers: new Rig().profile.model.controllers.map((controller, index) =>
    index === CONTROLLERS.ai && controller.lease !== null
      ? { ...controller, lease: { ...controller.lease, ...change } }
      : controller,
  ),
});

const events = (rig: Rig): readonly string[] => rig.bodies("lease").map(({ event }) => event);

describe("a lease", () => {
  it("is gained by the first new value, and a command needs it [HP-031 allows] [HP-031 refuses]", () => {
    const rig = new Rig();
    rig.run(600 * MS);
    expect(rig.mode).toBe("enforcing");
    const without = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(without)).toMatchObject({ exception: 6, why: { code: "lease" } });
    rig.beat(0);
    expect(events(rig)).toEqual([]);
    rig.beat(1);
    expect(events(rig)).toEqual(["gained"]);
    const held = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(held)).toMatchObject({ exception: null });
  });

  it("is not gained before the gateway enforces", () => {
    const rig = new Rig();
    rig.beat(1);
    expect(rig.mode).toBe("starting");
    expect(events(rig)).toEqual([]);
  });

  it("lapses when the value stays the same, and not while it changes [HP-031 allows] [HP-031 refuses]", () => {
    const rig = new Rig().start();
    for (let beat = 2; beat < 8; beat += 1) {
      rig.run(2 * SECOND);
      rig.beat(beat);
    }
    expect(events(rig)).not.toContain("lapsed");
    for (let time = 0; time < 3; time += 1) {
      rig.run(2 * SECOND);
      rig.beat(7);
    }
    expect(events(rig)).toContain("lapsed");
  });

  it("reverts when it lapses, as decisions of the gateway's own that end in an outcome [HP-031 refuses]", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    rig.run(4_900 * MS);
    expect(rig.did("safe-write")).toEqual([]);
    rig.run(200 * MS);
    expect(events(rig)).toEqual(["lapsed"]);
    expect(rig.registers.hr.get(41)).toBe(hz(30));
    const own = rig.bodies("decision");
    expect(own).toMatchObject([
      { source: { kind: "own", cause: "revert" }, verdict: "permit", writes: [{ given: hz(30) }] },
      { source: { kind: "own", cause: "revert" }, verdict: "permit", writes: [{ given: hz(30) }] },
    ]);
    expect(rig.outcomes()).toEqual(["done", "done"]);
    expect(new Set(own.map(({ id }) => id.join())).size).toBe(2);
    expect(rig.mode).toBe("enforcing");
  });

  it("reverts over a write that waits for its proof, which is then nobody's concern", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    rig.run(4_900 * MS);
    rig.held["read-back"] = true;
    rig.polling = false;
    rig.ask(OUT.speed1, hz(39));
    rig.run(200 * MS);
    rig.polling = true;
    expect(events(rig)).toEqual(["lapsed"]);
    rig.run(3 * SECOND);
    expect(rig.registers.hr.get(41)).toBe(hz(30));
    expect([...rig.outcomes()].sort()).toEqual(["acknowledged", "done", "done"]);
    expect(rig.latched).toEqual([]);
    expect(rig.mode).toBe("enforcing");
    expect(rig.state.live.flights.size).toBe(0);
  });

  it("reverts over a write without an answer, which stays unknown whatever is read after", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    rig.run(4_900 * MS);
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(39));
    rig.run(4 * SECOND);
    expect(rig.registers.hr.get(41)).toBe(hz(30));
    expect([...rig.outcomes()].sort()).toEqual(["done", "done", "unknown"]);
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({
      proven: { raw: hz(30) },
      planned: [],
    });
    expect(rig.latched).toEqual([]);
    expect(rig.state.live.flights.size).toBe(0);
  });

  it("is overtaken by no command: one that was permitted meanwhile is withdrawn until it is proven [HP-031 refuses]", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    rig.held["safe-read-back"] = true;
    rig.run(5_100 * MS);
    expect(events(rig)).toEqual(["lapsed"]);
    rig.beat(2);
    // As far from the value that is left as from the one that is reverted to.
    rig.ask(OUT.speed1, hz(35));
    expect(rig.did("send")).toEqual([]);
    expect(rig.outcomes()).toEqual(["withdrawn"]);
    for (const effect of rig.effects) {
      if (effect.kind !== "safe-read-back") continue;
      const { device, output, attempt } = effect;
      const read = { sentUs: rig.nowUs, raw: hz(30) };
      rig.give({ kind: "safe-read-back", device, output, attempt, read });
    }
    rig.held["safe-read-back"] = false;
    rig.run(1_000 * MS);
    rig.ask(OUT.speed1, hz(30.5));
    expect(rig.did("send")).toHaveLength(1);
    expect(rig.registers.hr.get(41)).toBe(hz(30.5));
  });

  it("is proven by a value within the output's tolerance, and then in nobody's way [HP-031 allows]", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    rig.held["safe-read-back"] = true;
    rig.run(5_100 * MS);
    for (const effect of rig.effects) {
      if (effect.kind !== "safe-read-back") continue;
      const { device, output, attempt } = effect;
      const read = { sentUs: rig.nowUs, raw: hz(30) + 1 };
      rig.give({ kind: "safe-read-back", device, output, attempt, read });
    }
    expect(rig.outcomes()).toEqual(["done", "done"]);
    expect(rig.state.live.drives).toEqual([]);
  });

  it("moves nothing when it lapses into hold, and drives the safe state where that is what comes then", () => {
    const hold = new Rig(withLease({ lapse: { kind: "hold" } })).start().forget();
    hold.run(6 * SECOND);
    expect(events(hold)).toEqual(["lapsed"]);
    expect(hold.did("safe-write")).toEqual([]);
    expect(hold.mode).toBe("enforcing");
    const safe = new Rig(withLease({ lapse: { kind: "safe-state" } })).start().forget();
    safe.run(6 * SECOND);
    expect(safe.mode).toBe("safe-state");
    expect(safe.registers.co.get(1)).toBe(1);
  });

  it("does not revert an output that a latched trip holds", () => {
    const trips = new Rig().profile.model.trips.map((rule) =>
      rule.id === "T-03"
        ? {
            ...rule,
            action: { kind: "drive", writes: [{ output: OUT.speed1, raw: hz(25) }] } as const,
          }
        : rule,
    );
    const rig = new Rig({ trips }).start();
    rig.registers.di.set(0, 0);
    rig.run(6 * SECOND);
    expect(rig.registers.hr.get(41)).toBe(hz(25));
    expect(rig.bodies("decision")).toMatchObject([{ writes: [{ output: OUT.speed2 }] }]);
  });

  it("is gained anew by the next beat after it lapsed", () => {
    const rig = new Rig(withLease({ lapse: { kind: "hold" } })).start();
    rig.run(6 * SECOND);
    rig.beat(2);
    expect(events(rig)).toEqual(["gained", "lapsed", "gained"]);
  });

  it("is put on record again before a decision when the log knows less than half of it", () => {
    const rig = new Rig().start().forget();
    rig.run(2_000 * MS);
    rig.beat(2);
    rig.ask(OUT.speed1, hz(30.1));
    expect(events(rig)).toEqual([]);
    rig.run(1_000 * MS);
    rig.ask(OUT.speed1, hz(30.1));
    const kinds = rig.records.map(({ body }) => body.type);
    expect(kinds.lastIndexOf("lease")).toBe(kinds.lastIndexOf("decision") - 1);
    expect(rig.bodies("lease")).toMatchObject([{ event: "sampled", us: 4_000 * MS }]);
    expect(rig.bodies("decision").at(-1)?.look.lease?.leftUs).toBe(4_000 * MS);
  });

  it("is beaten by the commands themselves where the profile says so", () => {
    const rig = new Rig(withLease({ beat: { kind: "command" } }));
    rig.run(600 * MS);
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
  });

  it("withdraws what waits when it ends", () => {
    const rig = new Rig().start();
    rig.run(4_800 * MS);
    rig.held["line-wanted"] = true;
    rig.forget();
    const ticket = rig.ask(OUT.speed2, hz(31));
    rig.run(300 * MS);
    rig.give({ kind: "line-free", device: 0 });
    expect(rig.did("send")).toEqual([]);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 6 });
  });
});

describe("STOP AI", () => {
  it("revokes every lease at once, does what each lapse means, and withholds permits until a person resets", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    const act = { kind: "stop-ai", safe: false } as const;
    rig.give({ kind: "operator", person: "", why: "", act });
    expect(events(rig)).toEqual(["revoked"]);
    expect(rig.mode).toBe("holding");
    expect(rig.registers.hr.get(41)).toBe(hz(30));
    rig.beat(2);
    const ticket = rig.ask(OUT.speed2, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 6, why: { code: "mode" } });
    const reset = { kind: "reset", trip: "holding" } as const;
    rig.give({ kind: "operator", person: "eva", why: "", act: reset });
    expect(rig.mode).toBe("holding");
    rig.give({ kind: "operator", person: "eva", why: "checked", act: reset });
    expect(rig.mode).toBe("enforcing");
  });

  it("drives the safe state where asked to", () => {
    const rig = new Rig().start().forget();
    rig.give({ kind: "operator", person: "", why: "", act: { kind: "stop-ai", safe: true } });
    expect(rig.mode).toBe("safe-state");
    expect(rig.registers.co.get(1)).toBe(1);
    const reset = { kind: "reset", trip: "safe-state" } as const;
    rig.give({ kind: "operator", person: "eva", why: "checked", act: reset });
    expect(rig.mode).toBe("holding");
  });
});

describe("denials", () => {
  it("are stored whole sixteen times a minute, then counted; the count goes on record", () => {
    const rig = new Rig(withLease({ suspendAfter: null })).start().forget();
    for (let time = 0; time < 40; time += 1) rig.ask(OUT.speed1, hz(60));
    expect(rig.bodies("decision")).toHaveLength(16);
    expect(rig.did("reply").filter(({ seq }) => seq === null)).toHaveLength(24);
    expect(rig.did("reply").every(({ exception }) => exception === 3)).toBe(true);
    rig.run(5 * SECOND);
    expect(rig.bodies("flood")).toMatchObject([
      { count: 24, least: 60, most: 60, controller: "ai" },
    ]);
  });

  it("that differ are each stored whole", () => {
    const rig = new Rig(withLease({ suspendAfter: null })).start().forget();
    for (let time = 0; time < 10; time += 1) {
      rig.ask(OUT.speed1, hz(60));
      rig.ask(OUT.speed2, hz(60));
      rig.ask(OUT.local, 1);
    }
    expect(rig.bodies("decision")).toHaveLength(30);
  });

  it("suspend the controller after as many as the profile says, with what its lapse means [HP-035 refuses]", () => {
    const rig = new Rig();
    rig.setSpeeds(40, 30);
    rig.start().forget();
    for (let time = 0; time < 19; time += 1) rig.ask(OUT.speed1, hz(60));
    expect(events(rig)).toEqual([]);
    rig.ask(OUT.speed1, hz(60));
    expect(events(rig)).toEqual(["suspended"]);
    expect(rig.registers.hr.get(41)).toBe(hz(30));
    const flood = rig.records.findIndex(({ body }) => body.type === "flood");
    const lease = rig.records.findIndex(({ body }) => body.type === "lease");
    expect(flood).toBeGreaterThan(-1);
    expect(flood).toBeLessThan(lease);
    rig.beat(2);
    expect(events(rig)).toEqual(["suspended"]);
    const ticket = rig.ask(OUT.speed2, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 6 });
    for (let second = 0; second < 61; second += 1) rig.run(SECOND);
    rig.beat(3);
    expect(events(rig)).toEqual(["suspended", "gained"]);
  });

  it("spread over more than the window do not suspend [HP-035 allows]", () => {
    const rig = new Rig().start();
    for (let time = 0; time < 30; time += 1) {
      rig.ask(OUT.speed1, hz(60));
      rig.run(4 * SECOND);
      rig.beat(2 + time);
    }
    expect(events(rig)).not.toContain("suspended");
  });

  it("counted and not told of are put on record at shutdown", () => {
    const rig = new Rig(withLease({ suspendAfter: null })).start();
    for (let time = 0; time < 20; time += 1) rig.ask(OUT.speed1, hz(60));
    rig.forget();
    rig.give({ kind: "shutdown", why: "asked to" });
    expect(rig.bodies("flood")).toMatchObject([{ count: 4 }]);
    expect(rig.did("checkpoint")).toMatchObject([{ why: "shutdown" }]);
  });
});
