import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { isCborMap, type CborValue } from "../../../src/codec/cbor/value.js";
import { encodeSign1, sigStructure } from "../../../src/codec/cose/sign1.js";
import { encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import { sampleLog } from "../../support/evidence-rig.js";
import {
  check,
  checkByPython,
  checkLines,
  makeBundle,
  makeLogKey,
} from "../../support/proof-bundle.js";

const key = makeLogKey();
const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], key);

/** The same checkpoint with this as the counter of its TPM, or as what another claim says, signed anew. */
function withCounter(counter: CborValue, label = -70_006): ProofBundle {
  const read = readCheckpoint(bundle.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const { sign1, root } = read.checkpoint;
  const headers = decodeCbor(sign1.protectedBytes);
  if (!headers.ok || !isCborMap(headers.value)) throw new Error("no headers");
  const protectedBytes = encodeCbor(new Map([...headers.value, [label, counter]]));
  const signature = key.sign(sigStructure(protectedBytes, root));
  return { ...bundle, checkpoint: encodeSign1({ ...sign1, protectedBytes, signature }) };
}

describe("a bundle under a checkpoint with a TPM's counter", () => {
  it.each([0, 41, 4_000_000_000])("is taken by both verifiers (%i)", (counter) => {
    const report = check(withCounter(counter));
    expect(report.ok).toBe(true);
    expect(report.claim?.counter).toBe(counter);
    const python = checkByPython(encodeBundle(withCounter(counter)));
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
  });

  it.each(["41", -1, null, [41]])("is refused by both where it is no number (%j)", (counter) => {
    const report = check(withCounter(counter));
    expect(report.ok).toBe(false);
    const [failing] = report.checks.filter(({ status }) => status === "FAIL");
    expect(failing?.why).toContain("a counter that is no number");
    const python = checkByPython(encodeBundle(withCounter(counter)));
    expect([python.code, ...python.lines]).toEqual([1, ...checkLines(report)]);
  });
});

describe("a bundle under a checkpoint that names a time stamp", () => {
  it("is taken by both verifiers, which say which one [HP-189 allows]", () => {
    const token = new Uint8Array(32).fill(7);
    const named = withCounter(token, TOKEN);
    const report = check(named);
    expect(report.ok).toBe(true);
    expect(report.claim?.token).toEqual(token);
    const python = checkByPython(encodeBundle(named));
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
    expect(python.out).toContain(`names the time stamp ${"07".repeat(32)} as made before it\n`);
  });

  it.each(["41", 7, null, new Uint8Array(31)])(
    "is refused by both where it is no hash (%j)",
    (token) => {
      const report = check(withCounter(token, TOKEN));
      const [failing] = report.checks.filter(({ status }) => status === "FAIL");
      expect(failing?.why).toContain("a time token that is no hash");
      const python = checkByPython(encodeBundle(withCounter(token, TOKEN)));
      expect([python.code, ...python.lines]).toEqual([1, ...checkLines(report)]);
    },
  );
});

const TOKEN = -70_005;
