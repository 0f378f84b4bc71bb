import { describe, expect, it } from "vitest";
import {
  askOnce,
  coilPdu,
  connectBytes,
  readPdu,
  untilDone,
  word,
  writePdu,
} from "../support/byte-client.js";
import { judgeOrder, makeDiskShim, type DiskShim } from "../support/disk-shim.js";
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

/** The real processes on a disk that fails, hangs or lies. */
const EXCEPTION_EVIDENCE = 4;

describe("a governed write of the real process", () => {
  it("is recorded, then synced, then sent, each one [HP-070]", async () => {
    const { gateway, shim } = await start();
    const pdus = await writeSome(gateway);
    const trace = shim.trace();
    expect(trace.map(({ what }) => what)).not.toContain("scattered");
    expect(pdus.map((pdu) => judgeOrder(trace, pdu))).toEqual(pdus.map(() => null));
  });

  it("is seen to go out unsynced where fdatasync does nothing: the check above can fail", async () => {
    const { gateway, shim } = await start();
    shim.setFault("lie");
    const pdus = await writeSome(gateway);
    const trace = shim.trace();
    expect(pdus.map((pdu) => judgeOrder(trace, pdu))).toEqual(
      pdus.map(() => "it was sent before its record was synced"),
    );
  });

  it("waits for as long as the disk takes, while polls and reads go on", async () => {
    const { plant, gateway, shim } = await start();
    shim.setFault("hold");
    const client = await connectBytes(gateway.port);
    const answer = client.ask(1, writePdu(41, 4_242));
    await untilTraced(shim, "sync-begins", Buffer.from(writePdu(41, 4_242)).toString("hex"));
    const polls = plant.received.length;
    await eventually("the device is polled on", () => {
      return plant.received.length > polls + 40 ? true : null;
    });
    expect(await askOnce(gateway.port, readPdu(4, 98, 1))).toEqual([4, 2, ...word(4711)]);
    expect(plant.memory.hr[41]).toBe(100);
    shim.setFault("none");
    const [code] = await answer;
    expect(code === 6).toBe(plant.memory.hr[41] === 4_242);
    await untilDone(gateway.port, writePdu(41, 4_243));
  });
});

describe.each([
  ["that is full", "write"],
  ["whose sync fails", "sync"],
] as const)("a disk %s", (_, fault) => {
  it("ends all permits; reads go on, the safe state is driven, status says so [HP-078 refuses]", async () => {
    const { plant, gateway, shim } = await start();
    await untilDone(gateway.port, coilPdu(0, true));
    await untilDone(gateway.port, writePdu(41, 500));
    shim.setFault(fault);
    const first = await askOnce(gateway.port, writePdu(41, 501));
    expect(first).toEqual([0x86, EXCEPTION_EVIDENCE]);
    await eventually("the valve is closed", () => (plant.memory.co[0] === false ? true : null));
    for (const value of [502, 503]) {
      expect(await askOnce(gateway.port, writePdu(41, value))).toEqual([0x86, EXCEPTION_EVIDENCE]);
    }
    expect(plant.memory.hr[41]).toBe(500);
    expect(await askOnce(gateway.port, readPdu(4, 98, 1))).toEqual([4, 2, ...word(4711)]);
    const status = await gateway.status();
    expect(status.evidence.writable).toBe(false);
    expect(status.mode).toBe("safe-state");
    const shown = await runCli(["status", "--site", gateway.siteFile]);
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.output).toContain("CANNOT BE WRITTEN");

    // A disk that has room again does not bring the permits back: only a new start does.
    shim.setFault("none");
    expect(await askOnce(gateway.port, writePdu(41, 504))).toEqual([0x86, EXCEPTION_EVIDENCE]);
    const ended = await gateway.stop();
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.output).not.toMatch(/^\s+at /m);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified).toMatchObject({ code: 0 });
  });
});

describe("a disk that is full at the start", () => {
  it("lets nothing out, and says so", async () => {
    const plant = await startPlant();
    const site = await makeSite(plant.port);
    const shim = await makeDiskShim(site, plant.port);
    shim.setFault("write");
    const gateway = launch(site, shim.env);
    await eventually("it says why", () =>
      /ENOSPC|no space/i.test(gateway.output()) ? true : null,
    );
    const answer = await askOnce(gateway.port, writePdu(41, 7)).catch(() => []);
    expect(answer).not.toEqual(writePdu(41, 7));
    expect(plant.memory.hr[41]).toBe(100);
    expect(gateway.output()).not.toMatch(/^\s+at /m);
    await gateway.stop();
  });
});

async function start(): Promise<{
  readonly plant: Plant;
  readonly gateway: LiveGateway;
  readonly shim: DiskShim;
}> {
  const plant = await startPlant();
  const site = await makeSite(plant.port);
  const shim = await makeDiskShim(site, plant.port);
  const gateway = await startSite(site, shim.env);
  return { plant, gateway, shim };
}

/** One after the other, and a few at once; the PDUs of those that were done. */
async function writeSome(gateway: LiveGateway): Promise<readonly (readonly number[])[]> {
  const pdus = Array.from({ length: 24 }, (_, n) => writePdu(41 + (n % 3), 20_000 + n));
  const client = await connectBytes(gateway.port);
  const done: (readonly number[])[] = [];
  for (const pdu of pdus.slice(0, 12)) {
    if ((await client.ask(1, pdu))[0] === 6) done.push(pdu);
  }
  const others = await Promise.all(
    pdus.slice(12).map(async (pdu) => ({ pdu, answer: await askOnce(gateway.port, pdu) })),
  );
  for (const { pdu, answer } of others) if (answer[0] === 6) done.push(pdu);
  expect(done.length).toBeGreaterThan(8);
  return done;
}

async function untilTraced(shim: DiskShim, what: string, hex: string): Promise<void> {
  await eventually(`${what} after the record`, () => {
    const trace = shim.trace();
    const at = trace.findIndex((line) => line.what === "write" && line.hex.includes(hex));
    return at >= 0 && trace.slice(at).some((line) => line.what === what) ? true : null;
  });
}
