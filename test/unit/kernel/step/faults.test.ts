import { describe, expect, it } from "vitest";
import { planReads } from "../../../../src/kernel/image/read-plan.js";
import type { Device, ProfileModel } from "../../../../src/kernel/profile/model.js";
import { hz, MS, OUT, Rig, SECOND } from "../../../support/kernel-rig.js";

const withDevice = (change: Partial<Device>): Partial<ProfileModel> => ({
  devices: new Rig().profile.model.devices.map((device) => ({ ...device, ...change })),
});
const events = (rig: Rig): readonly string[] => rig.bodies("device").map(({ event }) => event);
const keepBeating = (rig: Rig, seconds: number): void => {
  for (let beat = 0; beat < seconds; beat += 1) {
    rig.run(SECOND);
    rig.beat(100 + beat);
  }
};

describe("a device that falls silent", () => {
  it("makes its inputs late, and after the profile's time is lost, which leads to the safe state", () => {
    const rig = new Rig({ ...withDevice({}), trips: onlyBuiltIn() }).start().forget();
    rig.polling = false;
    rig.run(2_700 * MS);
    expect(rig.latched).toEqual([]);
    rig.run(600 * MS);
    expect(rig.latched).toEqual(["lost.plc"]);
    expect(rig.mode).toBe("safe-state");
    expect(events(rig)).toEqual(["down"]);
  });

  it("only withholds, or only alarms, where the profile says so", () => {
    for (const [action, mode] of [
      ["holding", "holding"],
      ["alarm", "enforcing"],
    ] as const) {
      const rig = new Rig({
        ...withDevice({ lost: { afterUs: 3 * SECOND, action } }),
        trips: onlyBuiltIn(),
      }).start();
      rig.polling = false;
      rig.run(4 * SECOND);
      expect(rig.mode).toBe(mode);
      expect(rig.did("alarm").map(({ id }) => id)).toContain("lost.plc");
      expect(rig.latched).toEqual([]);
      rig.forget().polling = true;
      rig.run(2 * SECOND);
      expect(rig.did("alarm")).toContainEqual(
        expect.objectContaining({ id: "lost.plc", raised: false }),
      );
    }
  });

  it("is not lost when it answers again in time", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    for (let time = 0; time < 4; time += 1) {
      rig.polling = false;
      rig.run(2 * SECOND);
      rig.polling = true;
      rig.run(500 * MS);
    }
    expect(rig.latched).toEqual([]);
  });

  it("refuses commands while its link is down, and takes them when it was read anew", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    rig.give({ kind: "device-link", device: 0, up: false, why: "closed" });
    expect(events(rig)).toEqual(["down"]);
    const down = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(down)).toMatchObject({ exception: 4, why: { code: "device-down" } });
    rig.give({ kind: "device-link", device: 0, up: true, why: "" });
    rig.run(250 * MS);
    expect(events(rig)).toEqual(["down"]);
    rig.run(300 * MS);
    expect(events(rig)).toEqual(["down", "up"]);
    const up = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(up)).toMatchObject({ exception: null });
  });

  it("can be reset by a person only when it is up again", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start();
    rig.polling = false;
    rig.run(4 * SECOND);
    const act = { kind: "reset", trip: "lost.plc" } as const;
    rig.give({ kind: "operator", person: "eva", why: "cable", act });
    expect(rig.latched).toEqual(["lost.plc"]);
    rig.polling = true;
    rig.run(SECOND);
    rig.give({ kind: "operator", person: "eva", why: "cable", act });
    expect(rig.latched).toEqual([]);
    expect(rig.mode).toBe("enforcing");
  });
});

describe("a PLC whose program stopped", () => {
  it("has bad inputs from then on, though its server answers [HP-045]", () => {
    const rig = new Rig().start().forget();
    rig.counting = false;
    rig.run(900 * MS);
    expect(events(rig)).toEqual([]);
    rig.run(500 * MS);
    expect(events(rig)[0]).toBe("program-stopped");
    expect(rig.state.image.samples.every(({ quality }) => quality === "device")).toBe(true);
    rig.run(1_500 * MS);
    expect(rig.latched).toContain("T-03");
  });

  it("is taken for running while its counter moves", () => {
    const rig = new Rig().start().forget();
    keepBeating(rig, 5);
    expect(events(rig)).toEqual([]);
    expect(rig.state.image.samples.every(({ quality }) => quality === "good")).toBe(true);
  });

  it("is believed again when its counter moves again [HP-045]", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    rig.counting = false;
    rig.run(1_500 * MS);
    rig.counting = true;
    rig.run(SECOND);
    expect(events(rig)).toEqual(["program-stopped", "up"]);
    expect(rig.state.image.samples.every(({ quality }) => quality === "good")).toBe(true);
  });
});

/** Polls and scans as the rig does; a block with this in it answers nothing. */
function runWithout(what: "alive" | "identity", rig: Rig, us: number): void {
  rig.polling = false;
  const blocks = planReads(rig.profile.model)[0] ?? [];
  for (let waitedUs = 0; waitedUs < us; waitedUs += 50 * MS) {
    rig.run(50 * MS);
    if (waitedUs % (250 * MS) !== 0) continue;
    blocks.forEach((block, index) => {
      if (block[what]) return;
      const words = rig.read(block.table, block.address, block.quantity);
      rig.give({ kind: "block-read", device: 0, block: index, sentUs: rig.nowUs, words });
    });
  }
  rig.polling = true;
}

describe("a device that answers everything but who it is", () => {
  const started = (): Rig =>
    new Rig({ ...withDevice({ alive: null }), trips: onlyBuiltIn() }).start().forget();

  it("is not believed after the profile's time for a lost one, and then is lost", () => {
    const rig = started();
    runWithout("identity", rig, 2_500 * MS);
    expect(events(rig)).toEqual([]);
    runWithout("identity", rig, SECOND);
    expect(events(rig)).toEqual(["down"]);
    expect(rig.bodies("device")[0]?.detail).toBe("its identity cannot be read");
    expect(rig.state.image.samples.every(({ quality }) => quality === "device")).toBe(true);
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 4 });
    expect(rig.did("send")).toEqual([]);
    runWithout("identity", rig, 3_500 * MS);
    expect(rig.latched).toEqual(["lost.plc"]);
  });

  it("is believed again when it says so, and never doubted while it does in time", () => {
    const rig = started();
    runWithout("identity", rig, 4 * SECOND);
    rig.run(SECOND);
    expect(events(rig)).toEqual(["down", "up"]);
    expect(rig.state.image.samples.every(({ quality }) => quality === "good")).toBe(true);
    expect(rig.latched).toEqual([]);
    for (let time = 0; time < 3; time += 1) {
      runWithout("identity", rig, 2_500 * MS);
      rig.poll();
    }
    expect(events(rig)).toEqual(["down", "up"]);
  });
});

describe("a PLC that answers, but not where its counter is", () => {
  const runWithoutCounter = (rig: Rig, us: number): void => {
    runWithout("alive", rig, us);
  };

  it("is taken for stopped after its time, a poll and a timeout, and is lost as one that is [HP-045]", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    runWithoutCounter(rig, 1_500 * MS);
    expect(events(rig)).toEqual([]);
    runWithoutCounter(rig, 400 * MS);
    expect(events(rig)).toEqual(["program-stopped"]);
    expect(rig.state.image.samples.every(({ quality }) => quality === "device")).toBe(true);
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: 4 });
    expect(rig.did("send")).toEqual([]);
    runWithoutCounter(rig, 3_100 * MS);
    expect(rig.latched).toEqual(["lost.plc"]);
  });

  it("is so after its link came up anew, too", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    rig.give({ kind: "device-link", device: 0, up: false, why: "closed" });
    rig.give({ kind: "device-link", device: 0, up: true, why: "" });
    runWithoutCounter(rig, 2 * SECOND);
    expect(events(rig)).toEqual(["down", "program-stopped"]);
    expect(rig.state.image.samples.every(({ quality }) => quality === "device")).toBe(true);
  });

  it("is believed again when its counter is seen to move", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    runWithoutCounter(rig, 2 * SECOND);
    rig.run(SECOND);
    expect(events(rig)).toEqual(["program-stopped", "up"]);
    expect(rig.state.image.samples.every(({ quality }) => quality === "good")).toBe(true);
    expect(rig.latched).toEqual([]);
  });

  it("is nothing but slow when the counter is read in time", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    for (let time = 0; time < 4; time += 1) {
      runWithoutCounter(rig, 1_500 * MS);
      rig.poll();
    }
    expect(events(rig)).toEqual([]);
  });

  it("is silent, and not stopped, when nothing at all answers", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    rig.polling = false;
    rig.run(2_900 * MS);
    expect(events(rig)).toEqual([]);
  });
});

describe("a device that is another one after a download", () => {
  it("withholds permits, raises an alarm, and is not believed; a person gives permits back", () => {
    const rig = new Rig({ trips: onlyBuiltIn() }).start().forget();
    rig.registers.ir.set(98, 4712);
    rig.registers.hr.set(41, hz(55));
    rig.run(300 * MS);
    expect(rig.mode).toBe("holding");
    expect(events(rig)).toEqual(["identity-changed"]);
    expect(rig.did("alarm").map(({ id }) => id)).toContain("identity.plc");
    expect(rig.state.image.samples.every(({ quality }) => quality === "device")).toBe(true);
    expect(rig.latched).toEqual([]);
    const act = { kind: "reset", trip: "holding" } as const;
    rig.give({ kind: "operator", person: "eva", why: "new program", act });
    expect(rig.mode).toBe("holding");
    rig.registers.ir.set(98, 4711);
    rig.registers.hr.set(41, hz(30));
    rig.run(SECOND);
    rig.give({ kind: "operator", person: "eva", why: "right program", act });
    expect(rig.mode).toBe("enforcing");
  });
});

describe("evidence that cannot be written", () => {
  it("stops permits, also those that wait, and answers without naming a number", () => {
    const rig = new Rig().start().forget();
    rig.held.durable = true;
    const waiting = rig.ask(OUT.speed1, hz(31));
    rig.give({ kind: "evidence-failed", why: "ENOSPC" });
    expect(rig.replyTo(waiting)).toMatchObject({ exception: 4, seq: null });
    const next = rig.ask(OUT.speed2, hz(31));
    expect(rig.replyTo(next)).toMatchObject({ exception: 4, seq: null, why: { code: "evidence" } });
    rig.give({ kind: "evidence-durable", seq: 9_999 });
    expect(rig.did("send")).toEqual([]);
    expect(rig.mode).toBe("enforcing");
  });

  it("drives the safe state where the profile says so", () => {
    const safeState = { ...new Rig().profile.model.safeState, on: ["evidence-full"] as const };
    const rig = new Rig({ safeState }).start();
    rig.give({ kind: "evidence-failed", why: "ENOSPC" });
    expect(rig.mode).toBe("safe-state");
    expect(rig.registers.co.get(1)).toBe(1);
  });

  it("lets commands pass again when it was restored", () => {
    const rig = new Rig().start();
    rig.give({ kind: "evidence-failed", why: "ENOSPC" });
    rig.give({ kind: "evidence-failed", why: "ENOSPC" });
    rig.give({ kind: "evidence-restored" });
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ exception: null });
    expect(rig.bodies("notice").filter(({ what }) => what === "evidence")).toHaveLength(2);
  });
});

describe("the gateway's own lateness and clock", () => {
  it("counts and alarms a late scan, and beyond the limit drives the safe state", () => {
    const rig = new Rig().start().forget();
    rig.scan(200 * MS);
    expect(rig.did("alarm")).toMatchObject([{ id: "scan-late", raised: true }]);
    expect(rig.mode).toBe("enforcing");
    rig.scan(11 * SECOND);
    expect(rig.mode).toBe("safe-state");
  });

  it("takes a scan in time for nothing special", () => {
    const rig = new Rig().start().forget();
    rig.scan(20 * MS);
    expect(rig.effects).toEqual([]);
  });

  it("records a clock step, and lets wall time take authority away but never give it back", () => {
    for (const [atExpiry, mode] of [
      ["alarm", "enforcing"],
      ["holding", "holding"],
      ["safe-state", "safe-state"],
    ] as const) {
      const valid = { fromUtcUs: 0, untilUtcUs: 1_000, atExpiry };
      const rig = new Rig({ valid }).start().forget();
      rig.give({ kind: "clock-stepped", stepUs: 5, utcUs: 999 });
      expect(rig.bodies("clock")).toMatchObject([{ stepUs: 5 }]);
      expect(rig.mode).toBe("enforcing");
      rig.give({ kind: "clock-stepped", stepUs: 5, utcUs: 1_000 });
      expect(rig.mode).toBe(mode);
      rig.give({ kind: "clock-stepped", stepUs: -500, utcUs: 500 });
      expect(rig.mode).toBe(mode);
      expect(rig.bodies("profile")).toMatchObject([{ event: "expired" }]);
    }
  });
});

describe("a locked-out gateway", () => {
  it("is left only by accepting the log, into the safe state", () => {
    const rig = new Rig().start();
    const locked = { ...rig.state.folded, standing: "locked-out" } as const;
    const next = new Rig({}, { folded: locked, gapUs: 1, nowUs: SECOND });
    next.run(SECOND);
    expect(next.mode).toBe("locked-out");
    expect(next.registers.co.get(1)).toBe(1);
    const act = { kind: "accept-log" } as const;
    next.give({ kind: "operator", person: "eva", why: "", act });
    expect(next.mode).toBe("locked-out");
    next.give({ kind: "operator", person: "eva", why: "compared by hand", act });
    expect(next.mode).toBe("safe-state");
  });
});

/** Only the trips every profile has: what is asked here is not about blindness. */
function onlyBuiltIn(): ProfileModel["trips"] {
  return new Rig().profile.model.trips.filter(({ when }) => when === null);
}
