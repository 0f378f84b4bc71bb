import { describe, expect, it } from "vitest";
import type { Ask } from "../../../../src/kernel/command/request.js";
import { decide } from "../../../../src/kernel/decide/decide.js";
import { gatherFacts } from "../../../../src/kernel/decide/gather-facts.js";
import type { Image } from "../../../../src/kernel/image/image.js";
import { compileProfile } from "../../../../src/kernel/profile/compile.js";
import { because, inCatalogueOrder } from "../../../../src/kernel/record/because.js";
import {
  describeTime,
  explainDecision,
  explainReason,
} from "../../../../src/kernel/record/explain.js";
import type { FoldedState } from "../../../../src/kernel/state/state.js";
import {
  askFor,
  at,
  charges,
  goodImage,
  NOW,
  planned,
  readyState,
  sample,
  withOutputState,
} from "../../../support/judging.js";
import { bar, buildModel, hz, IN, OUT } from "../../../support/model.js";

const model = buildModel();
const profile = compileProfile({
  ...model,
  permissives: model.permissives.map((rule) =>
    rule.id === "P-01" ? { ...rule, why: "no start against a closed discharge" } : rule,
  ),
});
const ready = readyState(profile);

function explained(ask: Ask, options: { state?: FoldedState; image?: Image } = {}): string {
  const view = { image: options.image ?? goodImage(), state: options.state ?? ready, nowUs: NOW };
  const look = gatherFacts(profile, view, ask, null);
  return explainDecision(profile, { ...decide(profile, ask, look), look });
}

describe("explanations", () => {
  const stopped = at(at(ready, OUT.run1, 0), OUT.run2, 0);

  it("name the rule, its reason and the values it read, with their age", () => {
    const image = goodImage(new Map([[IN.valveOpen, sample(0)]]));
    expect(
      explained(
        askFor([
          [OUT.run1, 1],
          [OUT.run2, 0],
        ]),
        { state: stopped, image },
      ).split("; "),
    ).toEqual([
      "refused: pump1.run = TRUE, pump2.run = FALSE",
      "pump1.run: a condition for this is not surely met: no start against a closed discharge (P-01",
      "valve.open = FALSE, 200 ms old",
      "valve.closed = FALSE, 200 ms old",
      "valve.cmd = TRUE)",
    ]);
  });

  it("say what is wrong with a reading", () => {
    const image = goodImage(
      new Map([
        [IN.valveOpen, sample(1, { sentUs: NOW - 3_100_000 })],
        [IN.valveClosed, sample(null, { quality: "never-read" })],
      ]),
    );
    const text = explained(
      askFor([
        [OUT.run1, 1],
        [OUT.run2, 0],
      ]),
      { state: stopped, image },
    );
    expect(text).toContain("valve.open is BAD (late), last TRUE, 3.1 s old");
    expect(text).toContain("valve.closed was never read");
    expect(text).toContain("a value this rule reads cannot be trusted");
  });

  it("name the nearest permitted value, in the output's unit, and the time until a reason is gone", () => {
    expect(explained(askFor([[OUT.speed1, hz(41)]]))).toBe(
      "refused: pump1.speed = 41 Hz; too large a step (now 35 Hz), nearest permitted 40 Hz",
    );
    const state = withOutputState(ready, OUT.speed1, { permits: charges(1_000_000) });
    expect(explained(askFor([[OUT.speed1, hz(38)]]), { state })).toBe(
      "refused: pump1.speed = 38 Hz; too fast a change (now 35 Hz), nearest permitted 37 Hz, free in 500 ms",
    );
  });

  it("name all values another output may have", () => {
    const state = planned(stopped, OUT.valve, 0);
    expect(
      explained(
        askFor([
          [OUT.run1, 1],
          [OUT.run2, 0],
        ]),
        { state },
      ),
    ).toContain("valve.cmd = TRUE or FALSE");
  });

  it("have a line for permits, clamps, and requests that are no output", () => {
    expect(explained(askFor([[OUT.speed1, hz(36)]]))).toBe("permitted: pump1.speed = 36 Hz");
    const near = at(ready, OUT.speed1, hz(39));
    expect(
      explained(askFor([[OUT.speed1, hz(55)]]), {
        state: at(near, OUT.speed1, hz(48)),
        image: goodImage(new Map([[IN.pressure, sample(bar(2))]])),
      }),
    ).toBe(
      "clamped: pump1.speed = 55 Hz; outside its range, nearest permitted 50 Hz; the nearest permitted value was written instead, nearest permitted 50 Hz",
    );
    const nothing: Ask = { controller: 0, writes: [], reasons: [because("tag-unknown")] };
    expect(explained(nothing)).toBe(
      "refused: a request that is no output; no tag of the profile is at this address",
    );
  });

  it("survive facts and rules they do not know", () => {
    const look = gatherFacts(
      profile,
      { image: goodImage(), state: ready, nowUs: NOW },
      askFor([]),
      null,
    );
    expect(
      explainReason(profile, because("always", { rule: "gone", output: 99, limit: 3 }), look, []),
    ).toBe("the commanded values together would break a rule (gone)");
  });

  it("tell times as people do", () => {
    expect([500_000, 12_500_000, 240_000_000, 9_000_000_000].map(describeTime)).toEqual([
      "500 ms",
      "12.5 s",
      "4 min",
      "2.5 h",
    ]);
  });
});

describe("reasons", () => {
  it("stand in the order of the catalogue, equals in the order they came", () => {
    const sorted = inCatalogueOrder([
      because("busy"),
      because("permissive", { rule: "b" }),
      because("permissive", { rule: "a" }),
      because("range"),
    ]);
    expect(sorted.map(({ code, rule }) => [code, rule])).toEqual([
      ["range", null],
      ["permissive", "b"],
      ["permissive", "a"],
      ["busy", null],
    ]);
  });

  it("hold only numbers that can be recorded", () => {
    expect(because("ramp", { limit: NaN, freeUs: Infinity })).toMatchObject({
      limit: null,
      freeUs: null,
    });
    expect(because("ramp", { freeUs: 1.2 }).freeUs).toBe(2);
    expect(because("ramp", { freeUs: -5 }).freeUs).toBe(0);
  });
});
