import { describe, expect, it } from "vitest";
import { hz, OUT } from "../../../support/model.js";
import { Rig, SECOND } from "../../../support/kernel-rig.js";

const SPKI = new Uint8Array(91);
const FAILED = {
  kind: "signing-failed",
  spki: SPKI,
  why: "no answer",
  foreign: false,
  behind: false,
} as const;
const FOREIGN = { ...FAILED, why: "another TPM", foreign: true } as const;
const BEHIND = { ...FAILED, why: "the log lags", behind: true } as const;
const DONE = { kind: "signing-done", spki: SPKI } as const;

function awaiting(required: boolean, rig = new Rig()): Rig {
  rig.give({ kind: "signing-awaited", required, why: "none yet" });
  return rig.start();
}

describe("a run whose first checkpoint is required", () => {
  it("stays in starting and permits nothing until it is there, then goes on by itself [HP-140 refuses] [HP-140 allows]", () => {
    const rig = awaiting(true);
    expect(rig.mode).toBe("starting");
    const refused = rig.ask(OUT.speed1, hz(31));
    expect(rig.replyTo(refused)).toMatchObject({ exception: expect.any(Number) as number });
    rig.give(FAILED);
    rig.run(SECOND);
    expect(rig.mode).toBe("starting");
    rig.give(DONE);
    rig.run(SECOND);
    rig.beat(2);
    expect(rig.mode).toBe("enforcing");
    expect(rig.replyTo(rig.ask(OUT.speed1, hz(31)))).toMatchObject({ exception: null });
    const evidence = rig.bodies("notice").filter(({ what }) => what === "evidence");
    expect(evidence.map(({ details }) => details?.get("writable"))).toEqual([false, true]);
  });

  it("is no fault of the disk: the safe state of a full one is not driven for it", () => {
    const safeState = { ...new Rig().profile.model.safeState, on: ["evidence-full"] as const };
    const rig = awaiting(true, new Rig({ safeState }));
    rig.give(FAILED);
    expect(rig.mode).toBe("starting");
    rig.give({ kind: "evidence-failed", why: "ENOSPC" });
    expect(rig.mode).toBe("safe-state");
  });

  it("does not go on by a checkpoint once the disk has failed", () => {
    const rig = awaiting(true);
    rig.give({ kind: "evidence-failed", why: "EIO" });
    rig.give(DONE);
    rig.run(SECOND);
    expect(rig.state.folded.evidenceWritable).toBe(false);
    expect(rig.mode).toBe("starting");
  });

  it("is locked out, with the safe state driven, when the key is another one [HP-141 refuses]", () => {
    const rig = awaiting(true);
    rig.give(FAILED);
    rig.give(FOREIGN);
    expect(rig.mode).toBe("locked-out");
    expect(rig.registers.co.get(1)).toBe(1);
    rig.give(DONE);
    rig.run(SECOND);
    expect(rig.mode).toBe("locked-out");
  });
});

describe("a disk that withholds permits while a first checkpoint is awaited", () => {
  const DOWN = { kind: "evidence-failed", why: "91 % full" } as const;
  const UP = { kind: "evidence-restored" } as const;
  const AWAITED = { kind: "signing-awaited", required: true, why: "none yet" } as const;

  it.each([
    ["was too full before that", [DOWN, AWAITED, UP]],
    ["became too full meanwhile", [AWAITED, DOWN, UP]],
  ] as const)("gives none back by itself where it %s [HP-140 refuses]", (_name, inputs) => {
    const rig = new Rig();
    for (const input of inputs) rig.give(input);
    rig.start();
    expect(rig.state.folded.evidenceWritable).toBe(false);
    expect(rig.mode).toBe("starting");
    expect(rig.replyTo(rig.ask(OUT.speed1, hz(31)))).toMatchObject({
      exception: expect.any(Number) as number,
    });
    rig.give(DONE);
    rig.run(SECOND);
    expect(rig.mode).toBe("enforcing");
  });

  it("has them wait for it when the checkpoint comes first [HP-160 refuses]", () => {
    const rig = awaiting(true);
    rig.give(DOWN);
    rig.give(DONE);
    rig.run(SECOND);
    expect(rig.state.folded.evidenceWritable).toBe(false);
    rig.give(UP);
    rig.run(SECOND);
    expect(rig.state.folded.evidenceWritable).toBe(true);
    expect(rig.mode).toBe("enforcing");
  });
});

describe("a run whose first checkpoint is only preferred", () => {
  it("waits for the attempt to sign one, and goes on with an alarm when that fails [HP-143]", () => {
    const rig = awaiting(false);
    expect(rig.mode).toBe("starting");
    rig.give(FAILED);
    rig.run(SECOND);
    expect(rig.mode).toBe("enforcing");
    expect(rig.did("alarm")).toMatchObject([{ id: "signing", raised: true }]);
  });

  it("is locked out as well when the key is another one", () => {
    const rig = awaiting(false);
    rig.give(FOREIGN);
    expect(rig.mode).toBe("locked-out");
  });
});

describe("a key that is lost while the gateway runs", () => {
  it("takes no permit, is alarmed and recorded once, and once when it is back [HP-141 allows]", () => {
    const rig = awaiting(true);
    rig.give(DONE);
    rig.run(SECOND);
    rig.beat(2);
    rig.forget();
    for (let times = 0; times < 3; times += 1) rig.give(FAILED);
    rig.give(FOREIGN);
    rig.give(FOREIGN);
    expect(rig.mode).toBe("enforcing");
    expect(rig.replyTo(rig.ask(OUT.speed1, hz(31)))).toMatchObject({ exception: null });
    rig.give(DONE);
    expect(rig.bodies("key").map(({ event }) => event)).toEqual(["lost", "back"]);
    const said = rig.bodies("notice").filter(({ what }) => what === "signing");
    expect(said.map(({ details }) => [details?.get("signed"), details?.get("why")])).toEqual([
      [false, "no answer"],
      [false, "another TPM"],
      [true, null],
    ]);
    expect(rig.did("alarm").map(({ id, raised }) => [id, raised])).toEqual([
      ["signing", true],
      ["foreign-key", true],
      ["signing", false],
      ["foreign-key", false],
    ]);
  });
});

describe("a log that the TPM has signed more than", () => {
  it("locks out whenever that is found out, and as long as it is so [HP-152 refuses]", () => {
    const rig = awaiting(false);
    rig.give(FAILED);
    rig.run(SECOND);
    expect(rig.mode).toBe("enforcing");
    rig.give(BEHIND);
    expect(rig.mode).toBe("locked-out");
    expect(rig.registers.co.get(1)).toBe(1);
    expect(rig.replyTo(rig.ask(OUT.speed1, hz(31)))).toMatchObject({
      exception: expect.any(Number) as number,
    });
  });

  it("begins no run, not even where a checkpoint is only preferred", () => {
    const rig = awaiting(false);
    rig.give(BEHIND);
    rig.run(SECOND);
    expect(rig.mode).toBe("locked-out");
    expect(rig.state.folded.evidenceWritable).toBe(false);
  });
});
