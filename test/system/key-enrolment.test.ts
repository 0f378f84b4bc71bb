import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { keyObjectOf } from "../../src/cli/credential.js";
import { parseEndorsementPublic } from "../../src/codec/tpm2/endorsement-public.js";
import { decodeKeyBundle, encodeBundle, type KeyBundle } from "../../src/evidence/bundle.js";
import { decodeRequest } from "../../src/evidence/enrolment.js";
import { holdpoint } from "../support/built-command.js";
import { startAuthority } from "../support/authority.js";
import { check, checkByPython, checkLines } from "../support/proof-bundle.js";
import { makeProvisionedBundle } from "../support/provisioned-bundle.js";
import { startProvisioned, testFolder } from "../support/tpm-process.js";

const maker = await startAuthority("TPM maker");
afterAll(maker.remove);

/** The command line's, for an export that has nothing else. */
function readBundle(path: string): KeyBundle {
  const key = decodeKeyBundle(new Uint8Array(readFileSync(path)));
  if (key === null) throw new Error("no key bundle");
  return key;
}

describe("holdpoint key enrol and attest", () => {
  it("make a key bundle of a provisioned TPM, with the certificate that an authority sealed for it [HP-116 allows]", async () => {
    const provisioned = await startProvisioned();
    const { directory } = provisioned;
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    const early = await holdpoint("key", "attest", directory, "--out", file("bare.cbor"));
    expect(early).toMatchObject({ code: 0, err: "" });
    expect(early.out).toContain("nobody vouches for it yet: holdpoint key enrol");
    expect(readBundle(file("bare.cbor"))).toMatchObject({ certificates: [], software: true });

    const ca = file("ca");
    expect((await holdpoint("ca", "init", ca, "--name", "Plant CA")).code).toBe(0);
    const ask = ["key", "enrol", directory, "--gateway", "gw-7"];
    expect(await holdpoint(...ask, "--request", file("first"))).toMatchObject({ code: 0, err: "" });
    const request = decodeRequest(new Uint8Array(readFileSync(file("first"))));
    const endorsement = parseEndorsementPublic(request?.endorsementKey ?? new Uint8Array(0));
    if (!endorsement.ok) throw new Error("no endorsement key");
    const spki = keyObjectOf(endorsement.value).export({ type: "spki", format: "der" });
    const [certificate] = await maker.issue({ spki, commonName: "TPM 4711" });
    if (certificate === undefined) throw new Error("no certificate");
    writeFileSync(file("ek.pem"), pemOf(certificate));
    const again = [...ask, "--request", file("request"), "--endorsement", file("ek.pem")];
    expect((await holdpoint(...again)).code).toBe(0);
    const issued = await holdpoint("ca", "issue", ca, file("request"), "--out", file("answer"));
    expect(issued.out).toContain("software-tpm");
    const taken = await holdpoint("key", "enrol", directory, "--answer", file("answer"));
    expect(taken).toMatchObject({ code: 0, err: "" });
    expect(taken.out).toContain("CN=gw-7, OU=software-tpm");
    const attested = await holdpoint("key", "attest", directory, "--out", file("key.cbor"));
    expect(attested).toMatchObject({ code: 0, err: "" });
    expect(attested.out).toContain("key: software, not hardware");

    const key = readBundle(file("key.cbor"));
    expect(key.endorsement).toHaveLength(1);
    const bundle = await makeProvisionedBundle(provisioned, key);
    const pem = new Uint8Array(readFileSync(join(ca, "root.pem")));
    const report = check(bundle, { roots: [derOf(pem)] });
    expect(report.checks.filter(({ status }) => status === "FAIL")).toEqual([]);
    expect(report.checks.find(({ id }) => id === "roots")?.status).toBe("PASS");
    expect(report.checks.find(({ id }) => id === "endorsement")?.status).toBe("PASS");
    const python = checkByPython(encodeBundle(bundle), pem);
    expect([python.code, ...python.lines]).toEqual([0, ...checkLines(report)]);
  });

  it("refuse another TPM's answer, a folder without a record, and half a command [HP-116 refuses]", async () => {
    const [one, other] = [await startProvisioned(), await startProvisioned()];
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    await holdpoint("ca", "init", file("ca"), "--name", "Plant CA");
    const ask = ["--gateway", "gw-7", "--request", file("request")];
    expect((await holdpoint("key", "enrol", one.directory, ...ask)).code).toBe(0);
    await holdpoint("ca", "issue", file("ca"), file("request"), "--out", file("answer"));
    const stolen = await holdpoint("key", "enrol", other.directory, "--answer", file("answer"));
    expect(stolen.code).toBe(1);
    expect(stolen.err).toMatch(/^TPM2_ActivateCredential: .*\n$/);
    const none = await holdpoint("key", "attest", folder, "--out", file("key.cbor"));
    expect(none).toMatchObject({ code: 1, out: "" });
    expect(none.err).toMatch(/^there is no .*: holdpoint key provision makes it\n$/);
    const half = await holdpoint("key", "enrol", one.directory, "--gateway", "gw-7");
    expect(half).toMatchObject({ code: 2, out: "" });
    expect(half.err).toMatch(/^name --gateway and --request/);
  });
});

describe("holdpoint key status", () => {
  it("tells whether the keys are enrolled and attested, and by which certificate [HP-191 allows]", async () => {
    const { chip, directory } = await startProvisioned();
    const folder = testFolder();
    const file = (name: string): string => join(folder, name);
    const status = async (): Promise<string> => (await holdpoint("key", "status", directory)).out;
    const bare = await status();
    expect(bare).toMatch(/^enrolled +no: nobody vouches for the keys \(holdpoint key enrol\)$/m);
    expect(bare).toMatch(/^attested +no: there is no key bundle yet \(holdpoint key attest\)$/m);
    await holdpoint("key", "attest", directory, "--out", file("bare.cbor"));
    expect(await status()).toMatch(/^attested +yes: key-bundle.cbor is of the key in the TPM$/m);
    await enrol(directory, folder);
    const enrolled = await status();
    expect(enrolled).toMatch(
      /^enrolled +yes: for gw-7 \(software-tpm\), from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d; \d certificates?, 0 of the endorsement key$/m,
    );
    expect(enrolled).toMatch(/^attested .*without its certificate: attest anew$/m);
    await holdpoint("key", "attest", directory, "--out", file("key.cbor"));
    const whole = await holdpoint("key", "status", directory, "--json");
    expect(whole).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(whole.out)).toMatchObject({
      enrolled: true,
      certificate: { gateway: "gw-7", unit: "software-tpm", trouble: null },
      attested: true,
      bundle: { certified: true, trouble: null },
    });
    await chip.kill();
    expect(await status()).toMatch(/^attested +yes: .*the recorded key; the TPM was not asked$/m);
  });

  it("says of files that are of other keys, or cannot be read, what is wrong with them [HP-191 refuses]", async () => {
    const [one, other] = [await startProvisioned(), await startProvisioned()];
    const folder = testFolder();
    await enrol(other.directory, folder);
    await holdpoint("key", "attest", other.directory, "--out", join(folder, "key.cbor"));
    for (const name of ["certificates.cbor", "key-bundle.cbor"]) {
      copyFileSync(join(other.directory, name), join(one.directory, name));
    }
    const foreign = await holdpoint("key", "status", one.directory);
    expect(foreign.out).toMatch(/^enrolled +NO: it is for another attestation key: enrol anew/m);
    expect(foreign.out).toMatch(/^attested +NO: key-bundle.cbor: it is of another key/m);
    for (const name of ["certificates.cbor", "key-bundle.cbor"]) {
      writeFileSync(join(one.directory, name), "nothing");
    }
    const damaged = await holdpoint("key", "status", one.directory, "--json");
    expect(JSON.parse(damaged.out)).toMatchObject({
      enrolled: false,
      certificate: { trouble: "certificates.cbor cannot be read: enrol anew" },
      attested: false,
      bundle: { trouble: "key-bundle.cbor cannot be read: attest anew" },
    });
  });
});

/** By an authority of its own, with the commands that are there for it. */
async function enrol(directory: string, folder: string): Promise<void> {
  const file = (name: string): string => join(folder, name);
  await holdpoint("ca", "init", file("ca"), "--name", "Plant CA");
  const ask = ["--gateway", "gw-7", "--request", file("request")];
  await holdpoint("key", "enrol", directory, ...ask);
  await holdpoint("ca", "issue", file("ca"), file("request"), "--out", file("answer"));
  const taken = await holdpoint("key", "enrol", directory, "--answer", file("answer"));
  expect(taken).toMatchObject({ code: 0, err: "" });
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function derOf(pem: Uint8Array): Uint8Array {
  const text = Buffer.from(pem)
    .toString("latin1")
    .replaceAll(/-----[^-]+-----/g, "");
  return new Uint8Array(Buffer.from(text, "base64"));
}
