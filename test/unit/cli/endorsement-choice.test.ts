import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { AUTHORITY_FILES } from "../../../src/cli/certificate-authority.js";
import { CERTIFICATES } from "../../../src/cli/certificates.js";
import { chooseCertificate, type HeldCertificate } from "../../../src/cli/endorsement-choice.js";
import { runOpenssl } from "../../../src/cli/openssl.js";
import { CERTIFICATE_INDEX } from "../../../src/codec/tpm2/endorsement-certificate.js";
import { encodePublic, ENDORSEMENT_KEY_TEMPLATE } from "../../../src/codec/tpm2/public-area.js";
import { findBreak } from "../../../src/evidence/certificate.js";
import { claimKey } from "../../support/attested-key.js";
import { startAuthority } from "../../support/authority.js";
import { bytes } from "../../support/evidence-samples.js";

const maker = await startAuthority("TPM maker");
afterAll(maker.remove);
const { rsa, ecc } = CERTIFICATE_INDEX;
const key = claimKey();
const certificate = await issue(key.spki, "TPM 4711");
const foreign = await issue(claimKey().spki, "TPM 1");

async function issue(spki: Uint8Array, commonName: string): Promise<Uint8Array> {
  const [made] = await maker.issue({ spki, commonName });
  if (made === undefined) throw new Error("no certificate");
  return made;
}

/** TPMT_PUBLIC of the endorsement key with this point (SPKI of P-256). */
function areaOf(spki: Uint8Array): Uint8Array {
  return encodePublic({ ...ENDORSEMENT_KEY_TEMPLATE, x: spki.slice(27, 59), y: spki.slice(59) });
}

function at(index: number, value: Uint8Array): HeldCertificate {
  return { index, read: { ok: true, value } };
}

describe("the choice of an endorsement certificate", () => {
  it("is the one over the very key, wherever it stands, and no word of the others", () => {
    const sent = chooseCertificate(areaOf(key.spki), [at(ecc, foreign), at(rsa, certificate)]);
    expect(sent).toEqual({
      chain: [certificate],
      says: [
        "endorsement certificate: subject CN=TPM 4711, issuer CN=TPM maker; out of the TPM (NV index 0x01c00002)",
      ],
    });
  });

  it("knows one without a subject, as makers of TPMs issue them", async () => {
    const file = (name: string): string => join(maker.folder, name);
    const own = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    writeFileSync(file("own.pem"), own.export({ type: "spki", format: "pem" }));
    const by = ["-CA", file(AUTHORITY_FILES.root), "-CAkey", file(AUTHORITY_FILES.key)];
    const what = ["-force_pubkey", file("own.pem"), "-subj", "/", "-set_serial", "7"];
    const how = ["-days", "9", "-outform", "DER", "-out", file("own.der")];
    await runOpenssl(["x509", "-new", ...what, ...by, ...how]);
    const der = new Uint8Array(readFileSync(file("own.der")));
    const spki = new Uint8Array(own.export({ type: "spki", format: "der" }));
    const { chain, says } = chooseCertificate(areaOf(spki), [at(ecc, der)]);
    expect(chain).toEqual([der]);
    expect(says[0]).toContain("subject (no name), issuer CN=TPM maker; out of the TPM");
    expect(findBreak([der, maker.root], CERTIFICATES)).toBeNull();
  });

  it.each([
    ["another key's", at(ecc, foreign), /another endorsement key: subject CN=TPM 1, issuer CN=TPM/],
    ["what is no certificate", at(ecc, bytes(300, 0x30)), /0x01c0000a is no certificate that can/],
    ["one with a byte behind", at(ecc, Uint8Array.of(...certificate, 0)), /is no certificate that/],
    ["one with a byte changed", at(ecc, certificate.with(4, 0)), /is no certificate that can/],
    [
      "what could not be read",
      { index: ecc, read: { ok: false as const, says: "no\u001b[2J" } },
      /^not sent: no\?\[2J$/,
    ],
    [
      "the RSA key's",
      at(rsa, foreign),
      /\(--endorsement-handle names the RSA key, if it is kept\)$/,
    ],
  ])("is none where there is only %s, and says why", (_what, held, why) => {
    const { chain, says } = chooseCertificate(areaOf(key.spki), [held]);
    expect(chain).toEqual([]);
    expect(says).toHaveLength(2);
    expect(says[0]).toMatch(why);
    expect(says[1]).toBe(
      "the request goes without an endorsement certificate (--endorsement takes a file's)",
    );
  });

  it("is none for a key that is none, or of a kind that is not enrolled", () => {
    const off = encodePublic({ ...ENDORSEMENT_KEY_TEMPLATE, x: bytes(32, 1), y: bytes(32, 1) });
    for (const area of [off, key.area, bytes(0, 0), bytes(90, 7)]) {
      expect(chooseCertificate(area, [at(ecc, certificate)]).chain).toEqual([]);
    }
    const none = chooseCertificate(areaOf(key.spki), []);
    expect(none.chain).toEqual([]);
    expect(none.says).toHaveLength(1);
    expect(none.says[0]).toMatch(/^the TPM holds no endorsement certificate: the request goes/);
  });
});
