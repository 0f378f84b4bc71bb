import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { openDeviceChannel } from "../../../../src/adapters/tpm/device-channel.js";
import { signDigest } from "../../../../src/adapters/tpm/keys.js";
import { pythonPeer } from "../../../support/peer-process.js";
import { startSoftwareTpm } from "../../../support/swtpm.js";
import { EVIDENCE_AUTH, faultIn, makeKeys, openTestTpm } from "../../../support/tpm-rig.js";
import { provisionRoot, valueOf } from "../../../support/tpm-rig.js";

const DIGEST = new Uint8Array(32).fill(3);

/** A character device that carries bytes to a TPM's socket. */
async function openDevice(socketPath: string): Promise<string> {
  const [program, script] = pythonPeer("tpm_device");
  const peer = spawn(program, [script, socketPath], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(peer, "exit");
  onTestFinished(async () => {
    peer.kill("SIGKILL");
    await exited;
  });
  for await (const line of createInterface({ input: peer.stdout })) {
    const path = /^device (.+)$/.exec(line)?.[1];
    if (path !== undefined) return path;
  }
  throw new Error("the device ended before it began");
}

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
