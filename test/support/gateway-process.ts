import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runDirectoryOf } from "../../src/cli/run-directory.js";
import { askStatus } from "../../src/cli/status.js";
import type { GuardStatus } from "../../src/guard/status.js";
import { adu, RawClient } from "./raw-client.js";

const CLI = fileURLToPath(new URL("../../dist/src/main-cli.js", import.meta.url));
const WITHIN_MS = 30_000;
export const OWN_UNIT = 247;

/** A device of memory with one sensor, a counter that may tell that its program runs, and a few outputs. */
export function writeProfile(changes: { readonly alive?: string } = {}): string {
  return `profile: bench
schema: 1
revision: 1
valid: {from: 2025-01-01, until: 2035-01-01, at_expiry: alarm}
signers: {need: 1, of: [controls]}
devices:
  plc:
    protocol: modbus
    poll: 50 ms
    timeout: 300 ms
    in_flight: 1
    late_window: 600 ms
    read: {max: 60, holes: never}
    alive: ${changes.alive ?? "none"}
    identity: none
    comms_loss: {by: none}
    lost: {after: 60 s, do: holding}
modes: {from: plant.mode, states: {0: OFF, 1: AI}, unknown_means: OFF}
inputs:
  plant.mode: {at: plc ir 0 u16, states: [OFF, AI], max_age: 1 s}
  level:      {at: plc ir 10 u16, raw: 0..1000, eu: 0..10 m, max_age: 1 s}
outputs:
  speed: {at: plc hr 41 u16, raw: 0..6000, eu: 0..60 Hz, safe: hold, range: 25..50 Hz, proof: readback within 1 s, foreign: adopt}
  lamp:  {at: plc co 2, safe: hold, proof: readback within 1 s, foreign: adopt}
  left:  {at: plc hr 50 u16, raw: 0..1000, eu: 0..10 m, safe: hold, range: 0..9 m, proof: readback within 1 s, foreign: adopt}
  right: {at: plc hr 51 u16, raw: 0..1000, eu: 0..10 m, safe: hold, range: 0..9 m, proof: readback within 1 s, foreign: adopt}
  gate:  {at: plc hr 60.3, bits: mask, safe: hold, proof: readback within 1 s, foreign: adopt}
groups:
  both: {write: [left, right]}
readable: {plc: [ir 100..109]}
signals: {}
permissives:
  - {id: P-01, for: speed, needs: level > 1 m, why: no water no speed}
always: []
exclusive: []
trips: []
confirm: []
safe_state: {order: [], each_within: 500 ms, on: []}
restart: hold
controllers:
  ai:
    outputs: "*"
    lease: {beat: register 247:0, every: 2 s, lapses_after: 20 s, then: hold}
    priority: 9
    command_max_age: 500 ms
    client_timeout: 2 s
    answer: after ack
  free:
    outputs: [lamp]
    lease: {beat: command, lapses_after: 20 s, then: hold}
    priority: 12
    command_max_age: 500 ms
    client_timeout: 2 s
    answer: after ack
    functions: [1, 2, 3, 4, 5]
approvals: {}
hazards: []
`;
}

export type GatewayPlace = {
  readonly directory: string;
  readonly siteFile: string;
  readonly evidence: string;
  readonly ports: { readonly ai: number; readonly free: number; readonly nobody: number };
};

/** Site, profile and evidence of one gateway in a directory of its own. */
export async function makePlace(
  plcPort: number,
  change: (site: string) => string = (site) => site,
  profile: string = writeProfile(),
): Promise<GatewayPlace> {
  const directory = mkdtempSync(join(tmpdir(), "hp-gw-"));
  const [ai = 0, free = 0, nobody = 0] = await freePorts(3);
  const listen = [ai, free, nobody].map((port) => `127.0.0.1:${port}: {1: plc}`).join(", ");
  const site = `site: test
gateway: gw-1
profile: ./profile.yaml
devices:
  plc: {tcp: 127.0.0.1:${plcPort}, unit: 1}
doors:
  modbus:
    listen: {${listen}}
    clients: {127.0.0.1:${ai}: {"*": ai}, 127.0.0.1:${free}: {127.0.0.1: free}}
    own_unit: ${OWN_UNIT}
evidence: {dir: ./evidence}
`;
  writeFileSync(join(directory, "profile.yaml"), profile);
  const siteFile = join(directory, "site.yaml");
  writeFileSync(siteFile, change(site));
  const ports = { ai, free, nobody };
  return { directory, siteFile, evidence: join(directory, "evidence"), ports };
}

/** `holdpoint run` over a place, as a process tree. */
export class GatewayProcess {
  readonly place: GatewayPlace;
  readonly runDirectory: string;
  output = "";
  exitCode: number | null = null;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();

  constructor(place: GatewayPlace) {
    this.place = place;
    this.runDirectory = runDirectoryOf(place.siteFile);
  }

  start(): void {
    this.exitCode = null;
    const child = spawnCli(["run", "--site", this.place.siteFile]);
    this.#child = child;
    const take = (bytes: Buffer): void => {
      this.output += bytes.toString();
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    this.#ended = new Promise((resolve) => {
      child.on("close", (code) => {
        this.exitCode = code;
        this.#child = null;
        resolve();
      });
    });
  }

  async status(): Promise<GuardStatus> {
    return await askStatus(this.runDirectory);
  }

  /** Waits until the status meets `met`; says what it was if that takes too long. */
  async until(met: (status: GuardStatus) => boolean): Promise<GuardStatus> {
    let last: GuardStatus | null = null;
    for (const giveUpAt = performance.now() + WITHIN_MS; performance.now() < giveUpAt;) {
      last = await this.status().catch(() => null);
      if (last !== null && met(last)) return last;
      await wait(20);
    }
    throw new Error(`the gateway did not get there: ${JSON.stringify(last)}\n${this.output}`);
  }

  async untilServing(): Promise<GuardStatus> {
    return await this.until((status) => status.doors.some(({ listening }) => listening.length > 0));
  }

  async untilEnforcing(): Promise<GuardStatus> {
    return await this.until(
      (status) =>
        status.mode === "enforcing" && status.doors.some(({ listening }) => listening.length > 0),
    );
  }

  /** Process ids of the tree's processes whose command line names `program`. */
  async pidOf(program: string): Promise<number> {
    const listed = await runProgram("ps", ["-eo", "pid=,args="]);
    const line = listed.stdout
      .split("\n")
      .find((text) => text.includes(program) && text.includes(this.runDirectory));
    if (line === undefined) throw new Error(`${program} does not run`);
    return Number(line.trim().split(" ")[0]);
  }

  async ended(): Promise<number | null> {
    await this.#ended;
    return this.exitCode;
  }

  async stop(): Promise<number | null> {
    this.#child?.kill("SIGTERM");
    return await this.ended();
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.place.directory, { recursive: true, force: true });
    rmSync(this.runDirectory, { recursive: true, force: true });
  }
}

/** A client of the `ai` listener that holds its lease. */
export async function openLeased(port: number): Promise<RawClient> {
  const client = new RawClient(port);
  const answer = await client.ask(adu(1, OWN_UNIT, 6, 0, 0, 0, 77));
  if (answer[7] !== 6) throw new Error("the lease was not taken");
  return client;
}

export type Ended = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a command of `holdpoint` to its end. */
export async function runCli(args: readonly string[]): Promise<Ended> {
  return await runProgram(process.execPath, [builtCli(), ...args]);
}

export async function runProgram(program: string, args: readonly string[]): Promise<Ended> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (bytes: Buffer) => {
      stdout += bytes.toString();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
      return server;
    }),
  );
  return await Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      await new Promise((resolve) => {
        server.close(resolve);
      });
      return port;
    }),
  );
}

function spawnCli(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [builtCli(), ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

function builtCli(): string {
  if (!existsSync(CLI)) throw new Error("system tests run what was built: npm run build first");
  return CLI;
}
