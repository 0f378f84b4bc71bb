import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ITEMS_MAX } from "../../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import {
  BUNDLE_BYTES_MAX,
  decodeBundle,
  encodeBundle,
  readInclusion,
} from "../../../src/evidence/bundle.js";
import { readConsistency } from "../../../src/evidence/checkpoint.js";
import { readOutside } from "../../../src/evidence/outside.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { check, checkLines, makeBundle, makeLogKey, VERIFIER } from "../../support/proof-bundle.js";

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

/** Empty maps of a byte each, of which a decoder makes some two hundred. */
function emptyMaps(count: number): Uint8Array {
  const maps = new Uint8Array(count + 5).fill(0xa0);
  maps.set([0x9a, count >>> 24, (count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff]);
  return maps;
}

describe("more items than there may be", () => {
  it("are no bundle, however short they are, by both verifiers", () => {
    for (const maps of [emptyMaps(BUNDLE_BYTES_MAX - 8), emptyMaps(ITEMS_MAX - 1)]) {
      const long = whole(MARK, maps);
      const none = { ok: false, why: "it is not one item of canonical CBOR" };
      expect(decodeBundle(long)).toEqual(none);
      expect(sayByPython(long)).toContain(none.why);
    }
    // One less, with the list and the tag before it, is as many as may be.
    const most = whole(MARK, emptyMaps(ITEMS_MAX - 2));
    const none = { ok: false, why: "it is no proof bundle of this version" };
    expect(decodeBundle(most)).toEqual(none);
    expect(sayByPython(most)).toContain(none.why);
  }, 90_000);

  it("are refused wherever a bundle has something more to decode, in the same words by both verifiers", () => {
    const maps = emptyMaps(ITEMS_MAX);
    const { bundle } = makeBundle(sampleLog(0, 11), [4], makeLogKey());
    const outside = encodeBundle({ ...bundle, outside: [maps] });
    expect(checkLines(check(outside))).toContain(
      "             it is not in the form of this version",
    );
    expect(sayByPython(outside)).toContain("             it is not in the form of this version");
    const headers = whole([0xd2, 0x84, 0x40], maps, [0x58, 32], new Uint8Array(32), [0x40]);
    const checkpoint = encodeBundle({ ...bundle, checkpoint: headers });
    expect(checkLines(check(checkpoint))).toContain("             not a COSE_Sign1 (cbor)");
    expect(sayByPython(checkpoint)).toContain("             not a COSE_Sign1 (cbor)");
  }, 90_000);

  it("are no consistency proof, nor is what is longer than an item may be", () => {
    const path = [new Uint8Array(40_000)];
    expect(readOutside([encodeCbor([1, 2, path])])).toBeNull();
    expect(readConsistency(emptyMaps(ITEMS_MAX))).toBeNull();
    expect(readInclusion(emptyMaps(ITEMS_MAX))).toBeNull();
  });
});

function sayByPython(bytes: Uint8Array): string {
  const file = join(folder, "many.cbor");
  writeFileSync(file, bytes);
  const how = { encoding: "utf8", timeout: 60_000 } as const;
  return spawnSync("/usr/bin/python3", ["-B", VERIFIER, file], how).stdout;
}

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
