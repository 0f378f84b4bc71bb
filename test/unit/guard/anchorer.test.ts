import { describe, expect, it } from "vitest";
import { ANCHORS_AN_HOUR } from "../../../src/guard/evidence/anchorer.js";
import { EVERY_US, runAnchored, startRun } from "../../support/anchored-log.js";
import { verifyLog } from "../../support/attacked-log.js";
import { ForgetfulDisk } from "../../support/evidence-disk.js";
import { failed, settle } from "../../support/evidence-rig.js";
import { FakeTpm } from "../../support/fake-tpm.js";

describe("anchors", () => {
  it("stand at the beginning and the end of a run, and once an interval while something is new [HP-150 allows]", async () => {
    const { disk, tpm, run } = await begin();
    expect(tpm.writes).toBe(1);
    run.clock.advance(EVERY_US);
    await settle();
    // The checkpoint over the first anchor's own entry is nothing new.
    expect(tpm.writes).toBe(1);
    await run.work();
    run.clock.advance(EVERY_US);
    await settle();
    expect(tpm.writes).toBe(2);
    await run.work();
    await run.end();
    expect(tpm.writes).toBe(3);
    const report = verifyLog(disk.files(), { attester: tpm.attester });
    expect(failed(report)).toEqual([]);
    expect(lookedAt(report, "anchors")).toBe(3);
    expect(lookedAt(report, "anchor-signatures")).toBe(3);
    expect(report.uncovered).toBe(0);
  });

  it("that fail are said once, tried again later and later, and use up no second write", async () => {
    const { disk, tpm, run } = await begin();
    const certify = tpm.certify.bind(tpm);
    tpm.certify = () => {
      throw new Error("the chip is busy");
    };
    await run.work();
    run.clock.advance(EVERY_US);
    await settle();
    for (let minute = 0; minute < 30; minute += 1) {
      run.clock.advance(60_000_000);
      await settle();
    }
    expect(tpm.writes).toBe(2);
    tpm.certify = certify;
    run.clock.advance(EVERY_US);
    await settle();
    expect(run.reports).toEqual([
      "evidence: no anchor was made (the chip is busy); it is tried again",
      "evidence: anchors are made again",
    ]);
    await run.end();
    expect(failed(verifyLog(disk.files(), { attester: tpm.attester }))).toEqual([]);
  });

  it("hold up nothing while the TPM does not answer, and the end of a run for 4 s at most", async () => {
    const never = new Promise<never>(() => undefined);
    const slow = await startSilent({
      ...new FakeTpm().anchors(),
      raise: async () => await never,
    });
    slow.anchorer.start();
    await slow.work();
    expect(slow.durable.at(-1)).toBe(slow.store.head().nextSeq - 1);
    const ended = slow.anchorer.close();
    for (let second = 0; second < 4; second += 1) {
      slow.clock.advance(1_000_000);
      await settle();
    }
    await ended;
    await slow.store.close();
  });

  it("are not recorded when the TPM certified another value or other bytes", async () => {
    const { disk, tpm, run } = await begin();
    const certify = tpm.certify.bind(tpm);
    tpm.certify = (of, by) => certify({ ...of, value: of.value + 1 }, by);
    await run.work();
    run.clock.advance(EVERY_US);
    await settle();
    tpm.certify = (of, by) => certify({ ...of, qualifying: new Uint8Array(32) }, by);
    run.clock.advance(EVERY_US);
    await settle();
    expect(run.reports).toEqual([
      "evidence: no anchor was made (the TPM certified something else); it is tried again",
    ]);
    await run.store.close();
    expect(lookedAt(verifyLog(disk.files()), "anchors")).toBe(1);
  });

  it("are spared however often the gateway is started: so many an hour and no more [HP-151 refuses]", async () => {
    const disk = new ForgetfulDisk();
    const tpm = new FakeTpm();
    for (let boot = 1; boot <= 2 * ANCHORS_AN_HOUR; boot += 1) {
      await runAnchored(disk, tpm, { boot, rounds: 0 });
    }
    expect(tpm.writes).toBe(ANCHORS_AN_HOUR);
    const last = await runAnchored(disk, tpm, { boot: 17, rounds: 0 });
    expect(last.lost).toBeNull();
    expect(last.reports).toEqual([
      "evidence: 8 anchors were made within the hour; the next one waits, to spare the TPM's flash",
    ]);
    expect(failed(verifyLog(disk.files(), { attester: tpm.attester }))).toEqual([]);
  });
});

async function begin() {
  const disk = new ForgetfulDisk();
  const tpm = new FakeTpm();
  const run = await startRun(disk, tpm, { boot: 1 });
  run.anchorer.start();
  await settle();
  return { disk, tpm, run };
}

async function startSilent(key: ReturnType<FakeTpm["anchors"]>) {
  const tpm = new FakeTpm();
  const signer = tpm.signer();
  tpm.signer = () => ({ ...signer, anchors: key });
  return await startRun(new ForgetfulDisk(), tpm, { boot: 1 });
}

function lookedAt(report: ReturnType<typeof verifyLog>, check: string): number {
  return report.checks.find(({ id }) => id === check)?.looked ?? -1;
}
