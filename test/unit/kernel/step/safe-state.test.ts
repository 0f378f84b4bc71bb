import { describe, expect, it } from "vitest";
import type { ProfileModel } from "../../../../src/kernel/profile/model.js";
import { hz, MS, OUT, quickInputs, Rig, SECOND, TIMED_OUT } from "../../../support/kernel-rig.js";

/** Steps: local control, then the valve shut, then 30 Hz on pump 1. */
const threeSteps = (): Partial<ProfileModel> => {
  const { outputs, safeState } = new Rig().profile.model;
  const safe = new Map<number, number>([
    [OUT.local, 1],
    [OUT.valve, 0],
    [OUT.speed1, hz(25)],
  ]);
  return {
    inputs: quickInputs(),
    outputs: outputs.map((output, index) => {
      const raw = safe.get(index);
      return raw === undefined ? output : { ...output, safe: { kind: "value", raw } };
    }),
    safeState: { ...safeState, order: [OUT.local, OUT.valve, OUT.run1, OUT.speed1] },
  };
};

const fire = (rig: Rig): void => {
  rig.setLevel(5.5);
  rig.run(1_500 * MS);
};

describe("driving the safe state", () => {
  it("writes the steps in their order, each after the one before was read back [HP-043]", () => {
    const rig = new Rig(threeSteps()).start().forget();
    fire(rig);
    expect(rig.mode).toBe("safe-state");
    expect(rig.did("safe-write").map(({ output }) => output)).toEqual([
      OUT.local,
      OUT.valve,
      OUT.speed1,
    ]);
    expect(rig.bodies("safe-step").map(({ output, state }) => [output, state])).toEqual([
      [OUT.local, "sent"],
      [OUT.local, "proven"],
      [OUT.valve, "sent"],
      [OUT.valve, "proven"],
      [OUT.speed1, "sent"],
      [OUT.speed1, "proven"],
    ]);
    expect(rig.bodies("notice").map(({ what }) => what)).toContain("safe-state-confirmed");
  });

  it("does not wait for a step longer than its time, says that it is late, and goes on trying [HP-043]", () => {
    const rig = new Rig(threeSteps()).start().forget();
    rig.safeAnswer = TIMED_OUT;
    fire(rig);
    expect(rig.did("safe-write").every(({ output }) => output === OUT.local)).toBe(true);
    rig.run(SECOND);
    expect(rig.bodies("safe-step").filter(({ state }) => state === "late").length).toBeGreaterThan(
      0,
    );
    expect(rig.did("alarm").map(({ id }) => id)).toContain("safe-state.station.local");
    expect(rig.did("safe-write").some(({ output }) => output === OUT.valve)).toBe(true);
    rig.safeAnswer = { kind: "acknowledged", reply: new Uint8Array(0) };
    rig.run(3 * SECOND);
    expect(rig.bodies("safe-step").filter(({ state }) => state === "proven")).toHaveLength(3);
  });

  it("holds what it wrote: a value that changes is driven back", () => {
    const rig = new Rig(threeSteps()).start();
    fire(rig);
    rig.forget();
    rig.registers.hr.set(41, hz(40));
    rig.run(500 * MS);
    expect(rig.registers.hr.get(41)).toBe(hz(25));
    expect(rig.latched).toContain("foreign.pump1.speed");
  });

  it("keeps only what its order lists once it is confirmed: in LOCAL the floats have the pumps", () => {
    const rig = new Rig({ inputs: quickInputs() }).start();
    fire(rig);
    expect(rig.mode).toBe("safe-state");
    rig.registers.ir.set(0, 1);
    rig.run(SECOND);
    rig.forget();
    rig.registers.hr.set(40, 3);
    rig.registers.di.set(8, 1);
    rig.registers.di.set(9, 1);
    rig.run(2 * SECOND);
    rig.registers.hr.set(40, 0);
    rig.run(2 * SECOND);
    expect(rig.did("safe-write")).toEqual([]);
    expect(rig.latched).toEqual(["T-08"]);
  });

  it("revokes every lease and lets nothing pass", () => {
    const rig = new Rig({ inputs: quickInputs() }).start().forget();
    fire(rig);
    expect(rig.bodies("lease")).toMatchObject([{ event: "revoked" }]);
    rig.beat(2);
    expect(rig.bodies("lease")).toHaveLength(1);
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 4, why: { code: "safe-state" } });
  });

  it("is left by a person's reset with the cause gone, and not by the cause going", () => {
    const rig = new Rig({ inputs: quickInputs() }).start();
    fire(rig);
    rig.setLevel(2);
    for (let second = 0; second < 200; second += 1) rig.run(SECOND);
    expect(rig.mode).toBe("safe-state");
    const act = { kind: "reset", trip: "T-08" } as const;
    rig.give({ kind: "operator", person: "eva", why: "level is down", act });
    expect(rig.mode).toBe("enforcing");
    rig.beat(9);
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
  });

  it("is not left while another trip wants it", () => {
    const rig = new Rig({ inputs: quickInputs() }).start();
    rig.registers.hr.set(41, hz(40));
    rig.run(300 * MS);
    fire(rig);
    expect(rig.latched).toEqual(["foreign.pump1.speed", "T-08"]);
    const act = { kind: "reset", trip: "foreign.pump1.speed" } as const;
    rig.give({ kind: "operator", person: "eva", why: "was me", act });
    expect(rig.latched).toEqual(["T-08"]);
    expect(rig.mode).toBe("safe-state");
  });

  it("asks for a checkpoint when it is entered, and acts though evidence fails [HP-044]", () => {
    const rig = new Rig({ inputs: quickInputs() }).start().forget();
    rig.give({ kind: "evidence-failed", why: "disk full" });
    fire(rig);
    expect(rig.mode).toBe("safe-state");
    expect(rig.registers.co.get(1)).toBe(1);
    expect(rig.did("checkpoint")).toMatchObject([{ why: "mode" }]);
  });

  it("keeps its order though a trip was already driving one of its outputs", () => {
    const rig = new Rig({
      ...threeSteps(),
      trips: new Rig().profile.model.trips.map((rule) =>
        rule.id === "T-02"
          ? { ...rule, action: { kind: "drive", writes: [{ output: OUT.valve, raw: 0 }] } }
          : rule,
      ),
    }).start();
    rig.safeAnswer = TIMED_OUT;
    rig.registers.ir.set(20, 25_000);
    rig.run(SECOND);
    expect(rig.latched).toEqual(["T-02"]);
    rig.forget().safeAnswer = { kind: "acknowledged", reply: new Uint8Array(0) };
    rig.held["safe-write"] = true;
    fire(rig);
    const safe = rig.state.live.drives.filter(({ why }) => why === "safe");
    expect(safe.map(({ output }) => output)).toEqual([OUT.local, OUT.valve, OUT.speed1]);
  });

  it("keeps the value of a latched trip where the two differ", () => {
    const base = threeSteps();
    const rig = new Rig({
      ...base,
      trips: new Rig().profile.model.trips.map((rule) =>
        rule.id === "T-02"
          ? { ...rule, action: { kind: "drive", writes: [{ output: OUT.valve, raw: 1 }] } }
          : rule,
      ),
    }).start();
    rig.registers.ir.set(20, 25_000);
    rig.run(SECOND);
    expect(rig.latched).toEqual(["T-02"]);
    fire(rig);
    expect(rig.mode).toBe("safe-state");
    rig.run(SECOND);
    expect(rig.registers.co.get(0)).toBe(1);
  });
});
