import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askOnce, untilDone, writePdu } from "../support/byte-client.js";
import {
  atEnd,
  eventually,
  makeSite,
  readTestProfile,
  runCli,
  startPlant,
  startSite,
  type LiveGateway,
} from "../support/live-gateway.js";
import { answer, createMemory } from "../support/modbus-server.js";
import { replyTo, startRogue } from "../support/rogue-device.js";

/** Loaded into every process of the gateway; in the guard it throws out of nowhere when told by a signal. */
const FAULT = `
if ((process.argv[1] ?? "").includes("main-guard")) {
  process.on("SIGUSR2", () => { throw new Error("planted"); });
}
`;

/** A kernel that throws, when told by a signal: `on` says at which inputs, as an expression over `input`. */
function kernelFault(on: string): string {
  const hooks = `
    export async function load(url, context, next) {
      const loaded = await next(url, context);
      if (!url.endsWith("/kernel/step/step.js")) return loaded;
      const text = String(loaded.source);
      const planted = text.replace("export function step(", \`
        export function step(profile, state, input, nowUs) {
          if (globalThis.planted?.(input)) throw new Error("planted");
          return soundStep(profile, state, input, nowUs);
        }
        function soundStep(\`);
      if (planted === text) throw new Error("no step to plant a fault in");
      return { ...loaded, source: planted };
    }`;
  return `
    import { register } from "node:module";
    if ((process.argv[1] ?? "").includes("main-guard")) {
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));
      process.on("SIGUSR2", () => {
        globalThis.planted = (input) => ${on};
      });
    }`;
}

const SAFE_OUTPUTS = ["valve.open", "lamp.red", "lamp.blue"];

/** The test profile with more than one step to its safe state. */
function longSafeState(): string {
  const lamps = /(lamp\.(?:red|blue):.*)safe: hold/g;
  return readTestProfile()
    .replace(lamps, "$1safe: FALSE, below: none")
    .replace("order: [valve.open]", `order: [${SAFE_OUTPUTS.join(", ")}]`);
}

/** A device that can be made to keep the answers to writes of single coils for itself. */
async function startSlowPlc() {
  const memory = createMemory();
  memory.ir.set([2_000], 10);
  memory.ir.set([4711], 98);
  memory.hr.set([1_000, 100, 100, 100], 40);
  memory.hr.set([200, 100], 60);
  const kept: (() => void)[] = [];
  const writes: (readonly number[])[] = [];
  let isSlow = false;
  const device = await startRogue((request, socket) => {
    memory.ir.set([((memory.ir[99] ?? 0) + 1) & 0xffff], 99);
    const pdu = request.subarray(7);
    const reply = replyTo(request, [...answer(memory, [], pdu)]);
    if ((pdu[0] ?? 0) > 4) writes.push([...pdu]);
    if (isSlow && pdu[0] === 5) kept.push(() => socket.write(reply));
    else socket.write(reply);
  });
  atEnd(device.close);
  return {
    port: device.port,
    writes,
    kept,
    makeSlow: () => {
      isSlow = true;
    },
    /** Gives the answers it has kept, and keeps none any more. */
    makeQuick: () => {
      isSlow = false;
      for (const give of kept.splice(0)) give();
    },
  };
}

async function startFaulty(port: number, fault: string, profile?: string): Promise<LiveGateway> {
  const site = await makeSite(port, profile);
  const file = join(site.folder, "fault.mjs");
  writeFileSync(file, fault);
  return await startSite(site, { NODE_OPTIONS: `--import ${file}` });
}

async function untilLockedOut(gateway: LiveGateway, first: number): Promise<void> {
  await eventually(
    () => `the guard is back, locked out; it said: ${gateway.output()}`,
    async () => {
      const now = await gateway.status().catch(() => null);
      return now?.mode === "locked-out" ? now : null;
    },
  );
  expect(await gateway.guardPid()).not.toBe(first);
}

describe("a fault of the guard's own", () => {
  it("drives the safe state before the process ends, says one line, and stays locked out when started again", async () => {
    const plant = await startPlant();
    plant.memory.co[0] = true;
    const gateway = await startFaulty(plant.port, FAULT);
    expect(plant.memory.co[0]).toBe(true);
    const first = await gateway.guardPid();
    process.kill(first, "SIGUSR2");
    await eventually(
      () => `the safe state is driven; it said: ${gateway.output()}`,
      async () => await Promise.resolve(plant.memory.co[0] === false ? true : null),
    );
    await untilLockedOut(gateway, first);
    expect(gateway.output()).toContain("internal fault: planted");
    expect(gateway.output()).toContain("safe state: valve.open");
    expect(gateway.output()).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect((await gateway.stop()).code).toBe(0);
  });

  it("that recurs on every scan and elsewhere takes no safe step away from a slow PLC, nor the lock-out", async () => {
    const plc = await startSlowPlc();
    const elsewhere = `setInterval(() => { throw new Error("planted again"); }, 20)`;
    const fault = kernelFault(
      `input.kind === "scan" && (globalThis.elsewhere ??= ${elsewhere}) !== null`,
    );
    const gateway = await startFaulty(plc.port, fault, longSafeState());
    const first = await gateway.guardPid();
    plc.makeSlow();
    process.kill(first, "SIGUSR2");
    await eventually(
      () => `faults come while a safe write is not answered; it said: ${gateway.output()}`,
      () =>
        plc.kept.length > 0 && gateway.output().includes("while ending: planted again")
          ? true
          : null,
    );
    plc.makeQuick();
    await untilLockedOut(gateway, first);
    const said = gateway.output();
    expect(said).toMatch(/^holdpoint: internal fault: planted$/m);
    expect(said).toContain(`safe state: ${SAFE_OUTPUTS.join(", ")}`);
    expect(said).toContain("guard ended (code 70); it is started again");
    // Halted: its kernel threw on one scan and never had another.
    expect(said.match(/: planted$/gm)).toHaveLength(1);
    expect((await gateway.stop()).code).toBe(0);
    const verified = await runCli(["evidence", "verify", gateway.evidence, "--replay"]);
    expect(verified.output).not.toContain("FAIL");
    expect(verified).toMatchObject({ code: 0 });
  });

  it("that comes once lets no command through that comes after it [HP-036 refuses]", async () => {
    const plc = await startSlowPlc();
    const once = kernelFault(`input.kind === "scan" && (globalThis.planted = null, true)`);
    const gateway = await startFaulty(plc.port, once);
    await untilDone(gateway.port, writePdu(41, 1));
    expect(plc.writes).toContainEqual(writePdu(41, 1));
    const first = await gateway.guardPid();
    plc.makeSlow();
    process.kill(first, "SIGUSR2");
    await eventually(
      () => `the last resort waits for the PLC; it said: ${gateway.output()}`,
      () => (plc.kept.length > 0 ? true : null),
    );
    const refused = await askOnce(gateway.port, writePdu(41, 2));
    expect(refused[0]).toBe(0x86);
    expect([4, 0x0b]).toContain(refused[1]);
    plc.makeQuick();
    await untilLockedOut(gateway, first);
    expect((await askOnce(gateway.port, writePdu(41, 3)).catch(() => [0x86]))[0]).toBe(0x86);
    expect(plc.writes.filter(([code]) => code === 6)).toEqual([writePdu(41, 1)]);
    expect((await gateway.stop()).code).toBe(0);
  });

  it("is ended by nothing but its own end: a signal to stop meanwhile does not cut it short", async () => {
    const plc = await startSlowPlc();
    const gateway = await startFaulty(plc.port, FAULT, longSafeState());
    const first = await gateway.guardPid();
    plc.makeSlow();
    process.kill(first, "SIGUSR2");
    await eventually("the last resort waits for the PLC", () =>
      plc.kept.length > 0 ? true : null,
    );
    process.kill(first, "SIGTERM");
    plc.makeQuick();
    await untilLockedOut(gateway, first);
    expect(gateway.output()).toContain(`safe state: ${SAFE_OUTPUTS.join(", ")}`);
    expect(gateway.output()).toContain("guard ended (code 70)");
    expect((await gateway.stop()).code).toBe(0);
  });
});
