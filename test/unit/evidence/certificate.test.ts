import { describe, expect, it } from "vitest";
import { encodeBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import { findBreak, type CertificateReader } from "../../../src/evidence/certificate.js";
import { attest, claimAttester, claimKey } from "../../support/attested-key.js";
import { makeOddChain } from "../../support/authority.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { check, checkByPython, checkLines, makeBundle } from "../../support/proof-bundle.js";

const key = claimKey();
const attester = claimAttester();
const attestation = attest(key, attester);
const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], key);

function bundleWith(certificates: readonly Uint8Array[]): ProofBundle {
  return { ...bundle, key: { ...bundle.key, software: false, attestation, certificates } };
}

describe("a chain of certificates", () => {
  it.each([
    ["usual", [], null],
    ["rsa", [], null],
    ["late", ["roots"], "they lead to none of those"],
    ["early", ["roots"], "they lead to none of those"],
    ["not-issuer", ["roots"], "they lead to none of those"],
    ["no-usage", ["certificate"], "it is not for an attestation key of a TPM"],
    ["two-names", ["certificate"], "it is for another gateway than the checkpoint says"],
    ["no-name", ["certificate"], "it is for another gateway than the checkpoint says"],
  ])("is judged alike by both verifiers under an authority that is %s", (kind, fails, why) => {
    const odd = makeOddChain(kind, attester.spki);
    const report = check(bundleWith([odd.leaf]), { roots: [odd.root] });
    const failing = report.checks.filter(({ status }) => status === "FAIL");
    expect(failing.map(({ id }) => id)).toEqual(fails);
    expect(failing[0]?.why ?? null).toBe(why);
    const python = checkByPython(encodeBundle(bundleWith([odd.leaf])), odd.pem);
    expect([python.code, ...python.lines]).toEqual([report.ok ? 0 : 1, ...checkLines(report)]);
    // The same with the root in the chain: then the break is between the two.
    const inner = check(bundleWith([odd.leaf, odd.root]), {
      roots: [odd.root],
    });
    expect(inner.ok).toBe(report.ok);
  });

  it("is read by a reader that knows only what is in it, and without a clock", () => {
    const years = [2010, 2000];
    const reader: CertificateReader = {
      read: ([at = 0]) => ({
        spki: new Uint8Array(0),
        isIssuer: at > 0,
        usages: [],
        subject: { commonName: null, unit: null, serialNumber: null },
        fromS: years[at] ?? Number.NaN,
        toS: 2010,
      }),
      isIssuedBy: ([at = 0], [by = 0]) => by === at + 1,
    };
    const chain = [Uint8Array.of(0), Uint8Array.of(1)];
    expect(findBreak(chain, reader)).toBeNull();
    years[0] = 2011;
    expect(findBreak(chain, reader)).toMatch(/1 is not issued by certificate 2/);
    // A date that cannot be read is no date.
    years[0] = Number.NaN;
    expect(findBreak(chain, reader)).toMatch(/1 is not issued by certificate 2/);
  });
});
