import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../src/codec/cbor/decode.js";
import { encodeCbor } from "../../../src/codec/cbor/encode.js";
import { isCborMap, type CborKey, type CborValue } from "../../../src/codec/cbor/value.js";
import { encodeSign1, sigStructure } from "../../../src/codec/cose/sign1.js";
import { encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import { encodeCommitKey } from "../../../src/evidence/commit-key.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { bytes } from "../../support/evidence-samples.js";
import {
  check,
  checkByPython,
  checkLines,
  makeBundle,
  makeLogKey,
} from "../../support/proof-bundle.js";

const key = makeLogKey();
const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], key);
const COSE_KEY = encodeCommitKey(bytes(32, 7));

/** The same checkpoint with this as the key of the commits after it, signed anew. */
function withCommitKey(commitKey: CborValue): ProofBundle {
  const read = readCheckpoint(bundle.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const { sign1, root } = read.checkpoint;
  const headers = decodeCbor(sign1.protectedBytes);
  if (!headers.ok || !isCborMap(headers.value)) throw new Error("no headers");
  const protectedBytes = encodeCbor(new Map([...headers.value, [-70_004, commitKey]]));
  const signature = key.sign(sigStructure(protectedBytes, root));
  return { ...bundle, checkpoint: encodeSign1({ ...sign1, protectedBytes, signature }) };
}

describe("a bundle under a checkpoint that names the key of the commits after it", () => {
  it("is taken by both verifiers, which show the key's id", () => {
    const report = check(withCommitKey(COSE_KEY));
    expect(report.ok).toBe(true);
    expect(report.claim?.commitKey).toEqual(COSE_KEY);
    const python = checkByPython(encodeBundle(withCommitKey(COSE_KEY)));
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
    expect(python.out).toContain("commits after it are signed by key ");
  });

  const other = (...pairs: readonly (readonly [number, CborValue])[]): Uint8Array =>
    encodeCbor(new Map<CborKey, CborValue>(pairs));

  it.each([
    ["a text", "key"],
    ["null", null],
    ["a map", new Map<CborKey, CborValue>([[1, 1]])],
    ["a short key", COSE_KEY.slice(0, -1)],
    ["a key of another curve", other([1, 1], [-1, 4], [-2, bytes(32, 7)])],
    ["a key with an algorithm", other([1, 1], [3, -8], [-1, 6], [-2, bytes(32, 7)])],
  ] as const)("is refused by both where it is %s", (_name, value) => {
    const report = check(withCommitKey(value));
    expect(report.ok).toBe(false);
    const [failing] = report.checks.filter(({ status }) => status === "FAIL");
    expect(failing?.why).toContain("no Ed25519 commit key");
    const python = checkByPython(encodeBundle(withCommitKey(value)));
    expect([python.code, ...python.lines]).toEqual([1, ...checkLines(report)]);
  });
});
