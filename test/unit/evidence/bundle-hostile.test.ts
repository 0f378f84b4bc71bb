import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { check, VERIFIER } from "../../support/proof-bundle.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-hostile-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const MARK = [0xd9, 0xd9, 0xf7];
const LONG = 16 * 1024 * 1024;

/** Head of a byte string of so many bytes. */
const LONG_STRING = [0x5a, LONG >>> 24, 0, 0, 0];

function whole(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
}

/** Tags 28 and 29: twelve lists, each of sixteen times the one before, and so 16^12 values. */
const shared = [0xd8, 0x1c, 0x80];
for (let i = 0; i < 12; i += 1) {
  shared.push(0xd8, 0x1c, 0x90);
  for (let j = 0; j < 16; j += 1) shared.push(0xd8, 0x1d, i);
}
const references = Array.from({ length: 5_000 }, () => [0xd8, 0x1d, 0]).flat();
const digits = new Uint8Array(LONG).fill(0xff);

const HOSTILE: readonly (readonly [string, Uint8Array])[] = [
  ["lists that share one another", whole(MARK, shared)],
  [
    "a long string that is shared by thousands",
    whole(MARK, [0x99, 0x13, 0x89, 0xd8, 0x1c], LONG_STRING, digits, references),
  ],
  ["a number of millions of digits", whole(MARK, [0xc2], LONG_STRING, digits)],
  [
    "a decimal fraction of millions of digits",
    whole(MARK, [0xc4, 0x82, 0x01, 0xc2], LONG_STRING, digits),
  ],
];

describe("a file that would cost far more than its bytes", () => {
  it.each(HOSTILE)(
    "is refused at once by both verifiers: %s",
    (_name, hostile) => {
      expect(check(hostile).ok).toBe(false);
      const file = join(folder, "hostile.cbor");
      writeFileSync(file, hostile);
      const { status, stdout } = spawnSync("/usr/bin/python3", ["-B", VERIFIER, file], {
        encoding: "utf8",
        timeout: 60_000,
      });
      expect(stdout).toContain("it is not one item of canonical CBOR");
      expect(status).toBe(1);
    },
    90_000,
  );
});
