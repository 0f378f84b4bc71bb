import { describe, expect, it } from "vitest";
import { EntryLines } from "../../../src/cli/entry-lines.js";
import type { ReadEntry } from "../../../src/evidence/decode-entry.js";
import { wantsColor } from "../../../src/cli/output.js";
import type { EntryBody } from "../../../src/kernel/record/entry.js";
import { bytes, decisionBody, entryOf, STAMP } from "../../support/evidence-samples.js";

const read = (body: EntryBody, seq: number, utcUs = STAMP.utcUs): ReadEntry => ({
  entry: entryOf(body, seq),
  prev: bytes(32, 0),
  stamp: { ...STAMP, utcUs },
});
const write = (): void => undefined;

describe("lines of entries", () => {
  it("stand in columns, also those that come later", () => {
    const lines = new EntryLines(false);
    const mode: EntryBody = {
      type: "mode",
      from: "enforcing",
      to: "holding",
      why: "asked",
      look: null,
    };
    const first = lines.render([read(decisionBody(1), 9), read(mode, 10)]).split("\n");
    expect(first[0]?.indexOf("PERMIT")).toBe(first[1]?.indexOf("enforcing"));
    expect(lines.render([read(mode, 11)]).indexOf("enforcing")).toBe(first[0]?.indexOf("PERMIT"));
  });

  it("are coloured only where something is out of the ordinary, and say the same without", () => {
    const permit = read(decisionBody(1), 1);
    const denial = read({ ...decisionBody(2), verdict: "deny" }, 2);
    const colored = new EntryLines(true).render([permit, denial]).split("\n");
    const plain = new EntryLines(false).render([permit, denial]).split("\n");
    expect(colored[0]).toBe(plain[0]);
    expect(colored[1]).toBe(`\u001B[33m${plain[1] ?? ""}\u001B[39m`);
  });

  it("hold nothing that a terminal would obey", () => {
    const forged = read({ type: "notice", what: "\u001B[2Jgone\r\nnew\u009B", details: null }, 1);
    expect(new EntryLines(false).render([forged])).toMatch(/\?\[2Jgone\?\?new\?\n$/);
  });

  it("show the latest time that evidence can hold", () => {
    const line = new EntryLines(false).render([read(decisionBody(1), 1, Number.MAX_SAFE_INTEGER)]);
    expect(line).toContain("2255-06-05T23:47:34.740Z");
  });
});

describe("colours", () => {
  it("are for a terminal whose owner has not declined them", () => {
    expect(wantsColor({ write, isTTY: true }, {})).toBe(true);
    expect(wantsColor({ write }, {})).toBe(false);
    expect(wantsColor({ write, isTTY: true }, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColor({ write, isTTY: true }, { NO_COLOR: "" })).toBe(true);
    expect(wantsColor({ write, isTTY: true }, { TERM: "dumb" })).toBe(false);
  });
});
