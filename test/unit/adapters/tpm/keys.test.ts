import { execFile } from "node:child_process";
import { createHash, createPublicKey, randomBytes, verify, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { readChip } from "../../../../src/adapters/tpm/chip.js";
import { findStorageRoot, makeEvidenceKey } from "../../../../src/adapters/tpm/keys.js";
import { readKey, removeKey, signDigest } from "../../../../src/adapters/tpm/keys.js";
import { openSocketChannel } from "../../../../src/adapters/tpm/socket-channel.js";
import { TPM_OBJECTS, type EccPublic } from "../../../../src/codec/tpm2/public-area.js";
import { hexOf } from "../../../support/hex.js";
import { startSoftwareTpm } from "../../../support/swtpm.js";
import { ATTESTATION_AUTH, EVIDENCE_AUTH, faultIn, makeKeys } from "../../../support/tpm-rig.js";
import { NO_AUTH, openTestTpm, provisionRoot, startTpmRig } from "../../../support/tpm-rig.js";
import { valueOf } from "../../../support/tpm-rig.js";

const run = promisify(execFile);
const { storageRoot, evidenceKey, attestationKey } = TPM_OBJECTS;

describe("TPM keys", () => {
  it("are made once, read back, and sign what node:crypto verifies", async () => {
    const { tpm } = await startTpmRig();
    expect(valueOf(await readKey(tpm, evidenceKey))).toBeNull();
    const { evidence } = await makeKeys(tpm);
    expect(valueOf(await readKey(tpm, evidenceKey))).toEqual(evidence);
    const message = randomBytes(100);
    const digest = createHash("sha256").update(message).digest();
    for (let i = 0; i < 5; i += 1) {
      const use = { key: evidence, auth: EVIDENCE_AUTH };
      const signature = valueOf(await signDigest(tpm, use, digest));
      const key = { key: keyObject(evidence.area), dsaEncoding: "ieee-p1363" as const };
      expect(verify("sha256", message, key, signature)).toBe(true);
      expect(verify("sha256", randomBytes(100), key, signature)).toBe(false);
    }
  });

  it("are what tpm2-tools reads: same Name, exactly the attributes of the table", async () => {
    const { tpm, chip, root } = await startTpmRig();
    const { evidence, attestation } = await makeKeys(tpm);
    tpm.close();
    for (const [key, kind] of [
      [root, storageRoot],
      [evidence, evidenceKey],
      [attestation, attestationKey],
    ] as const) {
      const place = `0x${kind.handle.toString(16)}`;
      const { stdout } = await run("tpm2_readpublic", ["-T", chip.tcti, "-c", place]);
      expect(stdout).toContain(`name: ${hexOf(key.name) ?? ""}`);
      expect(Number(/^attributes:\n {2}value: .*\n {2}raw: (.*)$/m.exec(stdout)?.[1])).toBe(
        kind.attributes,
      );
      expect(stdout).toContain(`x: ${hexOf(key.area.x) ?? ""}`);
    }
  });

  it("say who made the chip", async () => {
    const { tpm } = await startTpmRig();
    expect(valueOf(await readChip(tpm))).toMatchObject({ manufacturer: "IBM", vendor: "SW   TPM" });
  });

  it("are not made over another, and are new after removal", async () => {
    const { tpm } = await startTpmRig();
    const { evidence } = await makeKeys(tpm);
    const again = faultIn(await makeEvidenceKey(tpm, EVIDENCE_AUTH, NO_AUTH));
    expect(again).toMatchObject({ kind: "refused", code: 0x14c });
    expect(valueOf(await readKey(tpm, evidenceKey))).toEqual(evidence);
    for (const kind of [evidenceKey, attestationKey]) {
      expect(await removeKey(tpm, kind, NO_AUTH)).toEqual({ ok: true, value: null });
      expect(valueOf(await readKey(tpm, kind))).toBeNull();
    }
    const next = await makeKeys(tpm);
    expect(hexOf(next.evidence.name)).not.toBe(hexOf(evidence.name));
  });

  it("do nothing with a wrong authorisation, and the next right one is served", async () => {
    const { tpm } = await startTpmRig();
    const { evidence } = await makeKeys(tpm);
    const wrong = await signDigest(tpm, { key: evidence, auth: NO_AUTH }, new Uint8Array(32));
    expect(faultIn(wrong)).toMatchObject({ kind: "refused", code: 0x9a2 });
    const right = { key: evidence, auth: EVIDENCE_AUTH };
    expect(valueOf(await signDigest(tpm, right, new Uint8Array(32)))).toHaveLength(64);
  });

  it("that are restricted sign nothing from outside", async () => {
    const { tpm } = await startTpmRig();
    const { attestation } = await makeKeys(tpm);
    const use = { key: attestation, auth: ATTESTATION_AUTH };
    expect(faultIn(await signDigest(tpm, use, new Uint8Array(32).fill(1))).kind).toBe("refused");
  });

  it("are refused when another object is at their handle", async () => {
    const { tpm, chip } = await startTpmRig();
    tpm.close();
    await keepOther(chip.tcti, "0x81010010");
    const next = openTestTpm(
      openSocketChannel({ path: chip.path }, 10_000),
      (await provisionRoot(chip.path)).name,
    );
    const fault = faultIn(await readKey(next, evidenceKey));
    expect(fault.kind).toBe("mismatch");
    expect(fault.says).toContain("0x81010010");
    expect(faultIn(await removeKey(next, evidenceKey, NO_AUTH)).kind).toBe("mismatch");
  });
});

describe("the storage root", () => {
  it("is the same each time it is looked for", async () => {
    const chip = await startSoftwareTpm();
    expect(await provisionRoot(chip.path)).toEqual(await provisionRoot(chip.path));
  });

  it("is refused when another object is in its place", async () => {
    const chip = await startSoftwareTpm();
    await keepOther(chip.tcti, "0x81000001");
    const tpm = openTestTpm(openSocketChannel({ path: chip.path }, 10_000), null);
    expect(faultIn(await findStorageRoot(tpm, NO_AUTH)).kind).toBe("mismatch");
  });

  it("of another TPM ends every operation: a swapped chip signs nothing", async () => {
    const { tpm } = await startTpmRig();
    const { evidence } = await makeKeys(tpm);
    const other = await startTpmRig();
    const swapped = openTestTpm(
      openSocketChannel({ path: other.chip.path }, 10_000),
      evidence.name,
    );
    other.tpm.close();
    const use = { key: evidence, auth: EVIDENCE_AUTH };
    const fault = faultIn(await signDigest(swapped, use, new Uint8Array(32)));
    expect(fault).toMatchObject({ kind: "mismatch" });
    expect(fault.says).toContain("another storage root");
  });

  it("that was never pinned gives no session", async () => {
    const chip = await startSoftwareTpm();
    const tpm = openTestTpm(openSocketChannel({ path: chip.path }, 10_000), null);
    expect(faultIn(await readKey(tpm, evidenceKey))).toMatchObject({ kind: "mismatch" });
  });
});

/** Some key that is none of ours, made by tpm2-tools. */
async function keepOther(tcti: string, place: string): Promise<void> {
  const context = `${tcti.slice("swtpm:path=".length)}.ctx`;
  await run("tpm2_createprimary", ["-Q", "-T", tcti, "-C", "o", "-G", "ecc", "-c", context]);
  await run("tpm2_evictcontrol", ["-Q", "-T", tcti, "-C", "o", "-c", context, place]);
}

function keyObject({ x, y }: EccPublic): KeyObject {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: base64(x), y: base64(y) };
  return createPublicKey({ key: jwk, format: "jwk" });
}
