import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { hex } from "../../src/evidence/hex.js";
import {
  bootsIn,
  cutHashesIn,
  faultsIn,
  KillLoad,
  permittedIn,
  readLog,
  valuesAt,
  type ReadLog,
} from "../support/kill-load.js";
import {
  eventually,
  launch,
  makeSite,
  signalTo,
  startPlant,
  startSite,
  untilEnforcing,
  type LiveGateway,
  type LiveSite,
  type Plant,
} from "../support/live-gateway.js";
import { seeded } from "../support/seeded.js";
import { share } from "../support/share.js";
import { startProvisioned, type ProvisionedTpm } from "../support/tpm-process.js";

const SEED = 20_261_123;
const CLIENTS = 3;
const TPM_KILLS = share(20, 2);
const GUARD_KILLS = share(1_000, 3);
/** Every start looks through the whole log so far: a new log, TPM and plant after this many kills. */
const KILLS_A_LOG = 50;
/** When the kill comes, after the load began, or for some after the guard was started. */
const LOADED_MS = 500;
const STARTING_MS = 1_500;

describe("SIGKILL under load", () => {
  it(
    `of the TPM, ${TPM_KILLS} times: no permit is lost, no counter comes twice, every signature is valid [HP-146]`,
    { timeout: 60_000 + TPM_KILLS * 20_000 },
    async () => {
      const random = seeded(SEED);
      const { site, tpm, plant } = await startTpmSite();
      const gateway = await startSite(site);
      const load = new KillLoad();
      const running = load.start(gateway.port, CLIENTS);
      for (let kill = 0; kill < TPM_KILLS; kill += 1) {
        await pause(random.below(LOADED_MS));
        await tpm.chip.kill();
        // Some are back before anybody asked for them, some only after they were missed.
        if (random.unit() < 0.5) await untilAlarm(gateway, true);
        const acknowledged = load.acknowledged.length;
        await tpm.chip.start();
        await eventually("more is permitted", () =>
          load.acknowledged.length > acknowledged ? true : null,
        );
        await untilAlarm(gateway, false);
      }
      await running.end();
      expect(await gateway.stop()).toMatchObject({ code: 0 });
      const log = await readLog(site.evidence);
      expectNothingLost(log, load, plant);
      expect(new Set(log.checkpoints.map(({ boot }) => boot))).toEqual(new Set([1]));
      expect(await faultsIn(site.evidence, true)).toBeNull();
      console.log(`seed ${SEED}: ${TPM_KILLS} kills of the TPM, ${describeRun(log, load)}`);
    },
  );

  for (const logs of campaign(GUARD_KILLS)) {
    const kills = logs.reduce((sum, log) => sum + log.kills, 0);
    it(
      `of the guard, ${kills} times at random points (seeds ${logs.map(({ seed }) => seed).join(", ")}): the same, and each boot entry tells what was found [HP-147]`,
      { timeout: 60_000 + kills * 30_000 },
      async () => {
        await Promise.all(logs.map(killGuard));
      },
    );
  }
});

type KilledLog = { readonly seed: number; readonly kills: number };

/** The logs of each test: two gateways at once, as one mostly waits for its device. */
function campaign(kills: number): readonly (readonly KilledLog[])[] {
  const logs = Array.from({ length: Math.ceil(kills / KILLS_A_LOG) }, (_, at) => ({
    seed: SEED + 1 + at,
    kills: Math.min(KILLS_A_LOG, kills - at * KILLS_A_LOG),
  }));
  return logs.flatMap((_, at) => (at % 2 === 0 ? [logs.slice(at, at + 2)] : []));
}

async function killGuard({ seed, kills }: KilledLog): Promise<void> {
  const random = seeded(seed);
  const { site, plant } = await startTpmSite();
  const load = new KillLoad();
  for (let kill = 0; kill < kills; kill += 1) {
    const gateway = launch(site);
    if (random.unit() < 0.25) {
      await gateway.guardPid();
      await pause(random.below(STARTING_MS));
    } else {
      await untilEnforcing(gateway);
      await eventually("the log of the runs before verifies", async () =>
        (await faultsIn(site.evidence, false).catch(String)) === null ? true : null,
      );
      const acknowledged = load.acknowledged.length;
      load.start(gateway.port, CLIENTS);
      await eventually(
        () => `writes are permitted; it said ${gateway.output()}`,
        () => (load.acknowledged.length > acknowledged ? true : null),
      );
      await pause(random.below(LOADED_MS));
    }
    signalTo(await gateway.guardPid(), "SIGKILL");
    // Its supervisor would start it again after a pause that grows each time.
    gateway.launcher.kill("SIGKILL");
    await gateway.ended;
  }
  const last = await startSite(site);
  expect(await last.stop()).toMatchObject({ code: 0 });
  const log = await readLog(site.evidence);
  expectNothingLost(log, load, plant);
  expectBootsTell(log, site);
  expect(await faultsIn(site.evidence, true)).toBeNull();
  console.log(`seed ${seed}: ${kills} kills of the guard, ${describeRun(log, load)}`);
}

function expectNothingLost(log: ReadLog, load: KillLoad, plant: Plant): void {
  const permitted = permittedIn(log);
  const written = valuesAt(plant);
  expect(load.acknowledged.length).toBeGreaterThan(0);
  expect(load.acknowledged.filter((value) => !permitted.has(value))).toEqual([]);
  expect(written.filter((value) => !permitted.has(value))).toEqual([]);
  // Whatever became of it, nothing is sent again.
  expect(new Set(written).size).toBe(written.length);
  const counters = log.checkpoints.map(({ counter }) => counter ?? -1);
  expect(counters.length).toBeGreaterThan(0);
  expect(counters.filter((counter, at) => counter <= (counters[at - 1] ?? 0))).toEqual([]);
}

function expectBootsTell(log: ReadLog, { evidence }: LiveSite): void {
  const boots = bootsIn(log);
  const cut = cutHashesIn(evidence);
  expect(boots.map(({ boot }) => boot)).toEqual(
    [...boots.keys()].map((at) => (boots[0]?.boot ?? 0) + at),
  );
  for (const { recovery } of boots) {
    const { found, cutBytes, cutHash } = recovery;
    expect(["clean", "torn", "zero-tail"]).toContain(found);
    expect(found === "clean").toBe(cutBytes === 0);
    if (cutHash !== null) expect(cut).toContain(hex(cutHash));
  }
}

function describeRun(log: ReadLog, load: KillLoad): string {
  const torn = bootsIn(log).filter(({ recovery }) => recovery.found !== "clean").length;
  const { entries, checkpoints } = log;
  return `${load.acknowledged.length} writes acknowledged, ${entries.length} entries, ${checkpoints.length} checkpoints, ${torn} ends cut`;
}

async function untilAlarm(gateway: LiveGateway, raised: boolean): Promise<void> {
  await eventually(
    () => `checkpoints are ${raised ? "not " : ""}signed; it said ${gateway.output()}`,
    async () => {
      const { alarms } = await gateway.status();
      return alarms.some(({ id }) => id === "signing") === raised ? true : null;
    },
  );
}

async function startTpmSite(): Promise<{
  readonly site: LiveSite;
  readonly tpm: ProvisionedTpm;
  readonly plant: Plant;
}> {
  const tpm = await startProvisioned();
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  appendFileSync(site.siteFile, `tpm: {keys: ${tpm.directory}}\n`);
  return { site, tpm, plant };
}
