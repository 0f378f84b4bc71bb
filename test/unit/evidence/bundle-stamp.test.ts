import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Refusal } from "../../../src/cli/output.js";
import { judgeStamps } from "../../../src/cli/stamp-check.js";
import { readTimeStamp } from "../../../src/codec/rfc3161/time-stamp.js";
import { encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import { encodeOutside } from "../../../src/evidence/outside.js";
import { utcWord } from "../../../src/evidence/utc-word.js";
import type { AnchorBody } from "../../../src/kernel/record/entry.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";
import {
  check,
  checkByPython,
  checkLines,
  makeBundle,
  makeLogKey,
} from "../../support/proof-bundle.js";
import { unsignedStamp } from "../../support/time-stamp.js";
import { startTimeAuthority } from "../../support/time-authority.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-bundle-stamp-"));
const authority = startTimeAuthority("Time");
const stranger = startTimeAuthority("Stranger");
afterAll(() => {
  authority.remove();
  stranger.remove();
  rmSync(folder, { recursive: true });
});

const key = makeLogKey();
const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], key);

function stampOf(data: Uint8Array, by = authority): Uint8Array {
  const file = join(folder, "data");
  writeFileSync(file, data);
  return by.stamp(file);
}

const good = stampOf(bundle.checkpoint);

function withStamp(token: Uint8Array, change: Partial<AnchorBody> = {}): ProofBundle {
  const body: AnchorBody = {
    ...{ type: "anchor", kind: "rfc3161", token, size: 11, signature: null },
    ...change,
  };
  return { ...bundle, outside: encodeOutside({ proof: null, anchors: [body] }) };
}

/** Both verifiers, which say the same; what fails, and why the first does. */
async function judge(of: ProofBundle, roots: string | null): Promise<readonly [string, string][]> {
  const isStamped = await judgeStamps(encodeBundle(of), roots);
  const report = check(of, isStamped === null ? {} : { isStamped });
  const more = roots === null ? [] : ["--time-authority", roots];
  const python = checkByPython(encodeBundle(of), undefined, more);
  expect([python.code, ...python.lines]).toEqual([report.ok ? 0 : 1, ...checkLines(report)]);
  return report.checks
    .filter(({ status }) => status === "FAIL")
    .map(({ id, why }): [string, string] => [id, why ?? ""]);
}

function turn(token: Uint8Array, place: number): Uint8Array {
  const turned = token.slice();
  turned[place] = (turned[place] ?? 0) ^ 1;
  return turned;
}

/** PKIStatus 2, rejection (RFC 3161 section 2.4.2): behind the heads of two sequences and of the number. */
function refused(): Uint8Array {
  const token = good.slice();
  token[8] = 2;
  return token;
}

describe("a time stamp in a proof bundle", () => {
  it("passes over this very checkpoint, by an authority that was named [HP-187 allows]", async () => {
    expect(await judge(withStamp(good), authority.roots)).toEqual([]);
    const at = utcWord(readTimeStamp(good)?.utcS ?? 0);
    const lines = checkLines(check(withStamp(good), { isStamped: () => true }));
    expect(lines).toContain(
      `PASS         outside evidence is over this very checkpoint (1); a time stamp says ${at}`,
    );
    expect(lines).toContain(
      "PASS         a time stamp over it is signed by an authority that you named (1)",
    );
  });

  it("says nothing of who signed it where nobody was named", async () => {
    expect(await judge(withStamp(good), null)).toEqual([]);
    expect(checkLines(check(withStamp(good)))).toContain(
      "NOT PRESENT  a time stamp over it is signed by an authority that you named; no time authority was named (--time-authority)",
    );
  });

  it("is a FAIL over another checkpoint, although its authority signed it [HP-187 refuses]", async () => {
    expect(await judge(withStamp(stampOf(bytes(40, 1))), authority.roots)).toEqual([
      ["outside", "the time stamp is over another checkpoint"],
    ]);
    const lines = checkLines(check(withStamp(stampOf(bytes(40, 1))), { isStamped: () => true }));
    expect(lines).toContain(
      "NOT PRESENT  a time stamp over it is signed by an authority that you named",
    );
    expect(lines.join("\n")).not.toContain("a time stamp says");
    const later = makeBundle(sampleLog(0, 12), [4, 5], key).bundle;
    const foreign = { ...later, outside: withStamp(good).outside };
    expect(await judge(foreign, null)).toEqual([
      ["outside", "it is over a checkpoint of 11 entries, this one is over 12"],
    ]);
  });

  it("is a FAIL where there is no openssl to ask, in the same words by both verifiers", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = folder;
    try {
      expect(await judge(withStamp(good), authority.roots)).toEqual([
        ["stamp", "openssl is missing, which alone can say who signed it"],
      ]);
      await expect(judgeStamps(encodeBundle(bundle), join(folder, "none"))).rejects.toThrow(
        Refusal,
      );
    } finally {
      process.env["PATH"] = path;
    }
  });

  it("is a FAIL by an authority that was not named", async () => {
    const wrong: [string, string] = ["stamp", "no authority that you named signed it"];
    expect(await judge(withStamp(good), stranger.roots)).toEqual([wrong]);
    const strange = stampOf(bundle.checkpoint, stranger);
    expect(await judge(withStamp(strange), authority.roots)).toEqual([wrong]);
  });

  it.each([
    ["another size", { size: 10 }, /over a checkpoint of 10 entries/],
    ["a signature besides", { signature: bytes(64, 1) }, /one more/],
    ["what is none", { token: bytes(40, 1) }, /no granted time stamp/],
    ["bytes behind it", { token: Uint8Array.from([...good, 0]) }, /no granted/],
    ["half of one", { token: good.slice(0, good.length >> 1) }, /no granted/],
    ["a response that grants nothing", { token: refused() }, /no granted/],
  ] satisfies readonly (readonly [string, Partial<AnchorBody>, RegExp])[])(
    "is a FAIL with %s, by both verifiers",
    async (_name, change, why) => {
      const failing = await judge(withStamp(good, change), null);
      expect(failing.map(([check]) => check)).toEqual(["outside"]);
      expect(failing[0]?.[1]).toMatch(why);
    },
  );

  it.each([
    ["99991231235959Z", "9999-12-31T23:59:59Z"],
    ["20261231235960Z", "2027-01-01T00:00:00Z"],
  ])("says the time that it names, %s, by both verifiers", async (named, said) => {
    const imprint = new Uint8Array(sha256(bundle.checkpoint));
    const stamped = withStamp(unsignedStamp(imprint, named));
    expect(await judge(stamped, null)).toEqual([]);
    expect(checkLines(check(stamped)).join("\n")).toContain(`a time stamp says ${said}`);
  });

  it.each(["99991231235960Z", "19691231235959Z", "20261301000000Z", "20260101240000Z"])(
    "is a FAIL with a time that nobody can say, %s, by both verifiers",
    async (named) => {
      const imprint = new Uint8Array(sha256(bundle.checkpoint));
      expect(await judge(withStamp(unsignedStamp(imprint, named)), null)).toEqual([
        ["outside", "it is no granted time stamp of RFC 3161"],
      ]);
    },
  );

  it("is a FAIL with a byte of it turned, wherever that is", async () => {
    for (const place of [20, 90, good.length >> 1, good.length - 8]) {
      expect(await judge(withStamp(turn(good, place)), authority.roots), String(place)).not.toEqual(
        [],
      );
    }
  });
});

describe("a time in words", () => {
  it.each([
    0, 59, 86_399, 951_782_400, 1_709_164_800, 4_102_444_799, 253_402_300_799, 1_795_464_000,
  ])("is that of the calendar (%i)", (utcS) => {
    expect(utcWord(utcS)).toBe(new Date(utcS * 1000).toISOString().replace(".000", ""));
  });
});
