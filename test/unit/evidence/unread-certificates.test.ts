import { afterAll, describe, expect, it } from "vitest";
import { encodeBundle } from "../../../src/evidence/bundle.js";
import type { BundleCheckId } from "../../../src/evidence/bundle-findings.js";
import { hex } from "../../../src/evidence/hex.js";
import { verifyBundle } from "../../../src/evidence/verify-bundle.js";
import { attest, claimAttester, claimKey } from "../../support/attested-key.js";
import { startAuthority } from "../../support/authority.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { sha256 } from "../../support/evidence-samples.js";
import { check, makeBundle, verifySignature } from "../../support/proof-bundle.js";

const authority = await startAuthority();
afterAll(() => {
  authority.remove();
});

const [key, attester] = [claimKey(), claimAttester()];
const [endorsement] = await authority.issue({ spki: claimKey().spki });
if (endorsement === undefined) throw new Error("a certificate was asked for");
const serialNumber = hex(sha256(endorsement));
const certificates = await authority.issue({ spki: attester.spki, serialNumber });
const made = makeBundle(sampleLog(0, 11), [4, 5], key).bundle;
const held = { certificates, endorsement: [endorsement], attestation: attest(key, attester) };
const bundle = encodeBundle({ ...made, key: { ...made.key, ...held, software: false } });

const HANGS_ON_THEM = ["certificate", "roots", "endorsement", "hardware"] as const;

/** By a reader of certificates or by none. */
function judge(roots: readonly Uint8Array[] | null): ReadonlyMap<BundleCheckId, string> {
  const { checks } = verifyBundle(bundle, {
    sha256: (bytes) => new Uint8Array(sha256(bytes)),
    verifySignature,
    trusted: null,
    certificates: { reader: null, roots },
    profile: null,
  });
  return new Map(checks.map(({ id, status }) => [id, status]));
}

describe("a key bundle where certificates are not read", () => {
  it("shows no TPM, and everything that needs no certificate", () => {
    const whole = check(bundle, { roots: [authority.root] });
    const unread = judge(null);
    for (const { id, status } of whole.checks) {
      const hangs = HANGS_ON_THEM.some((one) => one === id);
      if (hangs) expect(status, id).toBe("PASS");
      expect(unread.get(id), id).toBe(hangs ? "NOT PRESENT" : status);
    }
  });

  it("fails where a root was named: nothing can vouch there", () => {
    const named = judge([authority.root]);
    expect(named.get("roots")).toBe("FAIL");
    expect(named.get("hardware")).toBe("NOT PRESENT");
  });
});
