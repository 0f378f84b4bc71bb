import { execFile } from "node:child_process";
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  attestTime,
  certifyKey,
  openCredential,
  quotePcrs,
  readEndorsementKey,
} from "../../../../src/adapters/tpm/attestation.js";
import { certifyCounter, defineCounter } from "../../../../src/adapters/tpm/counters.js";
import type { TpmKey } from "../../../../src/adapters/tpm/keys.js";
import { openSocketChannel } from "../../../../src/adapters/tpm/socket-channel.js";
import { parseAttest, type Attest, type SignedAttest } from "../../../../src/codec/tpm2/attest.js";
import { TpmWriter } from "../../../../src/codec/tpm2/writer.js";
import { hexOf } from "../../../support/hex.js";
import { ATTESTATION_AUTH, EVIDENCE_AUTH, faultIn, makeKeys } from "../../../support/tpm-rig.js";
import { NO_AUTH, openTestTpm, startTpmRig, valueOf } from "../../../support/tpm-rig.js";

const run = promisify(execFile);
const QUALIFYING = new Uint8Array(32).fill(0x5a);

/** The attest structure, once its signature holds under the attestation key. */
function checked(signed: SignedAttest, signer: TpmKey): Attest {
  const { x, y } = signer.area;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: base64(x), y: base64(y) };
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const options = { key, dsaEncoding: "ieee-p1363" as const };
  expect(verify("sha256", signed.attest, options, signed.signature)).toBe(true);
  const parsed = parseAttest(signed.attest);
  if (!parsed.ok) throw new Error(`attest: ${parsed.fault.code} at ${parsed.fault.at}`);
  expect(hexOf(parsed.value.qualifying)).toBe(hexOf(QUALIFYING));
  return parsed.value;
}

describe("attestation", () => {
  it("certifies the evidence key by its Name, a counter with its value, PCRs and the clock", async () => {
    const { tpm } = await startTpmRig();
    const { evidence, attestation } = await makeKeys(tpm);
    const object = { key: evidence, auth: EVIDENCE_AUTH };
    const signer = { key: attestation, auth: ATTESTATION_AUTH };
    const key = checked(valueOf(await certifyKey(tpm, object, signer, QUALIFYING)), attestation);
    expect(key.attested).toMatchObject({ kind: "certify" });
    if (key.attested.kind === "certify")
      expect(hexOf(key.attested.name)).toBe(hexOf(evidence.name));
    // Under the endorsement hierarchy these are the chip's own numbers, not obfuscated ones.
    expect(key.clock).toMatchObject({ resetCount: 1, restartCount: 0, safe: true });

    const counter = { index: 0x01500010, kind: "flash" as const, auth: EVIDENCE_AUTH };
    const value = valueOf(await defineCounter(tpm, counter, NO_AUTH));
    const nv = checked(
      valueOf(await certifyCounter(tpm, counter, signer, QUALIFYING)),
      attestation,
    );
    const contents = value.toString(16).padStart(16, "0");
    expect(nv.attested.kind === "nv" && hexOf(nv.attested.contents)).toBe(contents);

    const pcrs = checked(valueOf(await quotePcrs(tpm, signer, QUALIFYING, [0, 23])), attestation);
    expect(pcrs.attested).toMatchObject({ kind: "quote", selections: [{ pcrs: [0, 23] }] });
    const time = checked(valueOf(await attestTime(tpm, signer, QUALIFYING, NO_AUTH)), attestation);
    expect(time.attested).toMatchObject({ kind: "time", clock: { resetCount: 1 } });
  });

  it("opens a credential that tpm2_makecredential made for this key and this TPM", async () => {
    const { tpm, chip } = await startTpmRig();
    const { attestation, evidence } = await makeKeys(tpm);
    const endorsement = { handle: null, auth: NO_AUTH };
    const { publicArea } = valueOf(await readEndorsementKey(tpm, endorsement));
    const secret = randomBytes(32);
    const credential = await makeCredential(dirname(chip.path), {
      publicArea,
      secret,
      attestation,
    });
    const object = { key: attestation, auth: ATTESTATION_AUTH };
    const opened = valueOf(await openCredential(tpm, object, endorsement, credential));
    expect(hexOf(opened)).toBe(hexOf(secret));
    const other = { key: evidence, auth: EVIDENCE_AUTH };
    expect(faultIn(await openCredential(tpm, other, endorsement, credential)).kind).toBe("refused");
    // Nothing was left loaded: it goes on working.
    for (let i = 0; i < 4; i += 1) {
      expect(await openCredential(tpm, object, endorsement, credential)).toMatchObject({
        ok: true,
      });
    }
  });

  it("opens one for an endorsement key that is kept, here an RSA one of tpm2-tools", async () => {
    const { tpm, chip, root } = await startTpmRig();
    const { attestation } = await makeKeys(tpm);
    expect(await tpm.release()).toEqual({ ok: true, value: null });
    tpm.close();
    await run("tpm2_createek", ["-Q", "-T", chip.tcti, "-G", "rsa", "-c", "0x81010001"]);
    const next = openTestTpm(openSocketChannel({ path: chip.path }, 10_000), root.name);
    const endorsement = { handle: 0x81010001, auth: NO_AUTH };
    const { publicArea } = valueOf(await readEndorsementKey(next, endorsement));
    expect(publicArea.subarray(0, 2)).toEqual(Uint8Array.of(0, 1));
    const secret = randomBytes(16);
    const credential = await makeCredential(dirname(chip.path), {
      publicArea,
      secret,
      attestation,
    });
    const object = { key: attestation, auth: ATTESTATION_AUTH };
    const opened = valueOf(await openCredential(next, object, endorsement, credential));
    expect(hexOf(opened)).toBe(hexOf(secret));
  });
});

async function makeCredential(
  folder: string,
  made: {
    readonly publicArea: Uint8Array;
    readonly secret: Uint8Array;
    readonly attestation: TpmKey;
  },
): Promise<{ readonly blob: Uint8Array; readonly secret: Uint8Array }> {
  const file = (name: string): string => join(folder, name);
  writeFileSync(file("ek.pub"), new TpmWriter().sized(made.publicArea).done());
  writeFileSync(file("secret"), made.secret);
  const name = hexOf(made.attestation.name) ?? "";
  const args = ["-Q", "-T", "none", "-u", file("ek.pub"), "-s", file("secret"), "-n", name];
  await run("tpm2_makecredential", [...args, "-o", file("credential")]);
  // tpm2-tools: eight bytes of its own, then the two TPM2B structures.
  const bytes = readFileSync(file("credential")).subarray(8);
  const blobEnd = 2 + bytes.readUInt16BE(0);
  return { blob: bytes.subarray(2, blobEnd), secret: bytes.subarray(blobEnd + 2) };
}
