import { appendFileSync, cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  launch,
  makeSite,
  runCli,
  startPlant,
  startSite,
  untilEnforcing,
  type LiveGateway,
  type LiveSite,
} from "../support/live-gateway.js";
import { startProvisioned, type ProvisionedTpm } from "../support/tpm-process.js";

describe("a gateway with a TPM", () => {
  it("anchors its log at its beginning and end, and is locked out on an older copy of it until a person accepts that [HP-150 allows] [HP-152 refuses]", async () => {
    const { site, tpm } = await startTpmSite();
    const first = await startSite(site);
    await untilDone(first.port, writePdu(41, 1));
    expect((await first.status()).evidence.flash).toMatch(/of 100000 writes used; .* years left/);
    expect(await first.stop()).toMatchObject({ code: 0 });
    const bundle = join(site.folder, "key.cbor");
    expect(await runCli(["key", "attest", tpm.directory, "--out", bundle])).toMatchObject({
      code: 0,
    });
    const args = ["evidence", "verify", site.evidence, "--json"];
    const verified = await runCli([...args, "--key-bundle", bundle]);
    const report = JSON.parse(verified.output) as unknown;
    expect(report).toMatchObject({ ok: true, uncovered: 0 });
    expect(checkOf(report, "anchors")).toMatchObject({ status: "PASS", looked: 2 });
    expect(checkOf(report, "anchor-signatures")).toMatchObject({ status: "PASS", looked: 2 });
    const bare = JSON.parse((await runCli(args)).output) as unknown;
    expect(checkOf(bare, "anchor-signatures")).toMatchObject({ status: "NOT PRESENT" });

    const copy = join(site.folder, "copy");
    cpSync(site.evidence, copy, { recursive: true });
    const second = await startSite(site);
    expect(await second.stop()).toMatchObject({ code: 0 });
    rmSync(site.evidence, { recursive: true });
    cpSync(copy, site.evidence, { recursive: true });
    const third = launch(site);
    await inMode(third, "locked-out");
    expect(third.output()).toMatch(/ALARM log: .* anchors are gone; locked out until accept-log/);
    await runCli(["accept-log", "--site", site.siteFile, "--why", "restored from a copy"]);
    await inMode(third, "safe-state");
    expect(await third.stop()).toMatchObject({ code: 0 });
    const after = JSON.parse((await runCli(args)).output) as unknown;
    expect(checkOf(after, "anchors")).toMatchObject({ status: "FAIL" });
  });

  it("is locked out on an older copy as well when its TPM comes only later in the run [HP-152 refuses]", async () => {
    const { site, tpm } = await startTpmSite();
    expect(await (await startSite(site)).stop()).toMatchObject({ code: 0 });
    const copy = join(site.folder, "copy");
    cpSync(site.evidence, copy, { recursive: true });
    expect(await (await startSite(site)).stop()).toMatchObject({ code: 0 });
    rmSync(site.evidence, { recursive: true });
    cpSync(copy, site.evidence, { recursive: true });
    await tpm.chip.kill();
    const late = launch(site);
    await inMode(late, "starting");
    await tpm.chip.start();
    await inMode(late, "locked-out");
    expect(late.output()).toMatch(/start the gateway anew with its TPM there, then accept-log/);
    expect(await late.stop()).toMatchObject({ code: 0 });
    const again = launch(site);
    await inMode(again, "locked-out");
    expect(again.output()).toMatch(/ALARM log: .*; locked out until accept-log/);
    await runCli(["accept-log", "--site", site.siteFile, "--why", "restored from a copy"]);
    await inMode(again, "safe-state");
    expect(await again.stop()).toMatchObject({ code: 0 });
  });

  it("comes up again after it was killed with its TPM, whose counter jumped [HP-152 allows]", async () => {
    const { site, tpm } = await startTpmSite();
    const first = await startSite(site);
    await untilDone(first.port, writePdu(41, 1));
    process.kill(await first.guardPid(), "SIGKILL");
    await tpm.chip.kill();
    await tpm.chip.start();
    // The launcher starts another guard, as after any crash.
    await eventually("the log is taken as it is", () =>
      first.output().includes("boot 2: UNSIGNED") ? true : null,
    );
    await untilEnforcing(first);
    expect(first.output()).not.toMatch(/ALARM log/);
    expect(await first.stop()).toMatchObject({ code: 0 });
    const verified = await runCli(["evidence", "verify", site.evidence, "--json"]);
    expect(JSON.parse(verified.output)).toMatchObject({ ok: true, uncovered: 0 });
  });
});

async function startTpmSite(): Promise<{ readonly site: LiveSite; readonly tpm: ProvisionedTpm }> {
  const tpm = await startProvisioned();
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  appendFileSync(site.siteFile, `tpm: {keys: ${tpm.directory}}\n`);
  return { site, tpm };
}

async function inMode(gateway: LiveGateway, mode: string): Promise<void> {
  await eventually(
    () => `it is in ${mode}; it said ${gateway.output()}`,
    async () => ((await gateway.status().catch(() => null))?.mode === mode ? true : null),
  );
}

function checkOf(report: unknown, check: string): unknown {
  if (typeof report !== "object" || report === null || !("checks" in report)) return null;
  const { checks } = report;
  if (!Array.isArray(checks)) return null;
  return (checks as readonly unknown[]).find(
    (each) => typeof each === "object" && each !== null && "id" in each && each.id === check,
  );
}
