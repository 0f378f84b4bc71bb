import { describe, expect, it } from "vitest";
import { compareWithTpm } from "../../../src/guard/evidence/compare.js";
import { runAnchored, startRun } from "../../support/anchored-log.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { openOn, settle } from "../../support/evidence-rig.js";
import { FakeTpm, JUMP } from "../../support/fake-tpm.js";

/** A log of two runs with their anchors, on a disk that may be copied; and the same after its first run. */
async function makeLog(
  segmentBytesMax?: number,
): Promise<{ readonly disk: ForgetfulDisk; readonly tpm: FakeTpm; readonly early: ForgetfulDisk }> {
  const disk = new ForgetfulDisk();
  const tpm = new FakeTpm();
  const given = segmentBytesMax === undefined ? {} : { segmentBytesMax };
  await runAnchored(disk, tpm, { boot: 1, ...given });
  const early = disk.crash();
  await runAnchored(disk, tpm, { boot: 2, ...given });
  return { disk, tpm, early };
}

/** What a boot on this disk, with this TPM, would say; it writes nothing. */
async function lostOn(disk: ForgetfulDisk, tpm: FakeTpm): Promise<string | null> {
  const { recovered } = await openOn(disk.crash(), { signer: tpm.signer() });
  return compareWithTpm(recovered.standing, tpm.signer(), tpm.anchors()).lost;
}

describe("a log held against the TPM's counters at boot", () => {
  it("is taken as it is when new, after an orderly end, and after whatever a crash may leave [HP-152 allows]", async () => {
    expect(await lostOn(new ForgetfulDisk(), new FakeTpm())).toBeNull();
    const { disk, tpm } = await makeLog();
    expect(await lostOn(disk, tpm)).toBeNull();
    // Raised for a checkpoint, and for an anchor, that were never written.
    tpm.orderly += 1;
    tpm.flash += 1;
    expect(await lostOn(disk, tpm)).toBeNull();
  });

  it("is lost when checkpoints are gone that no crash explains [HP-152 refuses]", async () => {
    const { disk, tpm } = await makeLog();
    tpm.orderly += 2;
    expect(await lostOn(disk, tpm)).toMatch(/checkpoints are gone \(1 may be missing/);
  });

  it("may lag by as far as the counter jumps after a loss of power, and no further", async () => {
    const { disk, tpm } = await makeLog();
    tpm.losePower();
    expect(await lostOn(disk, tpm)).toBeNull();
    // Its next loss of power finds it where the last one left it.
    tpm.losePower();
    expect(await lostOn(disk, tpm)).toBeNull();
    tpm.orderly += 2 * JUMP;
    expect(await lostOn(disk, tpm)).toMatch(/after a crash and a loss of power/);
  });

  it("may lag by one checkpoint for each run that wrote none", async () => {
    const disk = new ForgetfulDisk();
    const tpm = new FakeTpm();
    await runAnchored(disk, tpm, { boot: 1 });
    const signer = tpm.signer();
    const refuse = async (): Promise<never> => await Promise.reject(new Error("the TPM is gone"));
    tpm.signer = () => ({ ...signer, anchors: tpm.anchors(), sign: refuse });
    const before = tpm.orderly;
    let crashed = disk;
    for (let boot = 2; boot <= 3; boot += 1) {
      crashed = crashed.crash();
      const run = await startRun(crashed, tpm, { boot });
      // However often it is tried again, one value is enough.
      for (let second = 0; second < 5; second += 1) await run.work();
    }
    expect(tpm.orderly).toBe(before + 2);
    expect(await lostOn(crashed, tpm)).toBeNull();
    tpm.orderly += 1;
    expect(await lostOn(crashed, tpm)).toBeNull();
    tpm.orderly += 1;
    expect(await lostOn(crashed, tpm)).toMatch(/checkpoints are gone/);
  });

  it("is lost when it is an older copy of itself, by the counter in flash alone too", async () => {
    const { tpm, early } = await makeLog();
    expect(await lostOn(early, tpm)).toMatch(/1 or more anchors are gone/);
    tpm.losePower();
    expect(await lostOn(early, tpm)).toMatch(/1 or more anchors are gone/);
  });

  it("is lost when nothing of it is there any more, as the counters were made lower", async () => {
    const { tpm } = await makeLog();
    expect(await lostOn(new ForgetfulDisk(), tpm)).toMatch(/anchors are gone/);
  });

  it("is not of this TPM when a counter stands below it, or another key signed", async () => {
    const { disk, tpm } = await makeLog();
    const { flash, orderly } = tpm;
    tpm.flash = flash - 1;
    expect(await lostOn(disk, tpm)).toMatch(/it is another TPM, or was set back/);
    tpm.flash = flash;
    tpm.orderly = orderly - 1;
    expect(await lostOn(disk, tpm)).toMatch(/it is another TPM, or was set back/);
    const other = new FakeTpm(flash, orderly);
    expect(await lostOn(disk, other)).toMatch(/not of this TPM's attestation key/);
  });

  it("is known through the link of a segment that has neither checkpoint nor anchor yet", async () => {
    const disk = new ForgetfulDisk();
    const tpm = new FakeTpm();
    const run = await startRun(disk, tpm, { boot: 1, segmentBytesMax: 3_000 });
    run.anchorer.start();
    await settle();
    for (let round = 0; round < 6; round += 1) await run.work();
    expect(run.links.length).toBeGreaterThan(1);
    const link = run.links.at(-1);
    expect(link?.anchor?.kind).toBe("nv-certify");
    expect(link?.counted).not.toBeNull();
    const names = [...disk.files().keys()].filter((name) => name.endsWith(".cborseq")).sort();
    expect(names.length).toBeGreaterThan(2);
    const { recovered } = await openOn(disk.crash(), { signer: tpm.signer() });
    expect(recovered.standing.anchor).not.toBeNull();
    expect(await lostOn(disk, tpm)).toBeNull();
    tpm.flash += 2;
    expect(await lostOn(disk, tpm)).toMatch(/anchors are gone/);
  });

  it("takes no checkpoint or anchor for its own that was made up to reach the counter", async () => {
    const { early, tpm } = await makeLog();
    const attacker = new FakeTpm(tpm.flash - 1, tpm.orderly - 3);
    // With the attacker's keys a log that reaches both counters is easily written on.
    const forged = early.crash();
    await runAnchored(forged, attacker, { boot: 2, rounds: 1 });
    expect(await lostOn(forged, tpm)).toMatch(/not of this TPM's attestation key/);
  });
});
