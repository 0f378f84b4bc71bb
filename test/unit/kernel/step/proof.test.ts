import { describe, expect, it } from "vitest";
import type { Controller, ProfileModel } from "../../../../src/kernel/profile/model.js";
import { not, on } from "../../../support/formula.js";
import { hz, MS, OUT, Rig, SECOND } from "../../../support/kernel-rig.js";
import { buildModel, builtInTrips, IN, inSlot } from "../../../support/model.js";
import { trip } from "../../../support/tags.js";

const READ_BACK = { exception: 0x0b, verdict: "permit", why: { code: "read-back" } };

/** Enforcing, and for so long that a change of 1.5 Hz is no ramp. */
const started = (answer: Controller["answer"], overrides: Partial<ProfileModel> = {}): Rig => {
  const controllers = buildModel().controllers.map((one) => ({ ...one, answer }));
  const rig = new Rig({ controllers, ...overrides }).start();
  rig.run(SECOND);
  return rig.forget();
};

describe("a write that a newer one to the same output superseded before its proof", () => {
  const supersede = (answer: Controller["answer"]): { rig: Rig; tickets: readonly number[] } => {
    const rig = started(answer);
    rig.held["read-back"] = true;
    rig.polling = false;
    const first = rig.ask(OUT.speed1, hz(31));
    rig.run(800 * MS);
    const second = rig.ask(OUT.speed1, hz(31.5));
    rig.nowUs += MS;
    rig.poll();
    return { rig, tickets: [first, second] };
  };

  it("is no success to a client that waits for proofs", () => {
    const { rig, tickets } = supersede("after-proof");
    const [first = 0, second = 0] = tickets;
    expect(rig.replyTo(first)).toMatchObject(READ_BACK);
    expect(rig.replyTo(second)).toMatchObject({ exception: null, verdict: "permit" });
    expect(rig.bodies("outcome")).toMatchObject([
      { outcome: "done", reasons: null },
      { outcome: "acknowledged", reasons: [{ code: "read-back", output: OUT.speed1 }] },
    ]);
  });

  it("stays the success it was to one that only waits for the device's word", () => {
    const { rig, tickets } = supersede("after-ack");
    for (const ticket of tickets) {
      expect(rig.replyTo(ticket)).toMatchObject({ exception: null, verdict: "permit" });
    }
    expect(rig.bodies("outcome")).toMatchObject([
      { outcome: "done", reasons: null },
      { outcome: "acknowledged", reasons: null },
    ]);
  });
});

describe("a write that the gateway's own superseded before its proof", () => {
  const trips = [
    trip("X-01", {
      when: not(on(inSlot(IN.estop))),
      action: { kind: "drive", writes: [{ output: OUT.speed1, raw: hz(40) }] },
    }),
    ...builtInTrips(
      buildModel().outputs.map(({ name }) => name),
      ["plc"],
    ),
  ];

  /** Acknowledged, not done yet, and then a trip drives the same output. */
  const tripOver = (answer: Controller["answer"], isConfirmed: boolean): [Rig, number] => {
    const rig = started(answer, { trips });
    rig.held["read-back"] = true;
    rig.held["safe-read-back"] = !isConfirmed;
    rig.effective = false;
    const ticket = rig.ask(OUT.speed1, hz(31));
    rig.effective = true;
    rig.registers.di.set(0, 0);
    rig.run(1_300 * MS);
    expect(rig.latched).toEqual(["X-01"]);
    expect(rig.state.live.drives).toHaveLength(isConfirmed ? 0 : 1);
    expect(rig.outcomes()).toEqual(["acknowledged"]);
    return [rig, ticket];
  };

  it("is no success to a client that waits for proofs, whether or not ours is read back", () => {
    for (const isConfirmed of [true, false]) {
      const [rig, ticket] = tripOver("after-proof", isConfirmed);
      expect(rig.replyTo(ticket)).toMatchObject(READ_BACK);
    }
  });

  it("stays the success it was to one that only waits for the device's word", () => {
    for (const isConfirmed of [true, false]) {
      const [rig, ticket] = tripOver("after-ack", isConfirmed);
      expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
    }
  });
});

describe("a write of several outputs", () => {
  it("is not done when one was superseded, though all the others were proven", () => {
    const groups = [{ name: "speeds", outputs: [OUT.speed1, OUT.speed2], together: false }];
    const rig = started("after-proof", { groups });
    rig.held["read-back"] = true;
    rig.polling = false;
    const data = { kind: "words", words: [hz(31), hz(31)] } as const;
    const ticket = rig.request({ device: 0, table: "hr", address: 41, function: 16, data });
    rig.run(800 * MS);
    rig.ask(OUT.speed1, hz(31.5));
    rig.nowUs += MS;
    rig.poll();
    expect(rig.outcomes()).toEqual(["done", "acknowledged"]);
    expect(rig.replyTo(ticket)).toMatchObject(READ_BACK);
    rig.held["read-back"] = false;
    rig.polling = true;
    rig.run(SECOND);
    expect(rig.latched).toEqual([]);
    expect(rig.state.folded).toMatchObject({ open: [], unsettled: [] });
    expect(rig.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(31.5) });
    expect(rig.state.folded.outputs[OUT.speed2]?.proven).toMatchObject({ raw: hz(31) });
  });
});
