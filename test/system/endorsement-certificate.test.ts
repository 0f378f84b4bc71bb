import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { startSoftwareTpm } from "../../src/adapters/swtpm/software-tpm.js";
import type { TpmPlace } from "../../src/adapters/tpm/place.js";
import type { TpmRecord } from "../../src/adapters/tpm/record.js";
import { AUTHORITY_FILES } from "../../src/cli/certificate-authority.js";
import { keyObjectOf } from "../../src/cli/credential.js";
import { CERTIFICATE_INDEX } from "../../src/codec/tpm2/endorsement-certificate.js";
import { parseEndorsementPublic } from "../../src/codec/tpm2/endorsement-public.js";
import { decodeKeyBundle, encodeBundle } from "../../src/evidence/bundle.js";
import { decodeRequest, type EnrolmentRequest } from "../../src/evidence/enrolment.js";
import { holdpoint } from "../support/built-command.js";
import { startAuthority } from "../support/authority.js";
import { claimKey } from "../support/attested-key.js";
import { writeNvIndex } from "../support/nv-certificate.js";
import { check, checkByPython, checkLines } from "../support/proof-bundle.js";
import { makeProvisionedBundle } from "../support/provisioned-bundle.js";
import { provisionAt, startProvisioned, testFolder } from "../support/tpm-process.js";

/** Where swtpm_setup keeps the RSA endorsement key that it has certified. */
const RSA_HANDLE = "0x81010001";
const maker = await startAuthority("TPM maker");
afterAll(maker.remove);

/** A software TPM with the certificate that its own tools made for its RSA key, and keys of ours in it. */
async function startCertified(): Promise<{
  readonly directory: string;
  readonly place: TpmPlace;
  readonly record: TpmRecord;
  /** Certificate (PEM) of the authority that issued it. */
  readonly issuer: string;
  /** The certificate itself, as the tools wrote it beside the TPM. */
  readonly certificate: Uint8Array;
}> {
  const folder = testFolder();
  const started = await startSoftwareTpm(folder);
  if (!started.ok) throw new Error(started.says);
  const { socket, certificate, end } = started.tpm;
  onTestFinished(end);
  if (certificate === null) throw new Error("swtpm's tools made no certificate");
  const directory = testFolder();
  const place: TpmPlace = { kind: "socket", path: socket };
  return {
    directory,
    place,
    record: await provisionAt(directory, place),
    issuer: join(folder, "authority", "issuercert.pem"),
    certificate: new Uint8Array(readFileSync(certificate)),
  };
}

function requestIn(path: string): EnrolmentRequest {
  const request = decodeRequest(new Uint8Array(readFileSync(path)));
  if (request === null) throw new Error("no request");
  return request;
}

describe("holdpoint key enrol without a file of the endorsement certificate", () => {
  it("takes it out of a software TPM that its tools certified, and whoever names its maker's authority has it as software all the same [HP-199 allows]", async () => {
    const rig = await startCertified();
    const { directory, issuer, certificate } = rig;
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    const ask = ["key", "enrol", directory, "--gateway", "gw-7", "--request"];
    const asked = await holdpoint(...ask, file("request"), "--endorsement-handle", RSA_HANDLE);
    expect(asked).toMatchObject({ code: 0, err: "" });
    expect(asked.out).toMatch(
      /^endorsement certificate: subject CN=\S+, issuer CN=swtpm-localca; out of the TPM \(NV index 0x01c00002\)$/m,
    );
    expect(requestIn(file("request")).endorsement).toEqual([certificate]);

    await holdpoint("ca", "init", file("ca"), "--name", "Plant CA");
    const issue = ["ca", "issue", file("ca"), file("request"), "--makers", issuer];
    const issued = await holdpoint(...issue, "--out", file("answer"));
    expect(issued).toMatchObject({ code: 0, err: "" });
    expect(issued.out).toContain("its TPM is software, as it says itself, it proves no hardware");
    const taken = ["key", "enrol", directory, "--answer", file("answer")];
    const opened = await holdpoint(...taken, "--endorsement-handle", RSA_HANDLE);
    expect(opened).toMatchObject({ code: 0, err: "" });
    expect(opened.out).toContain("CN=gw-7, OU=software-tpm");
    const attested = await holdpoint("key", "attest", directory, "--out", file("key.cbor"));
    expect(attested.out).toContain("key: software, not hardware");
    const { out } = await holdpoint("key", "status", directory);
    expect(out).toMatch(/^enrolled +yes: for gw-7 \(software-tpm\).*, 1 of the endorsement key$/m);
    expect(out).toMatch(/^attested +yes: key-bundle.cbor is of the key in the TPM$/m);
    const key = decodeKeyBundle(new Uint8Array(readFileSync(file("key.cbor"))));
    expect(key).toMatchObject({ software: true, endorsement: [certificate] });
    if (key === null) throw new Error("no key bundle");
    const bundle = await makeProvisionedBundle(rig, key);
    const pem = readFileSync(join(file("ca"), AUTHORITY_FILES.root));
    const report = check(bundle, { roots: [new Uint8Array(new X509Certificate(pem).raw)] });
    expect(report.checks.filter(({ status }) => status === "FAIL")).toEqual([]);
    expect(report.checks.find(({ id }) => id === "endorsement")?.status).toBe("PASS");
    const hardware = report.checks.find(({ id }) => id === "hardware");
    expect(hardware).toMatchObject({ status: "NOT PRESENT", note: "key: software, not hardware" });
    const python = checkByPython(encodeBundle(bundle), new Uint8Array(pem));
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
  });

  it("is refused by an authority that was given another maker's root [HP-199 refuses]", async () => {
    const { directory } = await startCertified();
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    const ask = ["key", "enrol", directory, "--gateway", "gw-7", "--request", file("request")];
    await holdpoint(...ask, "--endorsement-handle", RSA_HANDLE);
    await holdpoint("ca", "init", file("ca"), "--name", "Plant CA");
    writeFileSync(file("makers.pem"), maker.pem);
    const issue = ["ca", "issue", file("ca"), file("request"), "--makers", file("makers.pem")];
    const refused = await holdpoint(...issue, "--out", file("answer"));
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("they lead to none of those");
  });

  it("says that a TPM's certificate is of another endorsement key, and does not send it [HP-199 refuses]", async () => {
    const { directory } = await startCertified();
    const request = join(testFolder(), "request");
    const ask = ["key", "enrol", directory, "--gateway", "gw-7", "--request", request];
    const asked = await holdpoint(...ask);
    expect(asked).toMatchObject({ code: 0, err: "" });
    expect(asked.out).toMatch(
      /^not sent: the certificate at NV index 0x01c00002 is of another endorsement key: subject CN=\S+, issuer CN=swtpm-localca \(--endorsement-handle names the RSA key, if it is kept\)$/m,
    );
    expect(asked.out).toContain("the request goes without an endorsement certificate");
    expect(requestIn(request).endorsement).toEqual([]);
  });

  it("takes that of the P-256 key, filled up with zeros as makers do, and a file in its place where one is named [HP-199 allows]", async () => {
    const { chip, directory } = await startProvisioned();
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    const ask = ["key", "enrol", directory, "--gateway", "gw-7", "--request"];
    const bare = await holdpoint(...ask, file("bare"));
    expect(bare).toMatchObject({ code: 0, err: "" });
    expect(bare.out).toMatch(/^the TPM holds no endorsement certificate: the request goes without/);
    const { endorsementKey } = requestIn(file("bare"));
    const parsed = parseEndorsementPublic(endorsementKey);
    if (!parsed.ok) throw new Error("no endorsement key");
    const spki = keyObjectOf(parsed.value).export({ type: "spki", format: "der" });
    const [certificate] = await maker.issue({ spki, commonName: "TPM 4711" });
    if (certificate === undefined) throw new Error("no certificate");
    const filled = Uint8Array.of(...certificate, ...new Uint8Array(200));
    await writeNvIndex(chip, CERTIFICATE_INDEX.ecc, filled);
    const asked = await holdpoint(...ask, file("request"));
    expect(asked).toMatchObject({ code: 0, err: "" });
    expect(asked.out).toMatch(
      /^endorsement certificate: subject CN=TPM 4711, issuer CN=TPM maker; out of the TPM \(NV index 0x01c0000a\)$/m,
    );
    expect(requestIn(file("request")).endorsement).toEqual([certificate]);
    writeFileSync(file("named.pem"), maker.pem);
    const named = await holdpoint(...ask, file("named"), "--endorsement", file("named.pem"));
    expect(named.out).not.toContain("out of the TPM");
    expect(requestIn(file("named")).endorsement).toEqual([maker.root]);
  });

  it("says why what stands there is not sent: another key's, no certificate, or what cannot be read [HP-199 refuses]", async () => {
    const { chip, directory } = await startProvisioned();
    const folder = testFolder();
    const [other] = await maker.issue({ spki: claimKey().spki, commonName: "TPM 1" });
    await writeNvIndex(chip, CERTIFICATE_INDEX.ecc, other ?? new Uint8Array(1));
    await writeNvIndex(chip, CERTIFICATE_INDEX.rsa, Uint8Array.of(0x30, 1, 0, 7));
    const ask = ["key", "enrol", directory, "--gateway", "gw-7", "--request"];
    const asked = await holdpoint(...ask, join(folder, "request"));
    expect(asked).toMatchObject({ code: 0, err: "" });
    const lines = asked.out.split("\n");
    expect(lines[0]).toBe(
      "not sent: the certificate at NV index 0x01c0000a is of another endorsement key: subject CN=TPM 1, issuer CN=TPM maker",
    );
    expect(lines[1]).toBe(
      "not sent: the NV index 0x01c00002 does not hold one certificate and nothing else",
    );
    expect(requestIn(join(folder, "request")).endorsement).toEqual([]);
  });
});
