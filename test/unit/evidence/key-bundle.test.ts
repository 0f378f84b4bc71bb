import { afterAll, describe, expect, it } from "vitest";
import { HIERARCHY, TAG } from "../../../src/codec/tpm2/constant.js";
import { TPM_OBJECTS } from "../../../src/codec/tpm2/public-area.js";
import { encodeBundle, type KeyBundle, type ProofBundle } from "../../../src/evidence/bundle.js";
import type { BundleCheckId } from "../../../src/evidence/bundle-findings.js";
import { hex } from "../../../src/evidence/hex.js";
import { SOFTWARE_UNIT } from "../../../src/evidence/key-bundle.js";
import { attest, certifyInfoOf, claimAttester, claimKey } from "../../support/attested-key.js";
import { startAuthority } from "../../support/authority.js";
import { sampleLog } from "../../support/evidence-rig.js";
import { sha256 } from "../../support/evidence-samples.js";
import {
  check,
  checkByPython,
  checkLines,
  flipByPython,
  makeBundle,
  type LogKey,
} from "../../support/proof-bundle.js";
import { share } from "../../support/share.js";

const key = claimKey();
const attester = claimAttester();
const authority = await startAuthority();
const stranger = await startAuthority("Another CA");
afterAll(() => {
  authority.remove();
  stranger.remove();
});

const [endorsement] = await stranger.issue({ spki: claimKey().spki });
if (endorsement === undefined) throw new Error("a certificate was asked for");
const seen = hex(sha256(endorsement));
const chain = await authority.issue({ spki: attester.spki, serialNumber: seen });
const [leaf] = chain;
if (leaf === undefined) throw new Error("a certificate was asked for");

const KEY: KeyBundle = {
  spki: key.spki,
  certificates: chain,
  endorsement: [endorsement, stranger.root],
  attestation: attest(key, attester),
  validSeq: null,
  software: false,
};

/** The permit 4 with its outcome 5, signed by this key, with this key bundle. */
function bundleOf(with_: Partial<KeyBundle> = {}, by: LogKey = key, gateway = "gw-7"): ProofBundle {
  const made = makeBundle(sampleLog(0, 11), [4, 5], by, gateway).bundle;
  return { ...made, key: { ...KEY, spki: by.spki, ...with_ } };
}

const whole = bundleOf();

type Attack = readonly [
  name: string,
  bundle: ProofBundle,
  /** What fails, and why the first does. */
  fails: readonly BundleCheckId[],
  why: RegExp,
];

const other = claimKey();
const { evidenceKey } = TPM_OBJECTS;
const unrestricted = claimKey();
const policied = claimKey(evidenceKey.attributes, new Uint8Array(32).fill(7));
const leaving = claimKey(evidenceKey.attributes & ~2);
const usual = KEY.attestation ?? attest(key, attester);

const ATTACKS: readonly Attack[] = [
  [
    "an attest that the evidence key signed",
    bundleOf({ attestation: attest(key, key) }),
    ["attributes", "attester", "certificate"],
    /the attestation key has 0x00040472, not 0x00050472/,
  ],
  [
    "an attest by another unrestricted key",
    bundleOf({ attestation: attest(key, unrestricted) }),
    ["attributes", "certificate"],
    /the attestation key has 0x00040472, not 0x00050472/,
  ],
  [
    "an attest by an unrestricted key that is said to be restricted",
    bundleOf({
      attestation: attest(key, { ...unrestricted, area: restrictedArea(unrestricted.area) }),
    }),
    ["certificate"],
    /it is over another key/,
  ],
  [
    "a checkpoint that the attestation key signed",
    bundleOf({ attestation: attest(attester, attester) }, attester),
    ["attributes", "attester"],
    /the certified key has 0x00050472, not 0x00040472/,
  ],
  [
    "the attest of another key",
    bundleOf({ attestation: { ...attest(other, attester), certified: key.area } }),
    ["certified"],
    /about another key than the one given/,
  ],
  [
    "the attest and the public area of another key",
    bundleOf({ attestation: attest(other, attester) }),
    ["certified"],
    /the certified key is not the one that signs here/,
  ],
  [
    "another key than the certified one",
    bundleOf({}, other),
    ["certified"],
    /the certified key is not the one that signs here/,
  ],
  [
    "a swapped key",
    bundleOf({ spki: other.spki }),
    ["key", "signature", "certified"],
    /it names key [0-9a-f]{16}, and another is here/,
  ],
  [
    "a key that may leave its TPM",
    bundleOf({ attestation: attest(leaving, attester) }, leaving),
    ["attributes"],
    /the certified key has 0x00040470, not 0x00040472/,
  ],
  [
    "a key with a policy",
    bundleOf({ attestation: attest(policied, attester) }, policied),
    ["attributes"],
    /the certified key has a use or a policy that it must not have/,
  ],
  [
    "public areas whose attributes were changed",
    bundleOf(
      { attestation: { ...attest(leaving, attester), certified: allow(leaving.area) } },
      leaving,
    ),
    ["certified"],
    /about another key than the one given/,
  ],
  [
    "a changed byte in the attest",
    bundleOf({ attestation: { ...usual, certifyInfo: flip(usual.certifyInfo, 50) } }),
    ["attester"],
    /its signature does not verify/,
  ],
  [
    "a changed byte in the certified Name",
    bundleOf({ attestation: { ...usual, certifyInfo: flip(usual.certifyInfo, 80) } }),
    ["certified", "attester"],
    /about another key than the one given/,
  ],
  [
    "an attest that no TPM made",
    bundleOf({ attestation: signedInfo({ magic: 0x00544347 }) }),
    ["attest"],
    /no attest of a TPM that certifies a key/,
  ],
  [
    "an attest of another kind",
    bundleOf({ attestation: signedInfo({ type: TAG.attestQuote }) }),
    ["attest"],
    /no attest of a TPM that certifies a key/,
  ],
  [
    "an attest with a byte behind it",
    bundleOf({ attestation: attest(key, attester, Uint8Array.from([...usual.certifyInfo, 0])) }),
    ["attest"],
    /no attest of a TPM that certifies a key/,
  ],
  [
    "an attestation key of the owner's hierarchy",
    bundleOf({ attestation: signedInfo({ hierarchy: HIERARCHY.owner }) }),
    ["attester"],
    /another signer than this key of the endorsement hierarchy/,
  ],
  [
    "a signature that is too short",
    bundleOf({ attestation: { ...usual, signature: usual.signature.slice(1) } }),
    ["attester"],
    /its signature does not verify/,
  ],
  [
    "public areas that are none",
    bundleOf({ attestation: { ...usual, certified: key.spki, attester: attester.spki } }),
    ["certified", "attester", "certificate"],
    /the certified key is no P-256 key of a TPM/,
  ],
  [
    "the certificate of another attestation key",
    bundleOf({ certificates: await authority.issue({ spki: other.spki, serialNumber: seen }) }),
    ["certificate"],
    /it is over another key/,
  ],
  [
    "a certificate for another gateway",
    bundleOf({
      certificates: await authority.issue({
        spki: attester.spki,
        serialNumber: seen,
        commonName: "gw-8",
      }),
    }),
    ["certificate"],
    /it is for another gateway than the checkpoint says/,
  ],
  [
    "the bundle of a gateway with the name of another",
    bundleOf({}, key, "gw-8"),
    ["certificate"],
    /it is for another gateway than the checkpoint says/,
  ],
  [
    "a root in the place of the certificate",
    bundleOf({ certificates: [authority.root] }),
    ["certificate", "endorsement"],
    /it is over another key/,
  ],
  [
    "a certificate that is none",
    bundleOf({ certificates: [leaf.slice(0, -1), authority.root] }),
    ["certificate", "roots", "endorsement"],
    /it cannot be read/,
  ],
  [
    "a certificate with a byte behind it",
    bundleOf({ certificates: [Uint8Array.from([...leaf, 0]), authority.root] }),
    ["certificate", "roots", "endorsement"],
    /it cannot be read/,
  ],
  [
    "a certificate with a changed byte",
    bundleOf({ certificates: [flip(leaf, leaf.length - 4), authority.root] }),
    ["roots"],
    /certificate 1 is not issued by certificate 2/,
  ],
  [
    "a chain to another root",
    bundleOf({ certificates: await stranger.issue({ spki: attester.spki, serialNumber: seen }) }),
    ["roots"],
    /they lead to none of those/,
  ],
  [
    "a chain of one that another authority signed",
    bundleOf({
      certificates: (await stranger.issue({ spki: attester.spki, serialNumber: seen })).slice(0, 1),
    }),
    ["roots"],
    /they lead to none of those/,
  ],
  [
    "a chain through a certificate that may sign no others",
    bundleOf({ certificates: [leaf, leaf] }),
    ["roots"],
    /certificate 1 is not issued by certificate 2/,
  ],
  [
    "more certificates than any chain has",
    bundleOf({ certificates: Array.from({ length: 9 }, () => authority.root) }),
    ["certificate", "roots", "endorsement"],
    /it is over another key/,
  ],
  [
    "no certificate where roots are named",
    bundleOf({ certificates: [], endorsement: [] }),
    ["roots"],
    /there is no certificate that could lead to one/,
  ],
  [
    "certificates without an attest",
    bundleOf({ attestation: null, endorsement: [] }),
    ["attest"],
    /no attest of a key that they could be for/,
  ],
  [
    "the endorsement certificate of another TPM",
    bundleOf({ endorsement: [stranger.root] }),
    ["endorsement"],
    /the attestation key's certificate does not name this one/,
  ],
  [
    "endorsement certificates that do not go together",
    bundleOf({ endorsement: [endorsement, authority.root] }),
    ["endorsement"],
    /certificate 1 is not issued by certificate 2/,
  ],
  [
    "a software TPM that does not say so",
    bundleOf({
      certificates: await authority.issue({
        spki: attester.spki,
        serialNumber: seen,
        unit: SOFTWARE_UNIT,
      }),
    }),
    ["hardware"],
    /for a software TPM, and the bundle does not say so/,
  ],
];

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

/** The TPMT_PUBLIC with the bit that says restricted. */
function restrictedArea(area: Uint8Array): Uint8Array {
  return area.map((byte, i) => (i === 5 ? byte | 1 : byte));
}

/** The TPMT_PUBLIC with the bit that says fixedTPM. */
function allow(area: Uint8Array): Uint8Array {
  return area.map((byte, i) => (i === 7 ? byte | 2 : byte));
}

function signedInfo(of: Parameters<typeof certifyInfoOf>[2]): KeyBundle["attestation"] {
  return attest(key, attester, certifyInfoOf(key.area, attester.area, of));
}

describe("a key bundle", () => {
  it("passes with an attest and certificates that lead to a named root [HP-115 allows]", () => {
    const report = check(whole, { roots: [authority.root] });
    const status = report.checks.map(({ id, status: is }) => `${id} ${is}`);
    for (const id of ["attest", "certified", "attributes", "attester", "certificate", "roots"]) {
      expect(status).toContain(`${id} PASS`);
    }
    expect(status).toContain("endorsement PASS");
    expect(status).toContain("hardware PASS");
    expect(report.ok).toBe(true);
    const python = checkByPython(encodeBundle(whole), authority.pem);
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
  });

  it("shows no hardware to whoever names no root, since anybody can make up such an attest", () => {
    const report = check(whole);
    expect(report.ok).toBe(true);
    expect(report.checks.find(({ id }) => id === "hardware")).toMatchObject({
      status: "NOT PRESENT",
      note: "nobody you named vouches for it (--trust takes root certificates)",
    });
    const python = checkByPython(encodeBundle(whole));
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
  });

  it("of a software TPM passes what it has, and shows no hardware", async () => {
    const certificates = await authority.issue({ spki: attester.spki, unit: SOFTWARE_UNIT });
    const made = bundleOf({ certificates, endorsement: [], software: true });
    const report = check(made, { roots: [authority.root] });
    expect(report.ok).toBe(true);
    expect(checkLines(report)).toContain(
      "NOT PRESENT  the key was made in a TPM and cannot leave it; key: software, not hardware",
    );
    const python = checkByPython(encodeBundle(made), authority.pem);
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
    expect(python.out).toContain("key: software, not hardware\nPASS\n");
  });

  it("passes by a certificate alone whose root is not with it, or that is itself named", () => {
    const alone = bundleOf({ certificates: [leaf] });
    expect(check(alone, { roots: [stranger.root, authority.root] }).ok).toBe(true);
    expect(check(alone, { roots: [leaf] }).ok).toBe(true);
    const pem = new Uint8Array([...stranger.pem, ...authority.pem]);
    expect(checkByPython(encodeBundle(alone), pem).code).toBe(0);
  });

  it.each(ATTACKS)(
    "fails for %s, by both verifiers [HP-115 refuses]",
    (_name, made, fails, why) => {
      const report = check(made, { roots: [authority.root] });
      const failing = report.checks.filter(({ status }) => status === "FAIL");
      expect(failing.map(({ id }) => id)).toEqual(fails);
      expect(failing[0]?.why).toMatch(why);
      const hardware = report.checks.find(({ id }) => id === "hardware");
      expect(hardware?.status).not.toBe("PASS");
      const python = checkByPython(encodeBundle(made), authority.pem);
      expect([python.code, ...python.lines]).toEqual([1, ...checkLines(report)]);
    },
  );

  it("is refused by both verifiers with any single bit changed", () => {
    const stride = share(7, 61);
    const bytes = encodeBundle(bundleOf({ endorsement: [endorsement] }));
    expect(check(bytes, { roots: [authority.root] }).ok).toBe(true);
    const accepted: number[] = [];
    let tried = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += stride) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      tried += 1;
      if (check(changed, { roots: [authority.root] }).ok) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
    expect(flipByPython(bytes, stride, authority.pem)).toBe(`${tried} []`);
  }, 900_000);
});
