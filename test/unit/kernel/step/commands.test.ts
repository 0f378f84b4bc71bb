import { describe, expect, it } from "vitest";
import { hz, MS, OUT, Rig } from "../../../support/kernel-rig.js";

describe("the way of one command", () => {
  it("sends a permit, reads it back, records it as done and answers with its evidence number", () => {
    const rig = new Rig().start().forget();
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.did("send").map(({ write }) => write.data)).toEqual([
      { kind: "words", words: [hz(31)] },
    ]);
    expect(rig.outcomes()).toEqual(["done"]);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: null, verdict: "permit" });
    expect(rig.replyTo(ticket)?.seq).toBe(rig.records.find((e) => e.body.type === "decision")?.seq);
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({
      proven: { raw: hz(31) },
      planned: [],
    });
  });

  it("sends nothing before the permit's record is durable", () => {
    const rig = new Rig().start().forget();
    rig.held.durable = true;
    rig.ask(OUT.speed1, hz(31));
    rig.give({ kind: "line-free", device: 0 });
    expect(rig.did("send")).toEqual([]);
    const [decision] = rig.records;
    rig.give({ kind: "evidence-durable", seq: (decision?.seq ?? 0) - 1 });
    expect(rig.did("line-wanted")).toEqual([]);
    rig.give({ kind: "evidence-durable", seq: decision?.seq ?? 0 });
    expect(rig.did("send")).toHaveLength(1);
  });

  it("withdraws at the second look what may no longer be sent, with the facts that differ [HP-033 refuses]", () => {
    const rig = new Rig().start().forget();
    rig.held["line-wanted"] = true;
    const ticket = rig.ask(OUT.speed1, hz(31));
    rig.nowUs += 100 * MS;
    rig.registers.ir.set(0, 1);
    rig.poll();
    rig.give({ kind: "line-free", device: 0 });
    expect(rig.did("send")).toEqual([]);
    const [outcome] = rig.bodies("outcome");
    expect(outcome).toMatchObject({ outcome: "withdrawn" });
    expect(outcome?.reasons?.map(({ rule, code }) => rule ?? code)).toEqual(["P-08", "withdrawn"]);
    expect(outcome?.look?.tags[0]).toMatchObject({ tag: 0, raw: 1 });
    // By its permit, which is durable: the answer does not wait for the disk once more.
    const permit = rig.records.find(({ body }) => body.type === "decision");
    const seq = permit?.seq ?? null;
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 6, verdict: "deny", seq });
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({ planned: [], permits: [] });
  });

  it("sends at the second look what still may be sent, and keeps no fact that only grew older [HP-033 allows]", () => {
    const rig = new Rig().start().forget();
    rig.held["line-wanted"] = true;
    rig.ask(OUT.speed1, hz(31));
    rig.nowUs += 100 * MS;
    rig.give({ kind: "line-free", device: 0 });
    expect(rig.did("send")).toHaveLength(1);
    expect(rig.bodies("outcome")[0]?.look).toMatchObject({ tags: [], kernel: [] });
  });

  it("keeps of a write that waits for its proof what its outcome records of the looks, and no whole one", () => {
    const rig = new Rig().start().forget();
    rig.held["line-wanted"] = true;
    rig.held["read-back"] = true;
    rig.ask(OUT.speed1, hz(31));
    rig.nowUs += 100 * MS;
    rig.poll();
    rig.give({ kind: "line-free", device: 0 });
    const [flight] = rig.state.live.flights.values();
    expect(flight).toMatchObject({ phase: "proving", looks: { kind: "difference" } });
    rig.nowUs += 10 * MS;
    const words = [hz(31)];
    const seq = flight?.permit.seq ?? -1;
    rig.give({ kind: "read-back", device: 0, seq, read: { sentUs: rig.nowUs, words } });
    const [outcome] = rig.bodies("outcome");
    expect(outcome?.outcome).toBe("done");
    const firstUs = rig.bodies("decision")[0]?.look.monoUs ?? NaN;
    expect(outcome?.look?.monoUs).toBe(firstUs + 100 * MS);
    expect(outcome?.look?.tags).not.toEqual([]);
  });

  it("refuses as stale a command that arrived too long ago, and takes one that did not [HP-032 allows] [HP-032 refuses]", () => {
    const rig = new Rig().start().forget();
    const write = { device: 0, table: "hr", address: 41, function: 6 } as const;
    const data = { kind: "words", words: [hz(31)] } as const;
    const old = rig.request({ ...write, data }, { arrivedUs: rig.nowUs - 501 * MS });
    expect(rig.replyTo(old)).toMatchObject({ exception: 6, why: { code: "stale" } });
    expect(rig.bodies("decision")).toMatchObject([{ verdict: "deny" }]);
    const fresh = rig.request({ ...write, data }, { arrivedUs: rig.nowUs - 500 * MS });
    expect(rig.replyTo(fresh)).toMatchObject({ exception: null });
  });

  it("never sends a permit after its deadline, and gives back what it was charged [HP-032 refuses]", () => {
    const rig = new Rig().start().forget();
    rig.held["line-wanted"] = true;
    const ticket = rig.ask(OUT.speed1, hz(31));
    rig.nowUs += 501 * MS;
    rig.give({ kind: "line-free", device: 0 });
    expect(rig.did("send")).toEqual([]);
    expect(rig.bodies("outcome")).toMatchObject([
      { outcome: "withdrawn", reasons: [{ code: "stale" }] },
    ]);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 6 });
    expect(rig.state.folded.outputs[OUT.speed1]?.permits).toEqual([]);
  });

  it("answers a permit whose line never comes free as stale, at the next scan", () => {
    const rig = new Rig().start().forget();
    rig.held["line-wanted"] = true;
    const ticket = rig.ask(OUT.speed1, hz(31));
    rig.run(600 * MS);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 6, why: { code: "stale" } });
  });

  it("withdraws a permit whose connection is gone, and sends one whose is not", () => {
    const rig = new Rig().start().forget();
    rig.held["line-wanted"] = true;
    const gone = rig.ask(OUT.speed1, hz(31));
    rig.ask(OUT.speed2, hz(31));
    rig.give({ kind: "command-gone", ticket: gone });
    rig.give({ kind: "line-free", device: 0 });
    expect(rig.did("send").map(({ write }) => write.address)).toEqual([42]);
    expect(rig.outcomes()).toEqual(["withdrawn", "done"]);
  });

  it("keeps durable permits of a device in order, one on the wire at a time [HP-061]", () => {
    const rig = new Rig().start().forget();
    rig.held.send = true;
    rig.ask(OUT.speed1, hz(31));
    rig.ask(OUT.speed2, hz(31));
    expect(rig.did("send").map(({ write }) => write.address)).toEqual([41]);
    const [first] = rig.did("send");
    rig.nowUs += MS;
    const result = { kind: "acknowledged", reply: new Uint8Array(0) } as const;
    rig.give({ kind: "write-settled", device: 0, seq: first?.seq ?? 0, result });
    expect(rig.did("send").map(({ write }) => write.address)).toEqual([41, 42]);
  });

  it("says no change inside the deadband: nothing sent, nothing charged, success [HP-022 allows]", () => {
    const rig = new Rig().start().forget();
    const ticket = rig.ask(OUT.speed1, hz(30.1));
    expect(rig.did("send")).toEqual([]);
    expect(rig.outcomes()).toEqual(["no-change"]);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
    expect(rig.state.folded.outputs[OUT.speed1]?.permits).toEqual([]);
  });

  it("writes the nearest limit for a clamp, and answers success only to a controller that reads back [HP-023 allows] [HP-023 refuses]", () => {
    const rig = new Rig().start();
    rig.setSpeeds(47, 30);
    const outputs = rig.profile.model.outputs;
    expect(outputs[OUT.speed1]?.outside).toBe("clamp");
    for (const readsBack of [true, false]) {
      const controllers = rig.profile.model.controllers.map((one) => ({ ...one, readsBack }));
      const other = new Rig({ controllers });
      other.setSpeeds(49, 30);
      other.start().forget();
      other.run(500 * MS);
      const ticket = other.ask(OUT.speed1, hz(51));
      expect(other.did("send").map(({ write }) => write.data)).toEqual([
        { kind: "words", words: [hz(50)] },
      ]);
      expect(other.replyTo(ticket)).toMatchObject({
        verdict: "clamp",
        exception: readsBack ? null : 3,
        why: { nearest: hz(50), asked: hz(51) },
      });
    }
  });

  it("answers after the proof where the controller wants that, after the acknowledgement otherwise", () => {
    for (const answer of ["after-ack", "after-proof"] as const) {
      const controllers = new Rig().profile.model.controllers.map((one) => ({ ...one, answer }));
      const rig = new Rig({ controllers }).start().forget();
      rig.held["read-back"] = true;
      const ticket = rig.ask(OUT.speed1, hz(31));
      expect(rig.replyTo(ticket)?.exception).toBe(answer === "after-ack" ? null : undefined);
      const [ask] = rig.did("read-back");
      rig.nowUs += MS;
      const read = { sentUs: rig.nowUs, words: [hz(31)] };
      rig.give({ kind: "read-back", device: 0, seq: ask?.seq ?? 0, read });
      expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
    }
  });

  it("passes a device's exception on as surely not done [HP-056]", () => {
    const rig = new Rig().start().forget();
    rig.answer = { kind: "exception", code: 2, reply: Uint8Array.of(0x86, 2) };
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.bodies("outcome")).toMatchObject([
      { outcome: "exception", reply: Uint8Array.of(0x86, 2) },
    ]);
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 4, why: { code: "device-exception" } });
    expect(rig.state.folded.outputs[OUT.speed1]).toMatchObject({ planned: [], permits: [{}] });
  });

  it("takes a write that never left as withdrawn for what kept it, with nothing charged", () => {
    for (const [cause, code, exception] of [
      ["no-line", "device-down", 4],
      ["too-late", "stale", 6],
    ] as const) {
      const rig = new Rig().start().forget();
      // Words that speak of the other cause decide nothing.
      rig.answer = { kind: "not-sent", cause, why: "closed after it stood still for a long time" };
      const ticket = rig.ask(OUT.speed1, hz(31));
      expect(rig.bodies("outcome")).toMatchObject([
        { outcome: "withdrawn", reasons: [{ code }, { code: "withdrawn" }] },
      ]);
      expect(rig.replyTo(ticket)).toMatchObject({ exception, verdict: "deny", why: { code } });
      expect(rig.state.folded.outputs[OUT.speed1]?.permits).toEqual([]);
    }
  });

  it("refuses the whole inbox as stale after the loop stood still", () => {
    const rig = new Rig().start().forget();
    rig.held.durable = true;
    const waiting = rig.ask(OUT.speed1, hz(31));
    rig.give({ kind: "loop-gap", gapUs: 8_000 * MS });
    expect(rig.replyTo(waiting)).toMatchObject({ exception: 6, why: { code: "stale" } });
    rig.give({ kind: "evidence-durable", seq: rig.records.at(-1)?.seq ?? 0 });
    expect(rig.did("send")).toEqual([]);
    expect(rig.mode).toBe("enforcing");
  });

  it("refuses what is no write, and who is nobody, each for its own reason and on record", () => {
    const rig = new Rig().start().forget();
    const write = { device: 0, table: "hr", address: 41, function: 6 } as const;
    const data = { kind: "words", words: [hz(31)] } as const;
    const cases = [
      [rig.request(null), "malformed", 3],
      [rig.request({ ...write, data }, { controller: 99 }), "identity", 1],
      [rig.request({ ...write, address: 77, data }), "tag-unknown", 2],
    ] as const;
    for (const [ticket, code, exception] of cases) {
      expect(rig.replyTo(ticket)).toMatchObject({ exception, why: { code } });
    }
    expect(rig.bodies("decision").map(({ writes }) => writes)).toEqual([
      Uint8Array.of(6, 0, 1),
      Uint8Array.of(6, 0, 41, 0, 1),
      Uint8Array.of(6, 0, 77, 0, 1),
    ]);
  });

  it("changes nothing for answers to writes it never sent", () => {
    const rig = new Rig().start().forget();
    rig.give({
      kind: "write-settled",
      device: 0,
      seq: 9999,
      result: { kind: "unknown", why: "timeout" },
    });
    rig.give({ kind: "read-back", device: 0, seq: 9999, read: { sentUs: rig.nowUs, words: [1] } });
    rig.give({ kind: "line-free", device: 7 });
    rig.give({ kind: "block-read", device: 0, block: 99, sentUs: rig.nowUs, words: [1] });
    rig.give({ kind: "block-read", device: 0, block: 0, sentUs: rig.nowUs, words: [] });
    rig.give({ kind: "command-gone", ticket: 12345 });
    expect(rig.records).toEqual([]);
    expect(rig.effects).toEqual([]);
  });
});
