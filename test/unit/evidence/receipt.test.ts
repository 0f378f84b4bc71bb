import { describe, expect, it } from "vitest";
import { decodeCbor } from "../../../src/codec/cbor/decode.js";
import { encodeSign1 } from "../../../src/codec/cose/sign1.js";
import { encodeInclusion } from "../../../src/evidence/bundle.js";
import { readCheckpoint } from "../../../src/evidence/checkpoint.js";
import type { InclusionProof } from "../../../src/evidence/merkle-proof.js";
import { checkReceipt, encodeReceipt, type ReceiptCheck } from "../../../src/evidence/receipt.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { sha256 } from "../../support/evidence-samples.js";
import { makeBundle, makeLogKey, verifySignature } from "../../support/proof-bundle.js";

const key = makeLogKey();
const { bundle } = makeBundle(sampleLog(0, 1000), [421, 422], key);
const [item, next] = bundle.items;
const read = readCheckpoint(bundle.checkpoint);
if (item === undefined || next === undefined || !read.ok) throw new Error("no bundle");
const { checkpoint } = read;
const { proof } = item;

function check(receipt: Uint8Array, entry: Uint8Array, spki = key.spki): ReceiptCheck {
  const leafHash = sha256(Uint8Array.from([0, ...entry]));
  return checkReceipt(receipt, leafHash, { spki, sha256, verifySignature });
}

const changed = (by: Partial<InclusionProof>): Uint8Array =>
  encodeReceipt(checkpoint, { ...proof, ...by });

describe("a receipt", () => {
  it("has the shape of RFC 9942: the proof beside, the payload detached", () => {
    const decoded = decodeCbor(encodeReceipt(checkpoint, proof));
    const proofs = new Map([[396, new Map([[-1, [encodeInclusion(proof)]]])]]);
    expect(decoded).toEqual({
      ok: true,
      value: {
        tag: 18,
        value: [checkpoint.sign1.protectedBytes, proofs, null, checkpoint.sign1.signature],
      },
    });
  });

  it("proves its entry under the key", () => {
    expect(check(encodeReceipt(checkpoint, proof), item.entry)).toEqual({
      ok: true,
      claim: checkpoint.claim,
      proof,
    });
  });

  it.each([
    ["another entry", () => check(changed({}), next.entry), /signature/],
    ["another key", () => check(changed({}), item.entry, makeLogKey().spki), /signature/],
    ["another index", () => check(changed({ index: 422 }), item.entry), /signature/],
    // Both lead to the same root: RFC 9942 alone would pass them.
    ["size 1001 for 1000", () => check(changed({ size: 1001 }), item.entry), /number of entries/],
    ["size 1024 for 1000", () => check(changed({ size: 1024 }), item.entry), /number of entries/],
    [
      "a path cut short",
      () => check(changed({ path: proof.path.slice(1) }), item.entry),
      /leads to no root/,
    ],
    ["an attached root", () => check(bundle.checkpoint, item.entry), /no receipt/],
    [
      "no proof",
      () =>
        check(
          encodeSign1({ ...checkpoint.sign1, unprotectedHeaders: new Map(), payload: null }),
          item.entry,
        ),
      /one inclusion proof/,
    ],
    ["no COSE", () => check(item.entry, item.entry), /no receipt/],
  ] as const)("is refused for %s", (_name, checked, why) => {
    const result = checked();
    expect(result.ok).toBe(false);
    expect(result.ok ? "" : result.why).toMatch(why);
  });
});
