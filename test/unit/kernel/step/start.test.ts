import { describe, expect, it } from "vitest";
import { foldEntry, initialState } from "../../../../src/kernel/state/fold.js";
import type { FoldedState } from "../../../../src/kernel/state/state.js";
import { bootEntry, hz, MS, OUT, Rig, SECOND, TIMED_OUT } from "../../../support/kernel-rig.js";

const GAP = 2 * SECOND;
/** A run that ended here and now, as its log leaves it. */
const folded = (rig: Rig): FoldedState => rig.state.folded;
const again = (rig: Rig, gapUs?: number): Rig =>
  new Rig(
    {},
    { folded: folded(rig), nowUs: 5 * SECOND, ...(gapUs === undefined ? {} : { gapUs }) },
  );

describe("the first start ever", () => {
  it("adopts every output as it is, drives nothing, and then enforces", () => {
    const rig = new Rig();
    rig.setSpeeds(47, 12);
    rig.run(600 * MS);
    expect(rig.mode).toBe("enforcing");
    expect(rig.bodies("notice").filter(({ what }) => what === "adopted")).toHaveLength(6);
    expect(rig.state.folded.outputs[OUT.speed1]?.proven).toMatchObject({ raw: hz(47) });
    expect(rig.did("safe-write")).toEqual([]);
    expect(rig.did("send")).toEqual([]);
  });

  it("releases nothing before the device was read, identified and seen to run", () => {
    for (const spoil of [
      (rig: Rig): void => void (rig.polling = false),
      (rig: Rig): void => void (rig.counting = false),
      (rig: Rig): void => void rig.registers.ir.set(98, 1),
    ]) {
      const rig = new Rig();
      spoil(rig);
      rig.run(900 * MS);
      expect(rig.mode).toBe("starting");
      rig.beat(1);
      const ticket = rig.ask(OUT.speed1, hz(31));
      expect(rig.replyTo(ticket)?.exception).not.toBeNull();
      expect(rig.did("send")).toEqual([]);
    }
  });

  it("recovers by itself when a device that was away at the start comes up", () => {
    const rig = new Rig();
    rig.polling = false;
    rig.give({ kind: "device-link", device: 0, up: false, why: "refused" });
    rig.run(30 * SECOND);
    expect(rig.mode).toBe("starting");
    expect(rig.latched).toEqual([]);
    rig.polling = true;
    rig.give({ kind: "device-link", device: 0, up: true, why: "" });
    rig.run(SECOND);
    expect(rig.mode).toBe("enforcing");
  });
});

describe("a restart", () => {
  it("finds the state that the run before had: both come from folding its log alone [HP-079]", () => {
    const rig = new Rig();
    const first = initialState(rig.profile);
    const boot = bootEntry(rig.profile, first, rig.nowUs);
    rig.start();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    rig.ask(OUT.speed2, hz(90));
    rig.registers.di.set(0, 0);
    rig.run(400 * MS);
    const log = [boot, ...rig.records];
    const state = log.reduce((before, entry) => foldEntry(rig.profile, before, entry), first);
    expect(state).toEqual(rig.state.folded);
    expect(state.latched).toHaveLength(1);
    expect(state.unsettled).toHaveLength(1);
    const less = log.slice(0, -1);
    expect(
      less.reduce((before, entry) => foldEntry(rig.profile, before, entry), first),
    ).not.toEqual(rig.state.folded);
  });

  it("holds when read-back equals the log and the gap is shorter than the lease", () => {
    const rig = again(new Rig().start(), GAP);
    rig.run(SECOND);
    expect(rig.mode).toBe("enforcing");
    expect(rig.did("safe-write")).toEqual([]);
    const ticket = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(ticket)).toMatchObject({ why: { code: "lease" } });
  });

  it("stays locked out, whatever else is wrong, and gives nothing back by itself", () => {
    const before = { ...folded(new Rig().start()), standing: "locked-out" as const };
    for (const gapUs of [GAP, 3_600 * SECOND, null]) {
      const rig = new Rig(
        {},
        { folded: before, nowUs: 5 * SECOND, ...(gapUs === null ? {} : { gapUs }) },
      );
      rig.run(2 * SECOND);
      expect(rig.mode).toBe("locked-out");
      expect(rig.registers.co.get(1)).toBe(1);
    }
  });

  it("drives the safe state when read-back differs from the log", () => {
    const rig = again(new Rig().start(), GAP);
    rig.setSpeeds(45, 30);
    rig.run(SECOND);
    expect(rig.mode).toBe("safe-state");
    expect(rig.registers.co.get(1)).toBe(1);
  });

  it("holds on a difference that others may make in the plant's own mode", () => {
    const rig = again(new Rig().start(), GAP);
    rig.registers.ir.set(0, 1);
    rig.poll();
    rig.setSpeeds(45, 30);
    const other = again(new Rig().start(), GAP);
    other.registers.ir.set(0, 1);
    other.setSpeeds(45, 30);
    other.run(SECOND);
    expect(other.mode).toBe("safe-state");
    rig.run(SECOND);
    expect(rig.mode).toBe("enforcing");
  });

  it("drives the safe state when it was away for longer than a lease, or nobody knows how long", () => {
    for (const gapUs of [5 * SECOND, undefined]) {
      const rig = again(new Rig().start(), gapUs);
      rig.run(SECOND);
      expect(rig.mode).toBe("safe-state");
    }
  });

  it("drives the safe state where the profile wants it after any restart", () => {
    const before = folded(new Rig().start());
    const rig = new Rig({ restart: "safe-state" }, { folded: before, gapUs: 1, nowUs: SECOND });
    rig.run(100 * MS);
    expect(rig.mode).toBe("safe-state");
  });

  it("gives nothing back that a person had taken: the safe state and STOP AI stand", () => {
    for (const [safe, mode] of [
      [true, "safe-state"],
      [false, "holding"],
    ] as const) {
      const rig = new Rig().start();
      rig.give({ kind: "operator", person: "", why: "", act: { kind: "stop-ai", safe } });
      const second = again(again(rig, GAP), GAP);
      second.run(SECOND);
      expect(second.mode).toBe(mode);
    }
  });

  it("takes latched trips up again, writes and all", () => {
    const rig = new Rig().start();
    rig.registers.di.set(0, 0);
    rig.run(300 * MS);
    expect(rig.latched).toEqual(["T-03"]);
    const next = again(rig, GAP);
    next.registers.hr.set(40, 3);
    next.run(100 * MS);
    expect(next.latched).toEqual(["T-03"]);
    expect(next.registers.hr.get(40)).toBe(0);
  });

  it("says crash-unknown of permits without an outcome, and resolves them by a late enough read", () => {
    const rig = new Rig().start();
    rig.held.send = true;
    rig.ask(OUT.speed1, hz(31));
    for (const [value, outcome] of [
      [31, "resolved-done"],
      [30, "resolved-not-done"],
    ] as const) {
      const next = again(rig, GAP);
      next.setSpeeds(value, 30);
      next.run(900 * MS);
      expect(next.outcomes()).toEqual(["crash-unknown"]);
      expect(next.mode).toBe("starting");
      next.run(600 * MS);
      expect(next.outcomes()).toEqual(["crash-unknown", outcome]);
      expect(next.mode).toBe("enforcing");
      expect(next.state.folded.outputs[OUT.speed1]).toMatchObject({
        proven: { raw: hz(value) },
        planned: [],
      });
    }
  });

  it("says crash-unknown of a permit that sent nothing, where the log was cut before its outcome", () => {
    const rig = new Rig().start();
    const before = folded(rig);
    const from = rig.records.length;
    rig.ask(OUT.speed1, hz(30.1));
    expect(rig.outcomes()).toEqual(["no-change"]);
    const permit = rig.records.slice(from).find(({ body }) => body.type === "decision");
    if (permit === undefined) throw new Error("nothing was decided");
    const cut = foldEntry(rig.profile, before, { ...permit, seq: before.nextSeq });
    const next = new Rig({}, { folded: cut, nowUs: 5 * SECOND, gapUs: GAP });
    next.setSpeeds(30, 30);
    next.run(1_500 * MS);
    expect(next.outcomes()).toEqual(["crash-unknown"]);
    expect(next.mode).toBe("enforcing");
    expect(next.state.folded).toMatchObject({ open: [], unsettled: [] });
  });

  it("knows an unknown write of the run before as one that may have been done", () => {
    const rig = new Rig().start();
    rig.answer = TIMED_OUT;
    rig.ask(OUT.speed1, hz(31));
    const next = again(rig, GAP);
    next.setSpeeds(31, 30);
    next.run(1_500 * MS);
    expect(next.outcomes()).toEqual(["resolved-done"]);
    expect(next.mode).toBe("enforcing");
  });
});
