import { describe, expect, it } from "vitest";
import { planReplica, isMapped } from "../../../src/guard/replica-plan.js";
import { whyWords, windowPlace, windowWords } from "../../../src/guard/own-unit.js";
import { readAsk } from "../../../src/guard/operator-server.js";
import { planReads } from "../../../src/kernel/image/read-plan.js";
import { buildModel, OUT } from "../../support/model.js";
import { words } from "../../support/raw-client.js";

describe("the why block", () => {
  it("stands as definitions.md lays it out, longer numbers high word first [HP-057]", () => {
    const why = {
      verdict: "deny",
      code: "range",
      rule: 7,
      output: 4,
      asked: 6_000,
      nearest: 5_000,
      freeUs: 70_000_500,
      seq: 0x1_0000_0002,
      atUs: 1_000_000,
    } as const;
    expect(whyWords(why, 1_250_000)).toEqual(
      words(2, 17, 7, 4, 6_000, 5_000, 15, 1, 4_465, 0, 1, 0, 2, 0, 250),
    );
  });

  it("says by its flags what is not there, and when a value is cut to sixteen bits", () => {
    const nothing = {
      verdict: "permit",
      code: null,
      rule: null,
      output: null,
      asked: null,
      nearest: null,
      freeUs: null,
      seq: null,
      atUs: 0,
    } as const;
    expect(whyWords(nothing, 0)).toEqual(words(0, 0, 0, 0xffff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    expect(whyWords({ ...nothing, asked: 0x2_0003 }, 0).slice(8, 14)).toEqual(words(3, 0, 17));
  });
});

describe("the window block", () => {
  it("has a place for each numeric output, and none for a BOOL", () => {
    const model = buildModel();
    expect(windowPlace(model, OUT.speed1)).toEqual({ start: 100 + 4 * OUT.speed1, long: false });
    expect(windowPlace(model, OUT.run1)).toBeNull();
    expect(windowPlace(model, 99)).toBeNull();
  });

  it("puts flags, low, high and age, 32-bit values in two registers each", () => {
    const view = { empty: false, unknown: false, low: 2_500, high: 5_000 };
    expect(windowWords(view, false, 1_230_000)).toEqual(words(0, 2_500, 5_000, 123));
    expect(windowWords({ ...view, low: 0x1_0002 }, true, 0)).toEqual(words(0, 1, 2, 0, 5_000, 0));
    const unknown = { empty: true, unknown: true, low: 0, high: 0 };
    expect(windowWords(unknown, false, 0)).toEqual(words(3, 0, 0, 0));
  });
});

describe("what doors may read", () => {
  it("is every register that is mapped or listed, each with its own age, and nothing between", () => {
    const model = buildModel({
      readable: [{ device: 0, table: "ir", first: 100, last: 149 }],
    });
    const blocks = planReplica(model, planReads(model), 1);
    const readable = (table: "hr" | "ir", address: number, quantity: number): boolean =>
      isMapped(blocks, 0, { table, address, quantity });
    expect(readable("hr", 40, 3)).toBe(true);
    expect(readable("hr", 40, 4)).toBe(false);
    expect(readable("hr", 39, 2)).toBe(false);
    expect(readable("ir", 98, 52)).toBe(true);
    expect(readable("ir", 98, 53)).toBe(false);
  });

  it("ages with the speed of kernel time", () => {
    const model = buildModel();
    const ages = (scale: number): number[] =>
      planReplica(model, planReads(model), scale).flatMap(({ areas }) =>
        areas.map(([, , us]) => us),
      );
    expect(ages(10)).toEqual(ages(1).map((us) => us / 10));
  });
});

describe("an ask at the operator socket", () => {
  it("is one of the few that are served, whole and in bounds", () => {
    expect(readAsk('{"ask":"status"}')).toEqual({ ask: "status" });
    expect(readAsk('{"ask":"watch"}')).toEqual({ ask: "watch" });
    expect(
      readAsk('{"ask":"act","act":"stop-ai","person":"ada","why":"smoke","safe":true}'),
    ).toEqual({
      ask: "act",
      act: { kind: "operator", person: "ada", why: "smoke", act: { kind: "stop-ai", safe: true } },
    });
    expect(
      readAsk('{"ask":"act","act":"reset","person":"ada","why":"gone","trip":"T-01"}'),
    ).toMatchObject({
      act: { act: { kind: "reset", trip: "T-01" } },
    });
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    "7",
    '{"ask":"shell"}',
    '{"ask":"act","act":"stop-ai"}',
    '{"ask":"act","act":"stop-ai","person":"","why":"x"}',
    '{"ask":"act","act":"reset","person":"ada","why":"x"}',
    '{"ask":"act","act":"load","person":"ada","why":"x"}',
    `{"ask":"act","act":"stop-ai","person":"${"a".repeat(300)}","why":"x"}`,
    '{"ask":"act","act":"stop-ai","person":"ada","why":"half a character: \\ud83d"}',
  ])("is refused when it is %s", (line) => {
    expect(readAsk(line)).toBeNull();
  });
});
