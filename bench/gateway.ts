import { mkdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startChild } from "./child-process.js";
import type { Subject } from "./measurement.js";
import { openCall } from "./modbus-call.js";
import { processTree } from "./process-tree.js";
import { writeBenchProfile } from "./profile.js";
import type { SubjectName } from "./scene.js";

/** How a gateway is started over a site file: a program that prints a first line and ends on SIGTERM. */
export type GatewayCommand = (siteFile: string) => readonly string[];

export type GatewayPlace = {
  readonly dir: string;
  readonly command: GatewayCommand;
  /** Further lines of the site file. */
  readonly site?: readonly string[];
};

/** Evidence of a gateway that {@link startGateway} started in `dir`. */
export function evidenceOf(dir: string): string {
  return join(dir, "evidence");
}

const OWN_UNIT = 247;
const ENFORCING = 2;
const READY_WITHIN_MS = 30_000;
const BEAT_EVERY_MS = 1_000;

/**
 * Starts a gateway over these devices with a profile, a site file and an evidence folder of its own under `dir`,
 * waits until it enforces, and keeps the lease of the load's controller alive. Throws when it does not come up.
 */
export async function startGateway(
  name: SubjectName,
  devicePorts: readonly number[],
  place: GatewayPlace,
): Promise<Subject> {
  mkdirSync(place.dir, { recursive: true });
  const port = await freePort();
  const siteFile = join(place.dir, "site.yaml");
  writeFileSync(join(place.dir, "profile.yaml"), writeBenchProfile(devicePorts.length));
  const further = place.site ?? [];
  writeFileSync(siteFile, [...writeSite(port, devicePorts), ...further, ""].join("\n"));
  const child = await startChild(process.execPath, place.command(siteFile));
  await waitUntilEnforcing(port);
  const stopBeats = await startBeats(port);
  return {
    name,
    port,
    pids: processTree(child.pid).filter((pid) => pid !== child.pid),
    siteFile,
    stop: async () => {
      stopBeats();
      await child.stop();
    },
  };
}

function writeSite(port: number, devicePorts: readonly number[]): readonly string[] {
  const units = devicePorts.map((_, index) => `${index + 1}: plc${index}`).join(", ");
  return [
    "site: bench",
    "gateway: gw-1",
    "profile: ./profile.yaml",
    "devices:",
    ...devicePorts.map((device, index) => `  plc${index}: {tcp: 127.0.0.1:${device}, unit: 1}`),
    "doors:",
    "  modbus:",
    `    listen: {127.0.0.1:${port}: {${units}}}`,
    `    clients: {127.0.0.1:${port}: {127.0.0.1: ai}}`,
    `    own_unit: ${OWN_UNIT}`,
    "evidence: {dir: ./evidence, reserve: 1 MB, high_water: 98 %}",
  ];
}

/** Input register 1 of the gateway's own unit is its mode. */
async function waitUntilEnforcing(port: number): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  let last = "it does not listen";
  while (performance.now() < giveUpAt) {
    const mode = await readMode(port);
    if (mode === ENFORCING) return;
    if (mode !== null) last = `its mode is ${mode}`;
    await wait(100);
  }
  throw new Error(`the gateway was not enforcing within 30 s: ${last}`);
}

async function readMode(port: number): Promise<number | null> {
  try {
    const call = await openCall(port);
    const reply = await call.ask(OWN_UNIT, [4, 0, 1, 0, 1]);
    call.close();
    return reply[0] === 4 && reply.length === 4 ? reply.readUInt16BE(2) : null;
  } catch {
    return null;
  }
}

/** The load's controller is known by this machine's address, so its lease can be beaten from here. */
async function startBeats(port: number): Promise<() => void> {
  const call = await openCall(port);
  let beat = 0;
  const send = async (): Promise<void> => {
    beat = (beat + 1) % 65_536;
    const reply = await call.ask(OWN_UNIT, [6, 0, 0, beat >> 8, beat & 0xff]);
    if (reply[0] !== 6) throw new Error(`the lease was not taken: exception ${reply[1] ?? 0}`);
  };
  await send();
  const timer = setInterval(() => {
    // A beat that fails shows as refused writes, which the report counts.
    send().catch(() => undefined);
  }, BEAT_EVERY_MS);
  return () => {
    clearInterval(timer);
    call.close();
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
