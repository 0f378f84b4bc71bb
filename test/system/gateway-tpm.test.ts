import { appendFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { listSegments, readEntries, readSegment } from "../../src/cli/evidence-files.js";
import { verifyEvidence } from "../../src/cli/evidence-verify.js";
import { describeStatus } from "../../src/cli/status.js";
import type { GuardStatus } from "../../src/guard/status.js";
import { askOnce, untilDone, writePdu } from "../support/byte-client.js";
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
  type Plant,
} from "../support/live-gateway.js";
import { startSoftwareTpm } from "../support/swtpm.js";
import {
  provisionAt,
  startProvisioned,
  testFolder,
  type ProvisionedTpm,
} from "../support/tpm-process.js";

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
    await expectSound(site);
  });

  it("comes up without it where it is required, permits nothing, drives what a trip asks for, and permits once it has signed [HP-124 refuses] [HP-140 refuses] [HP-140 allows]", async () => {
    const { site, tpm, plant } = await startTpmSite();
    const first = await startSite(site);
    await untilDone(first.port, writePdu(41, 1));
    expect(await first.stop()).toMatchObject({ code: 0 });
    await tpm.chip.kill();
    plant.memory.co[0] = true;
    const gateway = launch(site);
    const status = await untilAlarm(gateway, "signing");
    expect(status).toMatchObject({ mode: "starting", evidence: { writable: false } });
    expect(describeStatus(status)).toMatch(/WAITS FOR A SIGNED CHECKPOINT/);
    expect(describeStatus(status)).toMatch(/until one is nothing is permitted/);
    expect(await askOnce(gateway.port, writePdu(41, 2))).toEqual([0x86, expect.any(Number)]);
    plant.memory.di[0] = true;
    await eventually("the trip closes the valve", () =>
      plant.memory.co[0] === false ? true : null,
    );
    plant.memory.di[0] = false;
    expect((await gateway.status()).mode).toBe("starting");
    await tpm.chip.start();
    await untilEnforcing(gateway);
    await untilDone(gateway.port, writePdu(41, 3));
    expect((await gateway.status()).alarms.map(({ id }) => id)).not.toContain("signing");
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
  });

  it("comes up without the record of its keys where they are required, permits nothing, drives what a trip asks for, and says what to do [HP-190]", async () => {
    const chip = await startSoftwareTpm();
    const plant = await startPlant();
    const site = await makeSite(plant.port);
    const keys = testFolder();
    appendFileSync(site.siteFile, `tpm: {keys: ${keys}}\n`);
    plant.memory.co[0] = true;
    const gateway = launch(site);
    const status = await untilAlarm(gateway, "signing");
    expect(status).toMatchObject({ mode: "starting", evidence: { writable: false } });
    expect(status.evidence.key).toMatch(/^NONE: /);
    const said = status.alarms.map(({ text }) => text).join();
    expect(said).toContain(`holdpoint key provision --out ${keys} makes it`);
    expect(said).toContain("start the gateway anew");
    expect(await askOnce(gateway.port, writePdu(41, 2))).toEqual([0x86, expect.any(Number)]);
    plant.memory.di[0] = true;
    await eventually("the trip closes the valve", () =>
      plant.memory.co[0] === false ? true : null,
    );
    plant.memory.di[0] = false;
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    expect(await keyEvents(site.evidence)).toEqual(["lost"]);
    await provisionAt(keys, { kind: "socket", path: chip.path });
    const mended = await startSite(site);
    await untilDone(mended.port, writePdu(41, 3));
    expect(await mended.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
    expect(await keyEvents(site.evidence)).toEqual(["lost", "made"]);
  });

  it("permits nothing while another running gateway signs by the same record, and does once that one is gone [HP-148 refuses] [HP-148 allows]", async () => {
    const { site, tpm } = await startTpmSite();
    const first = await startSite(site);
    await untilDone(first.port, writePdu(41, 1));
    const plant = await startPlant();
    const other = await makeSite(plant.port);
    appendFileSync(other.siteFile, `tpm: {keys: ${tpm.directory}}\n`);
    const second = launch(other);
    const { alarms } = await untilAlarm(second, "signing");
    expect(alarms.map(({ text }) => text).join()).toContain(
      `${tpm.directory} is in use by another running gateway: stop that one first`,
    );
    expect(await askOnce(second.port, writePdu(41, 2))).toEqual([0x86, expect.any(Number)]);
    await untilDone(first.port, writePdu(41, 3));
    expect(await second.stop()).toMatchObject({ code: 0 });
    expect(await first.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
    expect(await keyEvents(other.evidence)).toEqual(["lost"]);
    const again = await startSite(site);
    await untilDone(again.port, writePdu(41, 4));
    expect(await again.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
  });

  it("is locked out, with the safe state driven, by a TPM that is another one, and goes on with its own [HP-141 refuses]", async () => {
    const { site, tpm, plant } = await startTpmSite();
    const first = await startSite(site);
    expect(await first.stop()).toMatchObject({ code: 0 });
    await tpm.chip.kill();
    const giveBack = tpm.chip.exchange();
    await tpm.chip.start();
    await provisionAt(testFolder(), tpm.place);
    plant.memory.co[0] = true;
    const gateway = launch(site);
    const { mode } = await untilAlarm(gateway, "foreign-key");
    expect(mode).toBe("locked-out");
    await eventually("the valve is closed", () => (plant.memory.co[0] === false ? true : null));
    expect(await askOnce(gateway.port, writePdu(41, 2))).toEqual([0x86, expect.any(Number)]);
    await tpm.chip.kill();
    giveBack();
    await tpm.chip.start();
    await eventually("it signs", async () => {
      const { alarms } = await gateway.status();
      return alarms.length === 0 ? true : null;
    });
    // A TPM that is back takes nothing back: a person does.
    expect((await gateway.status()).mode).toBe("locked-out");
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
  });

  it("loses its key to a TPM that is exchanged while it runs, takes no signature of it, and goes on [HP-141 allows]", async () => {
    const { site, tpm } = await startTpmSite();
    const gateway = await startSite(site);
    await untilDone(gateway.port, writePdu(41, 1));
    await tpm.chip.kill();
    const giveBack = tpm.chip.exchange();
    await tpm.chip.start();
    await untilDone(gateway.port, writePdu(41, 2));
    await untilAlarm(gateway, "signing");
    await untilDone(gateway.port, writePdu(41, 3));
    expect((await gateway.status()).mode).toBe("enforcing");
    await tpm.chip.kill();
    giveBack();
    await tpm.chip.start();
    await says(gateway, /checkpoints are signed again/);
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
    expect(await keyEvents(site.evidence)).toEqual(["made", "lost", "back"]);
  });

  it("answers while the TPM takes a signature and never ends it: no permit waits for one [HP-142]", async () => {
    const { site, tpm } = await startTpmSite();
    const gateway = await startSite(site);
    tpm.chip.freeze();
    // Each of these wants a checkpoint within its second, and the TPM's process is killed after two.
    for (let value = 1; value <= 40; value += 1) await untilDone(gateway.port, writePdu(41, value));
    await untilAlarm(gateway, "signing");
    await untilDone(gateway.port, writePdu(41, 99));
    tpm.chip.thaw();
    await says(gateway, /checkpoints are signed again/);
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
  });

  it("begins unanchored where it is only preferred and away, says so, and is covered when it is back [HP-143]", async () => {
    const { site, tpm } = await startTpmSite("preferred");
    await tpm.chip.kill();
    const gateway = await startSite(site);
    await untilDone(gateway.port, writePdu(41, 1));
    const { alarms } = await untilAlarm(gateway, "signing");
    expect(alarms.map(({ text }) => text).join()).toContain("this run begins UNANCHORED");
    await tpm.chip.start();
    await says(gateway, /checkpoints are signed again/);
    expect(await gateway.stop()).toMatchObject({ code: 0 });
    await expectSound(site);
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

async function startTpmSite(need: "required" | "preferred" = "required"): Promise<{
  readonly site: LiveSite;
  readonly tpm: ProvisionedTpm;
  readonly plant: Plant;
}> {
  const tpm = await startProvisioned();
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  appendFileSync(site.siteFile, `tpm: {keys: ${tpm.directory}, need: ${need}}\n`);
  return { site, tpm, plant };
}

async function untilAlarm(gateway: LiveGateway, id: string): Promise<GuardStatus> {
  return await eventually(
    () => `the doors serve and the alarm ${id} is raised; it said ${gateway.output()}`,
    async () => {
      const status = await gateway.status().catch(() => null);
      const serves = status?.doors.some(({ listening }) => listening.length === 2) === true;
      return serves && status.alarms.some((alarm) => alarm.id === id) ? status : null;
    },
  );
}

/** The whole log, covered by checkpoints of the software TPM's one key, each with its counter. */
async function expectSound({ evidence }: LiveSite): Promise<void> {
  const report = await verifyLog(evidence);
  expect(report).toMatchObject({ ok: true, uncovered: 0, keyKinds: ["tpm-software"] });
  expect(looked(report, "counters")).toBe(looked(report, "signatures"));
  expect(await keyEvents(evidence)).toEqual(expect.arrayContaining(["made"]));
  expect(await keyEvents(evidence)).not.toContain("rotated");
}

async function verifyLog(directory: string): Promise<unknown> {
  let out = "";
  const command = { directory, replay: true, profile: null, trust: null, json: true };
  await verifyEvidence(command, {
    out: { write: (text) => (out += text) },
    err: { write: () => undefined },
  });
  return JSON.parse(out);
}

async function keyEvents(directory: string): Promise<readonly string[]> {
  const events: string[] = [];
  for (const name of await listSegments(directory)) {
    for (const { entry } of readEntries(name, await readSegment(directory, name))) {
      if (entry.body.type === "key") events.push(entry.body.event);
    }
  }
  return events;
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
