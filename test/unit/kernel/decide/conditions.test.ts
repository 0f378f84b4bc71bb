import { describe, expect, it } from "vitest";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import type { ProfileModel } from "../../../../src/kernel/profile/model.js";
import { QUALITIES } from "../../../../src/kernel/record/look.js";
import {
  askFor,
  at,
  codes,
  goodImage,
  judge,
  NOW,
  planned,
  readyState,
  sample,
  withControllerState,
} from "../../../support/judging.js";
import {
  bar,
  buildModel,
  CONTROLLERS,
  hz,
  IN,
  metres,
  OUT,
  outSlot,
  permissive,
} from "../../../support/model.js";
import { compare, on } from "../../../support/formula.js";
import { controller } from "../../../support/tags.js";

const profile = compileProfile(buildModel());
const ready = readyState(profile);
const stopped = at(at(ready, OUT.run1, 0), OUT.run2, 0);
const START = askFor([
  [OUT.run1, 1],
  [OUT.run2, 0],
]);

function imageWith(
  input: number,
  raw: number | null,
  more: Parameters<typeof sample>[1] = {},
): ReturnType<typeof goodImage> {
  return goodImage(new Map([[input, sample(raw, more)]]));
}

describe("permissives", () => {
  it("pass when surely TRUE [HP-026 allows]", () => {
    expect(judge(profile, { state: stopped }, START).verdict).toBe("permit");
  });

  it("refuse when FALSE, with the rule's id [HP-026 refuses]", () => {
    const decision = judge(profile, { state: stopped, image: imageWith(IN.valveOpen, 0) }, START);
    expect(decision.reasons).toMatchObject([
      { code: "permissive", rule: "P-01", output: OUT.run1 },
    ]);
  });

  it("refuse when UNKNOWN, and say which kind of reading is to blame [HP-026 refuses] [HP-029 refuses]", () => {
    const bad = [
      imageWith(IN.valveOpen, null, { quality: "decode" }),
      imageWith(IN.valveOpen, 1, { quality: "device" }),
      imageWith(IN.valveOpen, 1, { quality: "never-read" }),
      imageWith(IN.valveOpen, 1, { sentUs: NOW - 1_000_001 }),
      { samples: [] },
    ];
    for (const image of bad) {
      const decision = judge(profile, { state: stopped, image }, START);
      expect(decision.verdict).toBe("deny");
      expect(codes(decision)).toEqual(expect.arrayContaining(["input-bad", "permissive"]));
    }
  });

  it("refuse for each way in which a reading can be bad [HP-029 refuses]", () => {
    for (const quality of QUALITIES) {
      const image = imageWith(IN.valveOpen, 1, { quality });
      const { verdict } = judge(profile, { state: stopped, image }, START);
      expect([quality, verdict]).toEqual([quality, quality === "good" ? "permit" : "deny"]);
    }
  });

  it("take a reading exactly as old as its max_age [HP-029 allows]", () => {
    const image = imageWith(IN.valveOpen, 1, { sentUs: NOW - 1_000_000 });
    expect(judge(profile, { state: stopped, image }, START).verdict).toBe("permit");
  });

  it("do not let NaN through behind a NOT", () => {
    const nan = goodImage(
      new Map([
        [IN.levelA, sample(null, { quality: "decode" })],
        [IN.levelB, sample(null, { quality: "decode" })],
        [IN.levelC, sample(0x00007fc0)],
      ]),
    );
    expect(codes(judge(profile, { state: stopped, image: nan }, START))).toEqual([
      "input-bad",
      "permissive",
    ]);
  });

  it("do not blame a reading where the plant itself is undecided", () => {
    const state = planned(stopped, OUT.valve, 0);
    const decision = judge(profile, { state }, START);
    expect(codes(decision)).toEqual(["permissive"]);
  });

  it("see the value asked for as cmd", () => {
    const image = imageWith(IN.pressure, bar(7));
    const state = at(ready, OUT.speed1, hz(38));
    expect(judge(profile, { state, image }, askFor([[OUT.speed1, hz(40)]])).verdict).toBe("permit");
    expect(codes(judge(profile, { state, image }, askFor([[OUT.speed1, hz(40) + 1]])))).toEqual([
      "permissive",
    ]);
  });

  it("apply to the controller they are limited to, and say so once for a whole word", () => {
    const image = imageWith(IN.mode, 1);
    const decision = judge(profile, { state: stopped, image }, START);
    expect(decision.reasons.filter(({ rule }) => rule === "P-08")).toHaveLength(1);
    expect(
      codes(judge(profile, { image }, askFor([[OUT.speed2, hz(36)]], CONTROLLERS.visitor))),
    ).not.toContain("permissive");
  });

  it("are not asked about a co-written bit that keeps its value", () => {
    const image = imageWith(IN.valveOpen, 0);
    // Pump 1 runs and keeps running; pump 2 stays off: no start, no stop, no question.
    expect(
      judge(
        profile,
        { image },
        askFor([
          [OUT.run1, 1],
          [OUT.run2, 0],
        ]),
      ).verdict,
    ).toBe("permit");
    // It may have stopped: then this may be a start.
    const maybe = planned(ready, OUT.run1, 0);
    expect(
      codes(
        judge(
          profile,
          { state: maybe, image },
          askFor([
            [OUT.run1, 1],
            [OUT.run2, 0],
          ]),
        ),
      ),
    ).toContain("permissive");
  });

  it("see several outputs written together as they would be afterwards", () => {
    const high = goodImage(
      new Map([IN.levelA, IN.levelB].map((input) => [input, sample(metres(4.5))])),
    );
    const both = at(at(ready, OUT.run1, 1), OUT.run2, 1);
    const one = judge(
      profile,
      { state: both, image: high },
      askFor([
        [OUT.run1, 0],
        [OUT.run2, 1],
      ]),
    );
    expect(one.verdict).toBe("permit");
    const none = judge(
      profile,
      { state: both, image: high },
      askFor([
        [OUT.run1, 0],
        [OUT.run2, 0],
      ]),
    );
    expect(none.reasons.map(({ rule }) => rule)).toEqual(["P-09", "P-10"]);
  });
});

describe("always", () => {
  const running = at(at(ready, OUT.run1, 1), OUT.run2, 1);
  const fast = at(at(running, OUT.speed1, hz(44)), OUT.speed2, hz(45));

  it("permits what keeps the relation and refuses what would break it [HP-027 allows] [HP-027 refuses]", () => {
    expect(judge(profile, { state: fast }, askFor([[OUT.speed1, hz(45)]])).verdict).toBe("permit");
    const over = judge(profile, { state: fast }, askFor([[OUT.speed1, hz(45) + 1]]));
    expect(over.reasons).toMatchObject([{ code: "always", rule: "A-01", output: OUT.speed1 }]);
  });

  it("holds for every value another output may have", () => {
    const moving = planned(fast, OUT.speed2, hz(46));
    expect(codes(judge(profile, { state: moving }, askFor([[OUT.speed1, hz(45)]])))).toEqual([
      "always",
    ]);
    expect(judge(profile, { state: moving }, askFor([[OUT.speed1, hz(43.5)]])).verdict).toBe(
      "permit",
    );
  });

  it("pins every output the command writes [HP-027 allows]", () => {
    const group = askFor([
      [OUT.run1, 1],
      [OUT.run2, 1],
      [OUT.speed1, hz(40)],
      [OUT.speed2, hz(49)],
    ]);
    const state = planned(
      at(at(running, OUT.speed1, hz(42)), OUT.speed2, hz(48)),
      OUT.speed1,
      hz(41),
    );
    expect(judge(profile, { state }, group).verdict).toBe("permit");
  });

  it("is said once for a command that writes several of its outputs", () => {
    const group = askFor([
      [OUT.run1, 1],
      [OUT.run2, 1],
      [OUT.speed1, hz(46)],
      [OUT.speed2, hz(47)],
    ]);
    const decision = judge(profile, { state: fast }, group);
    expect(decision.reasons.filter(({ code }) => code === "always")).toHaveLength(1);
  });

  it("refuses where another output's value is unknown", () => {
    const state = {
      ...fast,
      outputs: fast.outputs.map((o, n) => (n === OUT.speed2 ? { ...o, proven: null } : o)),
    };
    expect(codes(judge(profile, { state }, askFor([[OUT.speed1, hz(45)]])))).toEqual(["always"]);
  });
});

describe("exclusive", () => {
  const one = compileProfile(
    buildModel({ permissives: [], exclusive: [{ id: "X-01", outputs: [OUT.local, OUT.valve] }] }),
  );
  const off = at(readyState(one), OUT.valve, 0);
  const both = CONTROLLERS.operator;
  const leased = withControllerState(
    withControllerState(off, CONTROLLERS.ai, { lease: null }),
    both,
    { lease: { gainSeq: 7, beatUs: NOW } },
  );

  it("lets one be on and refuses a second [HP-028 allows] [HP-028 refuses]", () => {
    expect(judge(one, { state: leased }, askFor([[OUT.valve, 1]], both)).verdict).toBe("permit");
    const state = at(leased, OUT.local, 1);
    const second = judge(one, { state }, askFor([[OUT.valve, 1]], both));
    expect(second.reasons).toMatchObject([{ code: "exclusive", rule: "X-01" }]);
  });

  it("refuses while the other may be on, and never refuses to turn off", () => {
    const maybe = planned(leased, OUT.local, 1);
    expect(codes(judge(one, { state: maybe }, askFor([[OUT.valve, 1]], both)))).toEqual([
      "exclusive",
    ]);
    const bothOn = at(at(leased, OUT.local, 1), OUT.valve, 1);
    expect(judge(one, { state: bothOn }, askFor([[OUT.valve, 0]], both)).verdict).toBe("permit");
  });
});

describe("a write whose answer was lost", () => {
  const members = [OUT.local, OUT.valve];
  const exclusive = compileProfile(
    buildModel({
      permissives: [],
      groups: [{ name: "swap", outputs: members, together: false }],
      exclusive: [{ id: "X-01", outputs: members }],
      controllers: [controller("ai", { outputs: new Set(members) })],
    }),
  );
  const swap = askFor([
    [OUT.local, 0],
    [OUT.valve, 1],
  ]);
  const off = at(readyState(exclusive), OUT.valve, 0);

  it("may still arrive after the next one, so its value counts there too", () => {
    expect(judge(exclusive, { state: at(off, OUT.local, 1) }, swap).verdict).toBe("permit");
    const late = planned(off, OUT.local, 1);
    expect(codes(judge(exclusive, { state: late }, swap))).toEqual(["exclusive"]);
  });
});

describe("approvals", () => {
  const approvals: ProfileModel["approvals"] = [
    {
      id: "flush",
      subject: { kind: "value", output: OUT.valve, raw: 0 },
      while: compare(IN.mode, "=", 3),
      people: 2,
      distinct: true,
      expiresUs: 600_000_000,
    },
  ];
  const held = compileProfile(buildModel({ permissives: [], approvals }));

  it("hold a command that nothing else objects to", () => {
    const decision = judge(held, { image: imageWith(IN.mode, 3) }, askFor([[OUT.valve, 0]]));
    expect([decision.verdict, codes(decision), decision.writes[0]?.given]).toEqual([
      "hold",
      ["approval"],
      null,
    ]);
    expect(decision.reasons[0]?.rule).toBe("flush");
  });

  it("are not asked for while their condition is surely FALSE, nor for another value", () => {
    expect(judge(held, {}, askFor([[OUT.valve, 0]])).verdict).toBe("permit");
    expect(judge(held, { image: imageWith(IN.mode, 3) }, askFor([[OUT.valve, 1]])).verdict).toBe(
      "permit",
    );
  });

  it("are asked for while their condition is unknown", () => {
    const image = imageWith(IN.mode, 2, { quality: "device" });
    expect(judge(held, { image }, askFor([[OUT.valve, 0]])).verdict).toBe("hold");
  });

  it("deny when anything else objects", () => {
    const state = at(readyState(held), OUT.valve, 1, 1_000_000);
    const decision = judge(held, { state, image: imageWith(IN.mode, 3) }, askFor([[OUT.valve, 0]]));
    expect([decision.verdict, codes(decision)]).toEqual(["deny", ["approval", "dwell"]]);
  });
});

describe("a rule on every write that reads the value asked", () => {
  it("is asked for each of them", () => {
    const each = compileProfile(
      buildModel({
        permissives: [permissive("P-X", { kind: "any" }, compare(18, "<", 1))],
        always: [],
        outputs: buildModel().outputs.map((o) => ({
          ...o,
          starts: null,
          minOnUs: null,
          minOffUs: null,
        })),
      }),
    );
    const decision = judge(
      each,
      {},
      askFor([
        [OUT.run1, 1],
        [OUT.run2, 1],
      ]),
    );
    expect(decision.reasons.map(({ output }) => output)).toEqual([OUT.run1, OUT.run2]);
  });

  it("and one that reads outputs sees them as they are", () => {
    const now = compileProfile(
      buildModel({
        permissives: [permissive("P-Y", { kind: "any" }, on(outSlot(OUT.valve)))],
        always: [],
      }),
    );
    expect(judge(now, {}, askFor([[OUT.valve, 0]])).verdict).toBe("permit");
    expect(
      judge(now, { state: at(readyState(now), OUT.valve, 0) }, askFor([[OUT.valve, 1]])).verdict,
    ).toBe("deny");
  });
});
