import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import modbus from "modbus-serial";
import { afterEach, describe, expect, it } from "vitest";
import { sendRaw } from "../../../../simulators/ai-controller/raw-frame.js";
import { runLiftStation } from "../../../../simulators/lift-station/main.js";
import type {
  LiftStationOptions,
  RunningStation,
} from "../../../../simulators/lift-station/main.js";

type Client = InstanceType<typeof modbus.default>;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function start(more: Partial<LiftStationOptions> = {}): Promise<RunningStation> {
  const running = await runLiftStation({
    host: "127.0.0.1",
    port: 0,
    seed: 1,
    scale: 10,
    journalFile: null,
    ...more,
  });
  cleanups.push(running.close);
  return running;
}

async function connect(running: RunningStation, unit = 1): Promise<Client> {
  const client = new modbus.default();
  client.on("error", () => undefined);
  client.setTimeout(500);
  await client.connectTCP("127.0.0.1", { port: running.address.port });
  client.setID(unit);
  cleanups.push(() => {
    client.destroy(() => undefined);
  });
  return client;
}

const exception = (code: number): object => ({ modbusCode: code });

describe("the PLC on the wire", () => {
  it("answers reads of every table and carries out FC 5, 6, 15 and 16, several connections at once", async () => {
    const running = await start();
    const [one, two, three] = await Promise.all([
      connect(running),
      connect(running),
      connect(running),
    ]);
    expect((await one.readInputRegisters(98, 1)).data).toEqual([4711]);
    expect((await two.readDiscreteInputs(8, 2)).data.slice(0, 2)).toEqual([true, false]);
    await one.writeRegister(41, 3_300);
    await two.writeRegisters(40, [1, 3_400, 2_600]);
    await three.writeCoil(2, true);
    await three.writeCoils(0, [true, false, false]);
    expect((await three.readHoldingRegisters(40, 3)).data).toEqual([1, 3_400, 2_600]);
    expect((await one.readCoils(0, 3)).data.slice(0, 3)).toEqual([true, false, false]);
    expect((await one.readHoldingRegisters(60, 1)).data).toEqual([250]);
    expect(running.state().connections).toBe(3);

    expect(
      running.journal().map((entry) => [entry.function, entry.table, entry.address, entry.words]),
    ).toEqual([
      [6, "hr", 41, [3_300]],
      [16, "hr", 40, [1, 3_400, 2_600]],
      [5, "co", 2, [1]],
      [5, "co", 0, [1]],
      [5, "co", 1, [0]],
      [5, "co", 2, [0]],
    ]);
    for (const entry of running.journal()) {
      expect(entry.unit).toBe(1);
      expect(entry.wallMs).toBeGreaterThan(1_600_000_000_000);
    }
  });

  it("refuses what is not in its map, whole: no word of such a write is carried out", async () => {
    const running = await start();
    const client = await connect(running);
    await expect(client.readHoldingRegisters(40, 4)).rejects.toMatchObject(exception(2));
    await expect(client.readInputRegisters(1, 1)).rejects.toMatchObject(exception(2));
    await expect(client.readCoils(3, 1)).rejects.toMatchObject(exception(2));
    await expect(client.writeRegisters(42, [2_900, 1])).rejects.toMatchObject(exception(2));
    expect((await client.readHoldingRegisters(42, 1)).data).toEqual([2_500]);
    expect(running.journal()).toMatchObject([{ address: 42, exception: 2 }]);
  });

  it("answers other units with 0x0B and enters their writes as refused", async () => {
    const running = await start();
    const client = await connect(running, 7);
    await expect(client.readInputRegisters(98, 1)).rejects.toMatchObject(exception(11));
    await expect(client.writeRegister(41, 3_100)).rejects.toMatchObject(exception(11));
    expect(running.journal()).toMatchObject([{ unit: 7, exception: 11 }]);
  });

  it("does not serve functions 8, 22, 23 and 90", async () => {
    const { address } = await start();
    const target = { host: "127.0.0.1", port: address.port, timeoutMs: 1_000 };
    for (const pdu of [
      [8, 0, 0, 0, 0],
      [22, 0, 40, 0, 0, 0, 0],
      [23, 0, 40, 0, 1, 0, 40, 0, 1, 2, 0, 0],
      [90, 0, 1, 0],
    ]) {
      expect(await sendRaw(target, 1, pdu)).toEqual({ kind: "exception", code: 1 });
    }
  });

  it("lets plant time pass by the wall clock times its scale", async () => {
    const running = await start({ scale: 1_000 });
    const client = await connect(running);
    const before = (await client.readInputRegisters(99, 1)).data[0] ?? 0;
    const uptime = async (): Promise<number> =>
      (await client.readInputRegisters(102, 1)).data[0] ?? 0;
    while ((await uptime()) < 5) expect(running.state().plantS).toBeGreaterThanOrEqual(0);
    expect((await client.readInputRegisters(99, 1)).data[0]).toBeGreaterThan(before);
  });
});

describe("faults of the PLC", () => {
  it("goes on answering with a still scan counter when its program stands", async () => {
    const running = await start({ scale: 100 });
    const client = await connect(running);
    running.station.faults.freezeProgram(true);
    const [before] = (await client.readInputRegisters(99, 1)).data;
    const fromS = running.state().plantS;
    while (running.state().plantS < fromS + 2) await client.writeRegister(60, 240);
    expect((await client.readInputRegisters(99, 1)).data).toEqual([before]);
  });

  it("is silent, late or refuses as told, and only for what it is told", async () => {
    const running = await start();
    const client = await connect(running);
    running.server.setAnswers({ kind: "exception", code: 6, of: "writes" });
    await expect(client.writeRegister(60, 200)).rejects.toMatchObject(exception(6));
    expect((await client.readHoldingRegisters(60, 1)).data).toEqual([250]);
    expect(running.journal()).toMatchObject([{ address: 60, exception: 6 }]);

    running.server.setAnswers({ kind: "silence", of: "writes" });
    await expect(client.writeRegister(60, 210)).rejects.toMatchObject({
      name: "TransactionTimedOutError",
    });
    // A silent write was carried out all the same: nobody can know from outside.
    expect((await client.readHoldingRegisters(60, 1)).data).toEqual([210]);

    running.server.setAnswers({ kind: "delay", ms: 50, of: "all" });
    await client.writeRegister(60, 220);
    expect((await client.readHoldingRegisters(60, 1)).data).toEqual([220]);
    expect((await client.readInputRegisters(10, 4)).data).toHaveLength(4);

    running.server.setAnswers({ kind: "exception", code: 4, of: "reads" });
    for (const read of [
      client.readCoils(0, 3),
      client.readDiscreteInputs(8, 2),
      client.readHoldingRegisters(40, 3),
      client.readInputRegisters(10, 4),
      client.readInputRegisters(0, 1),
    ]) {
      await expect(read).rejects.toMatchObject(exception(4));
    }
    running.server.setAnswers({ kind: "none" });
    expect((await client.readHoldingRegisters(60, 1)).data).toEqual([220]);
  });

  it("drops connections and lets clients back, or refuses them as long as it is told", async () => {
    const running = await start();
    const client = await connect(running);
    const closed = new Promise<void>((resolve) => client.on("close", resolve));
    running.server.dropConnections();
    await closed;
    const again = await connect(running);
    expect((await again.readInputRegisters(98, 1)).data).toEqual([4711]);

    running.server.refuseConnections(true);
    const refused = await connect(running);
    await expect(refused.readInputRegisters(98, 1)).rejects.toBeDefined();
    running.server.refuseConnections(false);
    const back = await connect(running);
    expect((await back.readInputRegisters(98, 1)).data).toEqual([4711]);
  });
});

describe("running it", () => {
  it("says in one line that its port is taken, and what to do", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => {
      other.close();
    });
    const address = other.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    await expect(start({ port })).rejects.toMatchObject({
      name: "Refusal",
      exitCode: 2,
      message: `port ${port} on 127.0.0.1 is taken by another program: stop it, or choose another with --port`,
    });
  });

  it("refuses a scale that is none and a journal that cannot be written", async () => {
    await expect(start({ scale: 0 })).rejects.toMatchObject({ name: "Refusal" });
    await expect(start({ scale: Number.NaN })).rejects.toMatchObject({ name: "Refusal" });
    await expect(start({ journalFile: "/nowhere/at/all" })).rejects.toMatchObject({
      name: "Refusal",
    });
  });

  it("writes its journal to a file, line by line as it stands in memory", async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdpoint-sim-"));
    const journalFile = join(folder, "journal.jsonl");
    const running = await start({ journalFile });
    const client = await connect(running);
    for (let value = 200; value < 220; value++) await client.writeRegister(60, value);
    const entries = running.journal();
    await running.close();
    const lines = readFileSync(journalFile, "utf8").trim().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(entries);
    expect(entries).toHaveLength(20);
    rmSync(folder, { recursive: true });
  });
});
