import { describe, expect, it } from "vitest";
import { Findings } from "../../../src/evidence/findings.js";
import { AnchorVerifier, STAMPS_MAX } from "../../../src/evidence/verify-anchors.js";
import { bytes, sha256 } from "../../support/evidence-samples.js";
import { unsignedStamp } from "../../support/time-stamp.js";

describe("the time stamps of a log that are to be asked about", () => {
  it("are the newest thousand, and those before them are counted", () => {
    const by = { sha256, verify: () => false, attester: null };
    const verifier = new AnchorVerifier(new Findings(), by);
    const token = unsignedStamp(bytes(32, 1));
    const meet = (seq: number): void => {
      const body = { type: "anchor", kind: "rfc3161", token, size: 1, signature: null } as const;
      verifier.anchor(body, { segment: "segment", offset: 0, seq }, () => undefined);
    };
    for (let seq = 0; seq < STAMPS_MAX; seq += 1) meet(seq);
    expect([verifier.stamps.length, verifier.stampsBefore]).toEqual([STAMPS_MAX, 0]);
    for (const seq of [STAMPS_MAX, STAMPS_MAX + 1]) meet(seq);
    expect([verifier.stamps.length, verifier.stampsBefore]).toEqual([STAMPS_MAX, 2]);
    expect(verifier.stamps[0]?.place.seq).toBe(2);
    expect(verifier.stamps.at(-1)?.place.seq).toBe(STAMPS_MAX + 1);
  });
});
