import { describe, expect, it } from "vitest";
import { openDeviceChannel } from "../../../../src/adapters/tpm/device-channel.js";
import { signDigest } from "../../../../src/adapters/tpm/keys.js";
import { startSoftwareTpm } from "../../../support/swtpm.js";
import { openDevice } from "../../../support/tpm-device.js";
import { EVIDENCE_AUTH, faultIn, makeKeys, openTestTpm } from "../../../support/tpm-rig.js";
import { provisionRoot, valueOf } from "../../../support/tpm-rig.js";

const DIGEST = new Uint8Array(32).fill(3);

describe("a TPM device", () => {
  it("makes keys and signs, and is given up in time when it hangs", async () => {
    const chip = await startSoftwareTpm();
    const root = await provisionRoot(chip.path);
    const channel = openDeviceChannel(500, await openDevice(chip.path));
    const tpm = openTestTpm(channel, root.name);
    const { evidence } = await makeKeys(tpm);
    const use = { key: evidence, auth: EVIDENCE_AUTH };
    expect(valueOf(await signDigest(tpm, use, DIGEST))).toHaveLength(64);
    chip.freeze();
    expect(faultIn(await signDigest(tpm, use, DIGEST))).toMatchObject({
      kind: "unknown",
      says: "the TPM did not answer in time",
    });
    expect(faultIn(await signDigest(tpm, use, DIGEST))).toMatchObject({
      kind: "not-done",
      says: "the TPM is still at work on a command that was given up",
    });
    chip.thaw();
    await expect
      .poll(async () => (await signDigest(tpm, use, DIGEST)).ok, { timeout: 20_000 })
      .toBe(true);
  });

  it("that is not there is a fault that names it", async () => {
    const tpm = openTestTpm(openDeviceChannel(500, "/dev/no-such-tpm"), DIGEST);
    const fault = faultIn(
      await signDigest(tpm, { key: { handle: 1, name: DIGEST }, auth: DIGEST }, DIGEST),
    );
    expect(fault.kind).toBe("not-done");
    expect(fault.says).toContain("/dev/no-such-tpm");
  });

  it("that gives no response is a fault", async () => {
    const tpm = openTestTpm(openDeviceChannel(500, "/dev/null"), DIGEST);
    const fault = faultIn(
      await signDigest(tpm, { key: { handle: 1, name: DIGEST }, auth: DIGEST }, DIGEST),
    );
    expect(fault.kind).toBe("unknown");
    const zeros = openTestTpm(openDeviceChannel(500, "/dev/zero"), DIGEST);
    const wrong = faultIn(
      await signDigest(zeros, { key: { handle: 1, name: DIGEST }, auth: DIGEST }, DIGEST),
    );
    expect(wrong.kind).toBe("malformed");
  });
});
