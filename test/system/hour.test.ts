import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMbap } from "../../src/codec/modbus/mbap.js";
import { runCli } from "../support/live-gateway.js";
import { startModbusServer, type ModbusServer } from "../support/modbus-server.js";
import { share } from "../support/share.js";

const COMMANDS = share(180_000, 1_000);
const EVERY_MS = 20;
const INPUTS = 500;
const OUTPUTS = 8;
/** 200 MB, read as the smaller of the two units. */
const LIMIT_MIB = 190;
/** MiB an hour in the last half: a leak of one small object a command would be ten times that. */
const SLOPE_MOST = 6;
/**
 * Two minutes. What is resident goes up and down by the half of a nursery (14 MiB), now and then for a minute: a line through
 * all samples tells where the last half happened to begin and end. A leak raises the least of each two minutes as well.
 */
const WINDOW = 20;

describe("memory of guard and door", () => {
  const scratch = mkdtempSync(join(tmpdir(), "holdpoint-hour-"));
  let device: ModbusServer;
  beforeAll(async () => {
    device = await startModbusServer();
    device.memory.ir[600] = 7;
  });
  afterAll(async () => {
    await device.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it(
    `stays under ${LIMIT_MIB} MiB and flat over ${COMMANDS} commands at 50 a second, with ${INPUTS} polled tags`,
    { timeout: 2 * 3_600_000 },
    async () => {
      const port = await freePort();
      const site = writeSite(scratch, device.port, port);
      const cli = new URL("../../dist/src/main-cli.js", import.meta.url).pathname;
      const gateway = spawn(process.execPath, [cli, "run", "--site", site], { stdio: "ignore" });
      const ended = new Promise<number>((resolve) => {
        gateway.once("exit", (code) => {
          resolve(code ?? -1);
        });
      });
      const samples: number[] = [];
      try {
        const client = await permitted(port, device);
        let refused = 0;
        for (let sent = 0; sent < COMMANDS; sent += 1) {
          const answer = client.write(sent % OUTPUTS, 1_000 + (sent % 100));
          await Promise.all([answer, tick()]);
          if ((await answer)[7] !== 6) refused += 1;
          if (sent % Math.ceil(COMMANDS / 600) === 0) samples.push(residentMiB(gateway.pid ?? -1));
        }
        client.end();
        // A machine with much else to do may let a command grow stale now and then; memory is the matter here.
        expect(refused).toBeLessThan(COMMANDS / 20);
      } finally {
        gateway.kill("SIGTERM");
      }
      expect(await ended).toBe(0);
      const verified = await runCli(["evidence", "verify", join(scratch, "evidence"), "--replay"]);
      expect(verified.output).toMatch(/PASS +every fact of the kernel's own follows/);
      expect(verified.code).toBe(0);
      const peak = Math.max(...samples);
      const hours = (COMMANDS * EVERY_MS) / 2 / 3_600_000;
      const floors = leastOfEach(samples.slice(samples.length / 2), WINDOW);
      const slope = lineThrough(floors) * floors.length;
      console.log(
        `memory: ${COMMANDS} commands, peak ${peak.toFixed(1)} MiB, last half ${slope.toFixed(1)} MiB`,
      );
      expect(peak).toBeLessThan(LIMIT_MIB);
      // A short run is still filling its caches: only the long one can tell flat from not.
      if (hours > 0.25) expect(slope / hours).toBeLessThan(SLOPE_MOST);
    },
  );
});

/** Waits by the command rate, not for anything to have happened. */
async function tick(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, EVERY_MS);
  });
}

type Client = {
  readonly write: (address: number, value: number) => Promise<Uint8Array>;
  readonly end: () => void;
};

/** A client whose writes are permitted by now: the gateway has read everything once. */
async function permitted(port: number, device: ModbusServer): Promise<Client> {
  for (let tries = 0; tries < 600; tries += 1) {
    device.memory.ir[601] = tries;
    const client = await dial(port).catch(() => null);
    if (client !== null) {
      keepCounting(device);
      const answer = await client.write(0, 1_000);
      if (answer[7] === 6) return client;
      client.end();
    }
    await tick();
  }
  throw new Error("the gateway never released a write");
}

/** The device's program runs. */
function keepCounting(device: ModbusServer): void {
  if (counting.has(device)) return;
  counting.add(device);
  setInterval(() => {
    device.memory.ir[601] = ((device.memory.ir[601] ?? 0) + 1) & 0xffff;
  }, 100).unref();
}
const counting = new WeakSet();

async function dial(port: number): Promise<Client> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(port, "127.0.0.1", () => {
      resolve(opened);
    });
    opened.once("error", reject);
  });
  let waiting: ((frame: Uint8Array) => void) | null = null;
  socket.on("data", (bytes) => {
    waiting?.(bytes);
    waiting = null;
  });
  socket.on("error", () => undefined);
  let transaction = 0;
  return {
    write: async (address, value) => {
      transaction = (transaction + 1) & 0xffff;
      const pdu = Uint8Array.of(6, 0, address, value >> 8, value & 0xff);
      const frame = encodeMbap(transaction, 1, pdu);
      if (frame === null) throw new Error("no such frame");
      return await new Promise((resolve) => {
        waiting = resolve;
        socket.write(frame);
      });
    },
    end: () => {
      socket.destroy();
    },
  };
}

function writeSite(dir: string, devicePort: number, port: number): string {
  const inputs = Array.from(
    { length: INPUTS },
    (_, n) =>
      `  t.${String.fromCharCode(97 + (n % 26))}${n}: {at: plc ir ${n} u16, raw: 0..65535, eu: 0..655.35 m, max_age: 2 s}`,
  );
  const outputs = Array.from(
    { length: OUTPUTS },
    (_, n) =>
      `  o.o${n}: {at: plc hr ${n} u16, raw: 0..65535, eu: 0..6553.5 Hz, safe: hold, range: 0..6000 Hz, budget: 1000 per 1 min, proof: readback 0 Hz within 1 s, foreign: adopt}`,
  );
  const profile = [
    "profile: hour",
    "schema: 1",
    "revision: 1",
    "valid: {from: 2025-01-01, until: 2035-01-01, at_expiry: alarm}",
    "signers: {need: 1, of: [controls]}",
    "devices:",
    "  plc:",
    "    protocol: modbus",
    "    poll: 250 ms",
    "    timeout: 400 ms",
    "    in_flight: 1",
    "    late_window: 1 s",
    "    read: {max: 125, holes: never}",
    "    alive: {at: ir 601 u16, changes_within: 30 s}",
    "    identity: {at: ir 600 u16, is: 7}",
    "    comms_loss: {by: none}",
    "    lost: {after: 30 s, do: alarm}",
    "inputs:",
    ...inputs,
    "outputs:",
    ...outputs,
    "permissives:",
    `  - {id: P-01, for: "*", needs: t.a0 < 600 m AND t.b1 < 600 m, why: both low}`,
    "always: []",
    "exclusive: []",
    "trips: []",
    "confirm: []",
    "safe_state: {order: [], each_within: 500 ms, on: []}",
    "restart: hold",
    "controllers:",
    `  ai: {outputs: "*", lease: {beat: command, lapses_after: 30 s, then: hold}, priority: 5, command_max_age: 2 s, client_timeout: 10 s, answer: after proof}`,
    "hazards: []",
    "",
  ];
  writeFileSync(join(dir, "profile.yaml"), profile.join("\n"));
  const listen = `127.0.0.1:${port}`;
  const site = join(dir, "site.yaml");
  writeFileSync(
    site,
    [
      "site: hour",
      "gateway: gw",
      "profile: ./profile.yaml",
      "devices:",
      `  plc: {tcp: 127.0.0.1:${devicePort}, unit: 1}`,
      "doors:",
      "  modbus:",
      `    listen: {${listen}: {1: plc}}`,
      `    clients: {${listen}: {"*": ai}}`,
      "    own_unit: 247",
      "evidence: {dir: ./evidence}",
      "",
    ].join("\n"),
  );
  return site;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Resident memory of the children of `parent`: the guard and the door. */
function residentMiB(parent: number): number {
  let kib = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      if (!new RegExp(`^PPid:\\t${parent}$`, "m").test(status)) continue;
      kib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    } catch {
      // Ended while we looked.
    }
  }
  return kib / 1_024;
}

function leastOfEach(values: readonly number[], count: number): readonly number[] {
  return Array.from({ length: Math.ceil(values.length / count) }, (_, at) =>
    Math.min(...values.slice(at * count, (at + 1) * count)),
  );
}

/** Least squares, MiB a step. */
function lineThrough(values: readonly number[]): number {
  const n = values.length;
  const meanX = (n - 1) / 2;
  const meanY = values.reduce((sum, value) => sum + value, 0) / n;
  let top = 0;
  let bottom = 0;
  values.forEach((value, x) => {
    top += (x - meanX) * (value - meanY);
    bottom += (x - meanX) ** 2;
  });
  return top / bottom;
}
