import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readTimeStamp } from "../../../../src/codec/rfc3161/time-stamp.js";
import { sha256 } from "../../../support/evidence-samples.js";
import { startTimeAuthority } from "../../../support/time-authority.js";

const authority = startTimeAuthority("Time");
afterAll(authority.remove);

const data = join(authority.folder, "data");
writeFileSync(data, "what is stamped");

describe("a time stamp of RFC 3161", () => {
  const bytes = authority.stamp(data);

  it("is read as openssl made it: what it is over, and when", () => {
    const stamp = readTimeStamp(bytes);
    expect(stamp?.imprint).toEqual(new Uint8Array(sha256(new Uint8Array(readFileSync(data)))));
    const shown = authority.show(join(authority.folder, "response"));
    const [, time = ""] = /^Time stamp: (.+)$/m.exec(shown) ?? [];
    expect(stamp?.utcS).toBe(Date.parse(time) / 1000);
  });

  it("is none when cut anywhere, with a byte behind it, or refused by the authority", () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readTimeStamp(bytes.slice(0, length))).toBeNull();
    }
    expect(readTimeStamp(Uint8Array.of(...bytes, 0))).toBeNull();
    expect(readTimeStamp(new Uint8Array(40_000))).toBeNull();
    // The request's digest is none that this authority takes.
    expect(readTimeStamp(authority.stamp(data, "-sha512"))).toBeNull();
  });

  it("never throws, and with a bit turned never says another thing without being another stamp", () => {
    const whole = readTimeStamp(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 7) {
      const turned = bytes.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const read = readTimeStamp(turned);
      if (read === null) continue;
      expect(read.imprint).toHaveLength(32);
      expect(Number.isSafeInteger(read.utcS)).toBe(true);
    }
    expect(whole).not.toBeNull();
  });
});
