import { appendFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  launch,
  makeSite,
  runCli,
  startPlant,
  startSite,
  within,
  type LiveGateway,
  type LiveSite,
} from "../support/live-gateway.js";
import { startProvisioned, testFolder, type ProvisionedTpm } from "../support/tpm-process.js";

describe("a gateway whose evidence a TPM signs", () => {
  it("raises the TPM's counter for each checkpoint, and says that a software TPM proves no hardware [HP-124 allows]", async () => {
    const { site } = await startTpmSite();
    const gateway = await startSite(site);
    await untilDone(gateway.port, writePdu(41, 7));
    const { evidence } = await gateway.status();
    expect(evidence.key).toBe("in a software TPM, proves no hardware");
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    const verified = await runCli(["evidence", "verify", site.evidence, "--json"]);
    expect(verified.code).toBe(0);
    const report = JSON.parse(verified.output) as unknown;
    expect(report).toMatchObject({ ok: true, keyKinds: ["tpm-software"], uncovered: 0 });
    expect(looked(report, "counters")).toBeGreaterThan(0);
    expect(looked(report, "counters")).toBe(looked(report, "signatures"));
  });

  it("goes on when the TPM dies, says so once, and signs all of it when it is back", async () => {
    const { site, tpm } = await startTpmSite();
    const gateway = await startSite(site);
    await untilDone(gateway.port, writePdu(41, 1));
    await tpm.chip.kill();
    await untilDone(gateway.port, writePdu(41, 2));
    await says(gateway, /was not signed/);
    await untilDone(gateway.port, writePdu(41, 3));
    await tpm.chip.start();
    await says(gateway, /checkpoints are signed again/);
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    expect(gateway.output().match(/was not signed/g)).toHaveLength(1);
    const verified = await runCli(["evidence", "verify", site.evidence, "--json"]);
    const report = JSON.parse(verified.output) as unknown;
    expect(report).toMatchObject({ ok: true, uncovered: 0 });
  });

  it("does not come up without it where it is required, and says why in a line [HP-124 refuses]", async () => {
    const { site, tpm } = await startTpmSite();
    await tpm.chip.kill();
    const gateway = launch(site);
    const ended = await within(() => `it ends; it said ${gateway.output()}`, gateway.ended);
    expect(ended.code).toBe(2);
    expect(ended.output).toMatch(/the TPM's keys cannot be used: .+\. Mend it/);
    expect(ended.output).not.toMatch(/^\s+at /m);
  });

  it("signs that run with the file key where it is only preferred, and says so", async () => {
    const plant = await startPlant();
    const site = await makeSite(plant.port);
    appendFileSync(site.siteFile, `tpm: {keys: ${testFolder()}, need: preferred}\n`);
    const gateway = await startSite(site);
    expect(gateway.output()).toMatch(/ALARM tpm: .*no .*tpm-key\.cbor.* file key/s);
    expect((await gateway.status()).evidence.key).toBe("software, not hardware");
    expect(await gateway.stop()).toMatchObject({ code: 0 });
  });
});

async function startTpmSite(): Promise<{ readonly site: LiveSite; readonly tpm: ProvisionedTpm }> {
  const tpm = await startProvisioned();
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  appendFileSync(site.siteFile, `tpm: {keys: ${tpm.directory}}\n`);
  return { site, tpm };
}

async function says(gateway: LiveGateway, text: RegExp): Promise<void> {
  await eventually(`it says ${text.source}`, () => (text.test(gateway.output()) ? true : null));
}

function looked(report: unknown, check: string): number {
  if (typeof report !== "object" || report === null || !("checks" in report)) return -1;
  const { checks } = report;
  if (!Array.isArray(checks)) return -1;
  for (const each of checks as readonly unknown[]) {
    if (typeof each !== "object" || each === null) continue;
    if ("id" in each && each.id === check && "looked" in each) return Number(each.looked);
  }
  return -1;
}
