import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NO_NAMES, readNames } from "../../../../clients/verifier-page/names.js";
import { tellEntry, utcText, type Told } from "../../../../clients/verifier-page/story.js";
import {
  OUTCOMES,
  VERDICTS,
  type EntryBody,
  type Source,
} from "../../../../src/kernel/record/entry.js";
import { KERNEL_FACTS } from "../../../../src/kernel/record/look.js";
import { REASONS } from "../../../../src/kernel/record/reason.js";
import { compileCorpus } from "../../../support/corpus.js";
import {
  decisionBody,
  entryOf,
  LOOK,
  outcomeBody,
  STAMP,
} from "../../../support/evidence-samples.js";

function tell(body: EntryBody, cause: number | null = null, names = NO_NAMES): Told {
  return tellEntry(
    { entry: entryOf(body, 4, cause), stamp: STAMP, prev: new Uint8Array(32) },
    names,
  );
}

const says = (told: Told, name: string): readonly string[] =>
  told.facts.filter(([of]) => of === name).map(([, text]) => text);

describe("the story of an entry", () => {
  it("tells who asked for what, how it was judged, and by which values", () => {
    const told = tell(decisionBody(), 2);
    expect(told.headline).toBe(
      "Controller ai asked for output 4 = raw 3000 (raw 2900 before). The command was permitted.",
    );
    expect(told).toMatchObject({ seq: 4, type: "decision", verdict: "permit" });
    expect(told.when).toBe("2026-09-21T14:13:20.000Z");
    expect(says(told, "who asked")).toEqual([
      "controller ai, over Modbus TCP, known by its network address alone",
    ]);
    expect(says(told, "led to by")).toEqual(["entry 2"]);
    expect(says(told, "trips latched")).toEqual(["T-01, T-02"]);
    expect(told.values[1]).toEqual({
      what: "input 10",
      value: "raw 4294967295",
      quality: "BAD: late",
      age: "3 s",
    });
    expect(told.values[2]?.value).toBe("unknown");
  });

  it("calls things by the names of the profile that was in force, in the order of its file", () => {
    const text = readFileSync(
      new URL("../../../support/corpus-profile.yaml", import.meta.url),
      "utf8",
    );
    const names = readNames(text);
    const { model } = compileCorpus(Buffer.from(text));
    expect(names.inputs).toEqual(model.inputs.map(({ name }) => name));
    expect(names.outputs).toEqual(model.outputs.map(({ name }) => name));
    expect(names.controllers).toEqual(model.controllers.map(({ name }) => name));
    expect(names.devices).toEqual(model.devices.map(({ name }) => name));
    const told = tell(decisionBody(), null, names);
    expect(told.headline).toContain(`asked for ${names.outputs[4] ?? "?"} (output 4) = raw 3000`);
    expect(told.values[0]?.what).toBe(`${names.inputs[0] ?? "?"} (input 0)`);
  });

  it("has no names from what is no profile, however it is written", () => {
    for (const text of [
      "",
      "a: [",
      "outputs: 3",
      "- 1",
      "outputs: &x {a: *x}",
      "\0",
      "[".repeat(9000),
    ]) {
      expect(readNames(text).outputs, text.slice(0, 20)).toEqual([]);
    }
    expect(readNames(`outputs: {a: 1}\n${"# long\n".repeat(200_000)}`)).toEqual(NO_NAMES);
  });

  it("says of each verdict whether anything was sent, and of no denial that it was permitted", () => {
    const told = VERDICTS.map((verdict) => tell({ ...decisionBody(), verdict }).headline);
    expect(new Set(told).size).toBe(VERDICTS.length);
    for (const headline of told.slice(2)) {
      expect(headline).toContain("nothing was sent to the plant");
      expect(headline).not.toContain("permitted");
    }
  });

  it("gives each reason its sentence from the catalogue, with rule, limit and time", () => {
    for (const { code, says: sentence } of REASONS) {
      const reason = { code, rule: "R-1", output: 4, limit: 2.5, freeUs: 3_000_000 };
      const [text] = says(tell({ ...decisionBody(), reasons: [reason] }), "reason");
      expect(text).toBe(
        `${code}: ${sentence} (output 4, rule R-1, nearest permitted 2.5, free in 3 s)`,
      );
    }
  });

  it("keeps an unknown outcome apart from a failed one", () => {
    const told = OUTCOMES.map((outcome) => tell({ ...outcomeBody(), outcome }));
    expect(new Set(told.map(({ headline }) => headline)).size).toBe(OUTCOMES.length);
    for (const [at, { headline }] of told.entries()) {
      const isDoubt = ["unknown", "crash-unknown"].includes(OUTCOMES[at] ?? "");
      expect(headline.includes("not known"), headline).toBe(isDoubt);
    }
  });

  it("names every sort of fact that the kernel made", () => {
    const kernel = KERNEL_FACTS.map((kind) => ({ kind, index: 1, value: 1, ageUs: 5 }));
    const { values } = tell({ ...decisionBody(), look: { ...LOOK, tags: [], kernel } });
    expect(new Set(values.map(({ what }) => what)).size).toBe(KERNEL_FACTS.length);
    const nothing = kernel.map(({ kind }) => ({ kind, index: 0, value: null }));
    const blank = tell({ ...decisionBody(), look: { ...LOOK, tags: [], kernel: nothing } });
    const known = blank.values.filter(
      ({ value }) => !["unknown", "nobody", "", "no"].includes(value),
    );
    expect(known).toEqual([]);
  });

  it("tells of a person, of the gateway itself and of a request that is no output", () => {
    const person: Source = { kind: "person", person: "Ann", signature: new Uint8Array(3) };
    expect(tell({ ...decisionBody(), source: person }).headline).toMatch(/^Ann asked for /);
    const own: Source = { kind: "own", cause: "lapse" };
    expect(tell({ ...decisionBody(), source: own }).headline).toMatch(
      /^The gateway itself \(lapse\)/,
    );
    const writes = Uint8Array.of(0, 9);
    expect(tell({ ...decisionBody(), writes }).headline).toContain(
      "no output of the profile (0009)",
    );
  });

  it("shows a time beyond all calendars as its number", () => {
    expect(utcText(8.64e15 + 1)).toBe("8640000000000001 ms");
  });
});
