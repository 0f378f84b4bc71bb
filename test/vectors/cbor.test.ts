import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../src/codec/cbor/encode.js";
import { countVectors, vectorsDir } from "../support/vectors.js";

type Vector = { readonly hex: string; readonly roundtrip: boolean };

function isVector(value: unknown): value is Vector {
  return (
    typeof value === "object" &&
    value !== null &&
    "hex" in value &&
    typeof value.hex === "string" &&
    "roundtrip" in value &&
    typeof value.roundtrip === "boolean"
  );
}

/** What evidence never holds: floats, undefined and other simple values, lengths that are not given. */
const REFUSED: readonly string[] = ["float", "simple", "indefinite"];

describe("RFC 8949 appendix A", () => {
  it("is read and written back byte for byte, or refused where evidence has no such item", () => {
    const folder = vectorsDir();
    if (folder === undefined) {
      countVectors("cbor", 0);
      return;
    }
    const parsed: unknown = JSON.parse(
      readFileSync(join(folder, "cbor", "appendix_a.json"), "utf8"),
    );
    const vectors = Array.isArray(parsed) ? parsed.filter(isVector) : [];
    expect(vectors.length).toBeGreaterThan(70);
    let accepted = 0;
    for (const { hex, roundtrip } of vectors) {
      const read = decodeCbor(new Uint8Array(Buffer.from(hex, "hex")));
      if (read.ok) {
        accepted += 1;
        expect(Buffer.from(encodeCbor(read.value)).toString("hex"), hex).toBe(hex);
        expect(roundtrip, `${hex} is not core-deterministic`).toBe(true);
      } else {
        expect(REFUSED, `${hex} at ${read.fault.offset}`).toContain(read.fault.code);
      }
    }
    expect(accepted).toBeGreaterThan(40);
    countVectors("cbor", vectors.length);
  });
});
