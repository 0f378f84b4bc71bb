import { afterAll, describe, expect, it } from "vitest";
import { checkStamps } from "../../../src/cli/stamp-check.js";
import { readTimeStamp } from "../../../src/codec/rfc3161/time-stamp.js";
import { Findings } from "../../../src/evidence/findings.js";
import { startTimeAuthority } from "../../support/time-authority.js";

const authority = startTimeAuthority("Time");
afterAll(authority.remove);

const token = authority.stamp(authority.roots);
const stamp = readTimeStamp(token);
if (stamp === null) throw new Error("no time stamp");
const found = { ...stamp, token, place: { segment: "segment", offset: 0, seq: 1 } };

/** Status and note of the line about who signed them. */
async function ask(stampsBefore: number, roots: string | null): Promise<readonly unknown[]> {
  const findings = new Findings();
  await checkStamps({ findings, stamps: [found], stampsBefore }, roots);
  const line = findings.results().find(({ id }) => id === "stamp-signatures");
  return [line?.status, line?.note];
}

describe("who signed the time stamps of a log", () => {
  it("is asked of all that were met, where that is said of all", async () => {
    expect(await ask(0, authority.roots)).toEqual(["PASS", null]);
  });

  it("is a FAIL where there is no openssl to ask", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = authority.folder;
    try {
      expect(await ask(0, authority.roots)).toEqual(["FAIL", null]);
    } finally {
      process.env["PATH"] = path;
    }
  });

  it("is told with how many of them were not asked about", async () => {
    expect(await ask(7, authority.roots)).toEqual([
      "PASS",
      "only the newest 1 were asked about, 7 before them were not",
    ]);
    expect((await ask(7, null))[0]).toBe("NOT PRESENT");
  });
});
