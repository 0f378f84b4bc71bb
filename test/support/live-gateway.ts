import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, onTestFinished } from "vitest";
import { runDirectoryOf } from "../../src/cli/run-directory.js";
import { askStatus } from "../../src/cli/status.js";
import type { GuardStatus } from "../../src/guard/status.js";
import { startModbusServer, type ModbusServer } from "./modbus-server.js";

/** The built program: `npm test` builds it first. */
const MAIN = fileURLToPath(new URL("../../dist/src/main-cli.js", import.meta.url));
const PROFILE = fileURLToPath(new URL("live-profile.yaml", import.meta.url));
/** Far beyond what anything here takes, also on a machine with much else to do. */
const LIMIT_MS = 40_000;
const LOOK_EVERY_MS = 25;

/** Its own unit on every listener. */
export const OWN_UNIT = 247;

/** A site on disk: loopback ports, the test profile, an evidence folder; gone with the test. */
export type LiveSite = {
  readonly folder: string;
  readonly siteFile: string;
  readonly evidence: string;
  /** Listener of `ai`, which beats its lease. */
  readonly aiPort: number;
  /** Listener of `visitor`, whose commands are its beat. */
  readonly port: number;
};

/** `holdpoint run` as its real processes. Ended with the test, or with the file when started by a hook. */
export type LiveGateway = LiveSite & {
  /** The launcher. */
  readonly launcher: ChildProcess;
  /** All that the processes have printed so far. */
  readonly output: () => string;
  readonly status: () => Promise<GuardStatus>;
  readonly guardPid: () => Promise<number>;
  readonly doorPid: () => Promise<number>;
  /** Signals the launcher and waits for its end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Ended>;
  readonly ended: Promise<Ended>;
};

export type Ended = { readonly code: number | null; readonly output: string };

type Env = Readonly<Record<string, string>>;

/** Starts a gateway for a device and waits until it enforces. */
export async function startGateway(devicePort: number): Promise<LiveGateway> {
  return await startSite(await makeSite(devicePort));
}

/** The same for a site that is there, which may have run before. */
export async function startSite(site: LiveSite, env: Env = {}): Promise<LiveGateway> {
  const gateway = launch(site, env);
  await untilEnforcing(gateway);
  return gateway;
}

export async function untilEnforcing(gateway: LiveGateway): Promise<GuardStatus> {
  return await eventually(
    () => `the gateway enforces; it said: ${gateway.output()}`,
    async () => {
      if (gateway.launcher.exitCode !== null) throw new Error(`it ended: ${gateway.output()}`);
      const status = await gateway.status().catch(() => null);
      const serves = status?.doors.some(({ listening }) => listening.length === 2) === true;
      return serves && status.mode === "enforcing" ? status : null;
    },
  );
}

/** Starts it and waits for nothing. */
export function launch(site: LiveSite, env: Env = {}): LiveGateway {
  const { child, output, ended } = spawnCli(["run", "--site", site.siteFile], env);
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      for (const pid of childrenOf(child)) signalTo(pid, "SIGCONT");
      child.kill("SIGTERM");
    }
    await ended;
  });
  return {
    ...site,
    launcher: child,
    output,
    status: async () => await askStatus(runDirectoryOf(site.siteFile)),
    guardPid: async () => await pidOf(child, "main-guard"),
    doorPid: async () => await pidOf(child, "main-door-modbus"),
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      return await within(() => `the gateway ends; it said: ${output()}`, ended);
    },
    ended,
  };
}

/** Runs any command of the program to its end. */
export async function runCli(
  args: readonly string[],
  env: Env = {},
  limitMs: number = LIMIT_MS,
): Promise<Ended> {
  const { child, output, ended } = spawnCli(args, env);
  atEnd(() => child.kill("SIGKILL"));
  const what = (): string => `holdpoint ${args.join(" ")} ends; it said: ${output()}`;
  return await within(what, ended, limitMs);
}

/** Writes a site and a profile into a folder of its own. */
export async function makeSite(
  devicePort: number,
  profile: string = readTestProfile(),
): Promise<LiveSite> {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-system-"));
  const [aiPort, port] = [await freePort(), await freePort()];
  const ai = `127.0.0.1:${aiPort}`;
  const visitor = `127.0.0.1:${port}`;
  const siteFile = join(folder, "site.yaml");
  writeFileSync(join(folder, "profile.yaml"), profile);
  writeFileSync(
    siteFile,
    [
      "site: test",
      "gateway: gw-1",
      "profile: ./profile.yaml",
      "devices:",
      `  plc: {tcp: 127.0.0.1:${devicePort}, unit: 1}`,
      "doors:",
      "  modbus:",
      `    listen: {${ai}: {1: plc}, ${visitor}: {0: plc, 1: plc}}`,
      `    clients: {${ai}: {127.0.0.1: ai}, ${visitor}: {127.0.0.1: visitor}}`,
      `    own_unit: ${OWN_UNIT}`,
      "evidence: {dir: ./evidence, reserve: 1 MB, high_water: 98 %}",
      "",
    ].join("\n"),
  );
  const runDirectory = runDirectoryOf(siteFile);
  atEnd(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(runDirectory, { recursive: true, force: true });
  });
  return { folder, siteFile, evidence: join(folder, "evidence"), aiPort, port };
}

export function readTestProfile(): string {
  return readFileSync(PROFILE, "utf8");
}

/** The device of plain memory with a running program: identity, a counter that moves, a tank at 2 m. */
export type Plant = ModbusServer & {
  /** While false its counter stands still, as after a PLC was switched to STOP. */
  readonly setRunning: (running: boolean) => void;
};

export async function startPlant(): Promise<Plant> {
  const server = await startModbusServer();
  server.memory.ir.set([2_000], 10);
  server.memory.ir.set([4711], 98);
  server.memory.hr.set([1_000, 100, 100, 100], 40);
  server.memory.hr.set([200, 100], 60);
  let running = true;
  const program = setInterval(() => {
    if (running) server.memory.ir.set([((server.memory.ir[99] ?? 0) + 1) & 0xffff], 99);
  }, 50);
  atEnd(async () => {
    clearInterval(program);
    await server.close();
  });
  return {
    ...server,
    setRunning: (now) => {
      running = now;
    },
  };
}

/** Looks again and again until it is so; fails with what was waited for. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => Promise<T | null> | T | null,
  limitMs = LIMIT_MS,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > endMs) throw new Error(`waited in vain until ${textOf(what)}`);
    await pause(LOOK_EVERY_MS);
  }
}

/** A promise that must settle in a bounded time. */
export async function within<T>(
  what: string | (() => string),
  work: Promise<T>,
  limitMs = LIMIT_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited in vain until ${textOf(what)}`));
    }, limitMs);
  });
  return await Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** With the test that called, or with the file when called by a hook; last come, first ended. */
export function atEnd(run: () => unknown): void {
  try {
    onTestFinished(async () => {
      await run();
    });
  } catch {
    endings.unshift(run);
  }
}

const endings: (() => unknown)[] = [];
afterAll(async () => {
  for (const run of endings.splice(0)) await run();
});

export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Below the range that outgoing connections take theirs from, so that none takes it first. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    nextPort = nextPort >= LAST_PORT ? FIRST_PORT : nextPort + 1;
    if (await isFree(nextPort)) return nextPort;
  }
  throw new Error("no port is free");
}

const FIRST_PORT = 12_000;
const LAST_PORT = 30_000;
/** Each test file has a process of its own, and begins at a place of its own. */
let nextPort = FIRST_PORT + ((process.pid * 97) % (LAST_PORT - FIRST_PORT));

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise<boolean>((resolve) => {
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Runs any command of the program; its end is the caller's. */
export function spawnCli(
  args: readonly string[],
  env: Env = {},
): { readonly child: ChildProcess; readonly output: () => string; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => (output += String(text)));
  }
  const ended = once(child, "close").then(([code]): Ended => {
    return { code: typeof code === "number" ? code : null, output };
  });
  return { child, output: () => output, ended };
}

async function pidOf(launcher: ChildProcess, program: string): Promise<number> {
  return await eventually(`${program} runs`, () => {
    return childrenOf(launcher).find((pid) => commandOf(pid).includes(program)) ?? null;
  });
}

function childrenOf({ pid }: ChildProcess): readonly number[] {
  const text = readProc(`${pid ?? 0}/task/${pid ?? 0}/children`).trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

function commandOf(pid: number): string {
  return readProc(`${pid}/cmdline`);
}

/** Empty when there is no such process any more. */
export function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

function textOf(what: string | (() => string)): string {
  return typeof what === "string" ? what : what();
}
