import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askOnce, coilPdu, untilDone, writePdu } from "../support/byte-client.js";
import {
  eventually,
  launch,
  makeSite,
  runCli,
  startPlant,
  startSite,
  type LiveGateway,
  type Plant,
} from "../support/live-gateway.js";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.js";

/** The real processes on a real disk of 32 MB that others fill. */
const EXCEPTION_EVIDENCE = 4;
const MB = 1_000_000;

describe("a gateway on a small disk", () => {
  it("gives no permit above the high-water mark, and records what it does to its end, from the reserve when nothing else is left [HP-160 refuses] [HP-161 refuses]", async () => {
    const started = await start();
    if (started === null) return;
    const { plant, gateway, disk } = started;
    await untilDone(gateway.port, coilPdu(0, true));
    await untilDone(gateway.port, writePdu(41, 500));
    await eventually("the reserve is made", async () => {
      const { reservedBytes, reserveBytes } = (await gateway.status()).evidence.space;
      return reservedBytes >= reserveBytes ? true : null;
    });
    disk.fill(25 * MB);
    const why = await eventually("permits are withheld", async () => {
      return (await gateway.status()).evidence.space.withheld;
    });
    expect(why).toMatch(/^the evidence disk is \d+\.\d % full, and permits stop at 80 %$/);
    expect(await askOnce(gateway.port, writePdu(41, 501))).toEqual([0x86, EXCEPTION_EVIDENCE]);
    await eventually("the valve is closed", () => (plant.memory.co[0] === false ? true : null));
    expect(plant.memory.hr[41]).toBe(500);
    const shown = await runCli(["status", "--site", gateway.siteFile]);
    expect(shown.output).toContain(`NO PERMITS: ${why}`);

    disk.fill(64 * MB);
    await eventually("the reserve is given free", async () => {
      await askOnce(gateway.port, writePdu(41, 502));
      return existsSync(join(disk.path, "reserve")) ? null : true;
    });
    const act = ["stop-ai", "--site", gateway.siteFile, "--why", "the disk is full"];
    expect((await runCli(act)).code).toBe(0);
    const ended = await gateway.stop();
    expect(ended.code).toBe(0);
    expect(ended.output).toContain("from here on the reserve is written to");
    expect(ended.output).not.toMatch(/^\s+at /m);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified.code).toBe(0);
    const asked = await runCli(["evidence", "query", gateway.evidence, "--type", "operator-act"]);
    expect(asked.output).toContain("the disk is full");
    expect(plant.memory.hr[41]).toBe(500);
  });

  it("comes up on a disk that was filled while it stood still, with an unfinished end to keep, and guards the plant [HP-201]", async () => {
    const left = await leaveFull("with its reserve");
    if (left === null) return;
    const { plant, gateway, disk } = left;
    const again = await startFull(gateway);
    await eventually("the valve is closed", () => (plant.memory.co[0] === false ? true : null));
    const act = ["stop-ai", "--site", gateway.siteFile, "--why", "full at the start"];
    expect((await runCli(act)).code).toBe(0);
    expect((await again.stop()).code).toBe(0);
    expect(again.output()).toContain("is kept in room of the reserve");
    expect(readdirSync(disk.path).filter((name) => name.startsWith("cut-"))).toHaveLength(1);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified.code).toBe(0);
    const asked = await runCli(["evidence", "query", gateway.evidence, "--type", "operator-act"]);
    expect(asked.output).toContain("full at the start");
  });

  it("comes up there without any reserve as well, drives the safe state, and leaves the log as it is [HP-201]", async () => {
    const left = await leaveFull("without any");
    if (left === null) return;
    const { plant, gateway, segment } = left;
    const before = readFileSync(segment);
    const again = await startFull(gateway);
    await eventually("the valve is closed", () => (plant.memory.co[0] === false ? true : null));
    expect((await again.stop()).code).toBe(0);
    expect(again.output()).toContain("stays as it is, and this run records nothing");
    expect(again.output()).not.toMatch(/^\s+at /m);
    expect(readFileSync(segment).equals(before)).toBe(true);
  });
});

/** Killed with an open valve and its log's end unfinished; then others took all the disk. */
async function leaveFull(
  reserve: "with its reserve" | "without any",
): Promise<(NonNullable<Awaited<ReturnType<typeof start>>> & { readonly segment: string }) | null> {
  const started = await start();
  if (started === null) return null;
  const { plant, gateway, disk } = started;
  await untilDone(gateway.port, coilPdu(0, true));
  await eventually("the reserve is made", async () => {
    const { reservedBytes, reserveBytes } = (await gateway.status()).evidence.space;
    return reservedBytes >= reserveBytes ? true : null;
  });
  process.kill(await gateway.guardPid(), "SIGKILL");
  gateway.launcher.kill("SIGKILL");
  await gateway.ended;
  const name = readdirSync(disk.path).find((one) => one.startsWith("segment-"));
  const segment = join(disk.path, name ?? "");
  appendFileSync(segment, readFileSync(segment).subarray(0, 40));
  if (reserve === "without any") rmSync(join(disk.path, "reserve"));
  disk.fill(64 * MB);
  expect(plant.memory.co[0]).toBe(true);
  return { ...started, segment };
}

async function startFull(gateway: LiveGateway): Promise<LiveGateway> {
  const again = launch(gateway);
  const why = await eventually(
    () => `it says that it gives no permits; it said ${again.output()}`,
    async () => (await again.status().catch(() => null))?.evidence.space.withheld ?? null,
  );
  expect(why).toMatch(/full, and permits stop at 80 %$/);
  return again;
}

async function start(): Promise<{
  readonly plant: Plant;
  readonly gateway: LiveGateway;
  readonly disk: SmallDisk;
} | null> {
  const disk = await mountSmallDisk(32);
  if (disk === null) {
    console.log(
      "no mount in a namespace of one's own here: a full disk is tested by the shim alone",
    );
    return null;
  }
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  const text = readFileSync(site.siteFile, "utf8");
  const keys = `{dir: ${disk.path}, key: ./key.pem, reserve: 3 MB, high_water: 80 %}`;
  writeFileSync(site.siteFile, text.replace(/^evidence: .*$/m, `evidence: ${keys}`));
  const gateway = await startSite({ ...site, evidence: disk.path });
  return { plant, gateway, disk };
}
