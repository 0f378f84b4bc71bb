import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REASONS } from "../../src/kernel/record/reason.js";
import { readText, ROOT } from "./source-tree.js";

const DOC = "docs/REASONS.md";

describe(DOC, () => {
  it("is what the catalogue says; HOLDPOINT_UPDATE_DOCS=1 writes it anew [HP-003]", () => {
    const doc = writeReasons();
    if (process.env["HOLDPOINT_UPDATE_DOCS"] === "1") writeFileSync(join(ROOT, DOC), doc);
    expect(readText(DOC)).toBe(doc);
  });

  it("gives no number and no code twice", () => {
    expect(new Set(REASONS.map(({ number }) => number)).size).toBe(REASONS.length);
    expect(new Set(REASONS.map(({ code }) => code)).size).toBe(REASONS.length);
  });

  it("has only exceptions that Modbus knows", () => {
    for (const { code, exception } of REASONS) {
      expect([1, 2, 3, 4, 6, 0x0a, 0x0b], code).toContain(exception);
    }
  });
});

function writeReasons(): string {
  const rows = REASONS.map(
    ({ number, code, exception, says }) =>
      `| ${number} | \`${code}\` | ${writeException(exception)} | ${says} |`,
  );
  return `# Reasons

Written from \`src/kernel/record/reason.ts\` by a test; not by hand.

Why a command was not simply permitted. A verdict names every reason that holds, and evidence keeps them all. Over Modbus a
client sees the exception of the first that holds, in the order below, and reads in the why block of the gateway's own unit
which it was, with its rule, the nearest permitted value and the time to wait. A number is never used again for another
reason. [CATALOGUE.md](CATALOGUE.md) has the other words.

Exception 4 says that the write was surely not done. 0x0B on a write says that it may have been done.

| number | reason | exception | in words |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function writeException(code: number): string {
  return code < 10 ? String(code) : `0x${code.toString(16).toUpperCase().padStart(2, "0")}`;
}
