import { createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  certifyKey,
  openCredential,
  readEndorsementKey,
} from "../../src/adapters/tpm/attestation.js";
import { signDigest, type TpmKey } from "../../src/adapters/tpm/keys.js";
import { openSocketChannel } from "../../src/adapters/tpm/socket-channel.js";
import type { Tpm } from "../../src/adapters/tpm/tpm.js";
import { verifyBundleFile } from "../../src/cli/bundle-verify.js";
import { keyObjectOf } from "../../src/cli/credential.js";
import { enrol, openAnswer } from "../../src/cli/enrolment.js";
import { parseEndorsementPublic } from "../../src/codec/tpm2/endorsement-public.js";
import { spkiOf } from "../../src/codec/tpm2/spki.js";
import { encodeBundle, type KeyAttestation } from "../../src/evidence/bundle.js";
import type { KeyBundle, ProofBundle } from "../../src/evidence/bundle.js";
import {
  draftCheckpoint,
  finishCheckpoint,
  readCheckpoint,
} from "../../src/evidence/checkpoint.js";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type EnrolmentRequest,
} from "../../src/evidence/enrolment.js";
import { startAuthority } from "../support/authority.js";
import { sampleLog } from "../support/evidence-rig.js";
import { sha256 } from "../support/evidence-samples.js";
import { check, checkByPython, checkLines, makeBundle } from "../support/proof-bundle.js";
import { runTool } from "../support/tool.js";
import {
  ATTESTATION_AUTH,
  EVIDENCE_AUTH,
  faultIn,
  makeKeys,
  NO_AUTH,
  openTestTpm,
  startTpmRig,
  valueOf,
} from "../support/tpm-rig.js";

const authority = await startAuthority();
const maker = await startAuthority("TPM maker");
afterAll(() => {
  authority.remove();
  maker.remove();
});

type Keys = { readonly evidence: TpmKey; readonly attestation: TpmKey };

const evidenceUse = (keys: Keys) => ({ key: keys.evidence, auth: EVIDENCE_AUTH });
const attestationUse = (keys: Keys) => ({ key: keys.attestation, auth: ATTESTATION_AUTH });

/** Field 4 of a key bundle. */
async function attestKeys(tpm: Tpm, keys: Keys): Promise<KeyAttestation> {
  const made = await certifyKey(tpm, evidenceUse(keys), attestationUse(keys), NO_AUTH);
  const { attest: certifyInfo, signature } = valueOf(made);
  const { evidence, attestation } = keys;
  return {
    attester: attestation.publicArea,
    certifyInfo,
    signature,
    certified: evidence.publicArea,
  };
}

/** What a gateway sends to be enrolled; its endorsement key has a certificate of the maker. */
async function requestOf(
  tpm: Tpm,
  { attestation }: Keys,
  handle: number | null,
): Promise<EnrolmentRequest> {
  const { publicArea } = valueOf(await readEndorsementKey(tpm, { handle, auth: NO_AUTH }));
  const parsed = parseEndorsementPublic(publicArea);
  if (!parsed.ok) throw new Error(`endorsement key: ${parsed.fault.code}`);
  const spki = keyObjectOf(parsed.value).export({ type: "spki", format: "der" });
  const request = {
    gateway: "gw-7",
    attester: attestation.publicArea,
    endorsementKey: publicArea,
    endorsement: await maker.issue({ spki, commonName: "TPM 4711" }),
    software: false,
  };
  const read = decodeRequest(encodeRequest(request));
  expect(read).toEqual(request);
  return request;
}

/** Request, certificate, credential and back: the chain that only this TPM can open. */
async function enrolKeys(
  tpm: Tpm,
  keys: Keys,
  handle: number | null = null,
): Promise<Pick<KeyBundle, "certificates" | "endorsement">> {
  const request = await requestOf(tpm, keys, handle);
  const enrolled = await enrol(authority.folder, request, [maker.root]);
  expect(enrolled.isHardware).toBe(true);
  const answer = decodeAnswer(encodeAnswer(enrolled.answer));
  if (answer === null) throw new Error("the answer cannot be read");
  const endorsement = { handle, auth: NO_AUTH };
  const value = valueOf(await openCredential(tpm, attestationUse(keys), endorsement, answer));
  return { certificates: openAnswer(answer, value), endorsement: request.endorsement };
}

/** The permit 4 with its outcome 5 under a checkpoint that the TPM signed. */
async function signedBundle(tpm: Tpm, key: KeyBundle, keys: Keys): Promise<ProofBundle> {
  const { spki } = key;
  const unsigned = { spki, sign: () => new Uint8Array(64) };
  const { bundle } = makeBundle(sampleLog(0, 11), [4, 5], unsigned);
  const read = readCheckpoint(bundle.checkpoint);
  if (!read.ok) throw new Error(read.why);
  const draft = draftCheckpoint(read.checkpoint.claim, read.checkpoint.root);
  const digest = new Uint8Array(sha256(draft.toBeSigned));
  const signature = valueOf(await signDigest(tpm, evidenceUse(keys), digest));
  return { ...bundle, checkpoint: finishCheckpoint(draft, signature, null), key };
}

function bothSay(bundle: ProofBundle): readonly string[] {
  const report = check(bundle, { roots: [authority.root] });
  const python = checkByPython(encodeBundle(bundle), authority.pem);
  expect([python.code, ...python.lines]).toEqual([report.ok ? 0 : 1, ...checkLines(report)]);
  return report.checks
    .filter(({ status }) => status === "FAIL")
    .map(({ id, why }) => `${id}: ${why ?? ""}`);
}

describe("a bundle signed by a TPM", () => {
  it("is made, enrolled and checked against the authority's root, and nothing else in its place passes", async () => {
    const { tpm, chip } = await startTpmRig();
    const keys = await makeKeys(tpm);
    const attestation = await attestKeys(tpm, keys);
    const spki = spkiOf(keys.evidence.area);
    const enrolled = await enrolKeys(tpm, keys);
    const key = { spki, ...enrolled, attestation, validSeq: null, software: false };
    const bundle = await signedBundle(tpm, key, keys);
    expect(bothSay(bundle)).toEqual([]);

    const folder = dirname(chip.path);
    const [file, trust] = [join(folder, "proof.cbor"), join(folder, "root.pem")];
    writeFileSync(file, encodeBundle(bundle));
    writeFileSync(trust, authority.pem);
    const said: string[] = [];
    const sink = { write: (text: string) => said.push(text) };
    const command = { directory: file, replay: false, profile: null, trust, json: false };
    const out = { write: (text: string): void => void sink.write(text) };
    expect(await verifyBundleFile(command, { out, err: out })).toBe(0);
    expect(said.join("")).toMatch(/^PASS {9}the key was made in a TPM and cannot leave it/m);

    const byItself = valueOf(await certifyKey(tpm, evidenceUse(keys), evidenceUse(keys), NO_AUTH));
    const own = {
      ...attestation,
      attester: keys.evidence.publicArea,
      certifyInfo: byItself.attest,
      signature: byItself.signature,
    };
    expect(bothSay({ ...bundle, key: { ...key, attestation: own } })[0]).toMatch(
      /^attributes: the attestation key has 0x00040472, not 0x00050472/,
    );
    const ofAnother = valueOf(
      await certifyKey(tpm, attestationUse(keys), attestationUse(keys), NO_AUTH),
    );
    const swapped = {
      ...attestation,
      certifyInfo: ofAnother.attest,
      signature: ofAnother.signature,
    };
    expect(bothSay({ ...bundle, key: { ...key, attestation: swapped } })).toEqual([
      "certified: the attest is about another key than the one given",
    ]);
    // The other way round the TPM itself says no: a restricted key signs nothing from outside.
    expect(faultIn(await signDigest(tpm, attestationUse(keys), sha256(spki))).kind).toBe("refused");
  });

  it("cannot be had with another TPM's answer, nor under its keys", async () => {
    const { tpm } = await startTpmRig();
    const keys = await makeKeys(tpm);
    const stranger = await startTpmRig();
    const others = await makeKeys(stranger.tpm);
    const request = await requestOf(tpm, keys, null);
    const { answer } = await enrol(authority.folder, request, null);
    const endorsement = { handle: null, auth: NO_AUTH };
    const opened = await openCredential(stranger.tpm, attestationUse(others), endorsement, answer);
    expect(faultIn(opened).kind).toBe("refused");

    // All that the other gateway has, under this one's signature: both are good, and do not go together.
    const attestation = await attestKeys(stranger.tpm, others);
    const enrolled = await enrolKeys(stranger.tpm, others);
    const spki = spkiOf(keys.evidence.area);
    const key = { spki, ...enrolled, attestation, validSeq: null, software: false };
    expect(bothSay(await signedBundle(tpm, key, keys))).toEqual([
      "certified: the certified key is not the one that signs here",
    ]);
  });

  it("is enrolled by an endorsement key that is kept, here an RSA one of tpm2-tools", async () => {
    const { tpm, chip, root } = await startTpmRig();
    const keys = await makeKeys(tpm);
    expect(await tpm.release()).toEqual({ ok: true, value: null });
    tpm.close();
    await runTool("tpm2_createek", ["-Q", "-T", chip.tcti, "-G", "rsa", "-c", "0x81010001"]);
    const next = openTestTpm(openSocketChannel({ path: chip.path }, 10_000), root.name);
    const { certificates } = await enrolKeys(next, keys, 0x81010001);
    expect(certificates).toHaveLength(2);
  });

  it("holds public areas that tpm2-tools read and an attest that openssl verifies", async () => {
    const { tpm, chip } = await startTpmRig();
    const keys = await makeKeys(tpm);
    const { certifyInfo, signature, attester, certified } = await attestKeys(tpm, keys);
    const folder = dirname(chip.path);
    const file = (name: string, content: Uint8Array | string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    for (const [name, area] of [["attester", attester] as const, ["key", certified] as const]) {
      const text = await runTool("tpm2_print", ["-t", "TPMT_PUBLIC", file(name, area)]);
      expect(text).toContain("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda");
    }
    const spki = Buffer.from(spkiOf(keys.attestation.area));
    const pem = createPublicKey({ key: spki, format: "der", type: "spki" });
    const key = file("ak.pem", pem.export({ type: "spki", format: "pem" }));
    const der = file("signature", derOf(signature));
    const args = [
      "dgst",
      "-sha256",
      "-verify",
      key,
      "-signature",
      der,
      file("attest", certifyInfo),
    ];
    expect(await runTool("openssl", args)).toContain("Verified OK");
  });
});

/** ECDSA-Sig-Value of r || s. */
function derOf(signature: Uint8Array): Uint8Array {
  const numbers = [signature.subarray(0, 32), signature.subarray(32)].flatMap((half) => {
    const digits = [...half];
    while (digits.length > 1 && digits[0] === 0) digits.shift();
    if ((digits[0] ?? 0) >= 0x80) digits.unshift(0);
    return [0x02, digits.length, ...digits];
  });
  return Uint8Array.from([0x30, numbers.length, ...numbers]);
}
