import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import {
  freePorts,
  GatewayProcess,
  makePlace,
  openLeased,
  OWN_UNIT,
  runCli,
  writeProfile,
} from "../support/gateway-process.js";
import { startModbusServer, type ModbusServer } from "../support/modbus-server.js";
import { adu, RawClient, words } from "../support/raw-client.js";

const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function startPlc(): Promise<ModbusServer> {
  const plc = await startModbusServer();
  endings.push(async () => {
    await plc.close();
  });
  plc.memory.ir[0] = 1;
  plc.memory.ir[10] = 500;
  plc.memory.hr[41] = 3_000;
  return plc;
}

async function startGateway(plcPort: number, profile?: string): Promise<GatewayProcess> {
  const place = await makePlace(plcPort, undefined, profile);
  const gateway = new GatewayProcess(place);
  endings.push(async () => {
    await gateway.dispose();
  });
  gateway.start();
  return gateway;
}

async function start(): Promise<{ plc: ModbusServer; gateway: GatewayProcess }> {
  const plc = await startPlc();
  const gateway = await startGateway(plc.port);
  await gateway.untilEnforcing();
  return { plc, gateway };
}

function client(port: number): RawClient {
  const made = new RawClient(port);
  endings.push(async () => {
    made.close();
    await Promise.resolve();
  });
  return made;
}

async function leased(gateway: GatewayProcess): Promise<RawClient> {
  const made = await openLeased(gateway.place.ports.ai);
  endings.push(async () => {
    made.close();
    await Promise.resolve();
  });
  return made;
}

function writesOf(plc: ModbusServer): readonly number[] {
  return plc.journal.map((request) => request.function).filter((code) => code > 4);
}

async function answerOf(from: RawClient, ...pdu: readonly number[]): Promise<readonly number[]> {
  return [...(await from.ask(adu(7, 1, ...pdu))).slice(7)];
}

describe("the gateway as processes, between a client and a device", () => {
  it("carries out what the profile permits, and refuses the rest by the table of exceptions", async () => {
    const { plc, gateway } = await start();
    const ai = await leased(gateway);
    expect(await answerOf(ai, 6, 0, 41, 0x0f, 0xa0)).toEqual([6, 0, 41, 0x0f, 0xa0]);
    expect(plc.memory.hr[41]).toBe(4_000);
    expect(await answerOf(ai, 6, 0, 41, 0x17, 0x70)).toEqual([0x86, 3]);
    expect(await answerOf(ai, 6, 0, 99, 0, 1)).toEqual([0x86, 2]);
    expect(await answerOf(ai, 8, 0, 1, 0, 0)).toEqual([0x88, 1]);
    expect(await answerOf(ai, 90, 1)).toEqual([0xda, 1]);
    expect(await answerOf(ai, 16, 0, 50, 0, 2, 3, 0, 1, 0, 2)).toEqual([0x90, 3]);
    expect([...(await ai.ask(adu(1, 9, 6, 0, 41, 0, 1))).slice(7)]).toEqual([0x86, 0x0a]);
    expect(await answerOf(ai, 16, 0, 50, 0, 2, 4, 0, 100, 0, 200)).toEqual([16, 0, 50, 0, 2]);
    expect(await answerOf(ai, 5, 0, 2, 0xff, 0)).toEqual([5, 0, 2, 0xff, 0]);
    expect(await answerOf(ai, 22, 0, 60, 0xff, 0xf7, 0, 8)).toEqual([22, 0, 60, 0xff, 0xf7, 0, 8]);
    expect(await answerOf(ai, 23, 0, 50, 0, 2, 0, 50, 0, 2, 4, 0, 101, 0, 201)).toEqual([
      23, 4, 0, 101, 0, 201,
    ]);
    expect(writesOf(plc)).toEqual([6, 16, 5, 22, 16]);
    expect([plc.memory.hr[50], plc.memory.hr[51], plc.memory.hr[60]]).toEqual([101, 201, 8]);
  });

  it("refuses a write without a lease with 6, and says why in the why block [HP-057]", async () => {
    const { plc, gateway } = await start();
    const ai = client(gateway.place.ports.ai);
    expect(await answerOf(ai, 6, 0, 41, 0x0f, 0xa0)).toEqual([0x86, 6]);
    const why = await ai.ask(adu(1, OWN_UNIT, 4, 0, 16, 0, 15));
    expect(why.slice(9, 13)).toEqual(words(2, 25));
    expect(writesOf(plc)).toEqual([]);
  });

  it("refuses while an input that a rule needs says no, and permits when it says yes", async () => {
    const { plc, gateway } = await start();
    const ai = await leased(gateway);
    plc.memory.ir[10] = 50;
    let answer = await answerOf(ai, 6, 0, 41, 0x0f, 0xa0);
    while (answer[0] === 6) answer = await answerOf(ai, 6, 0, 41, 0x0f, 0xa0);
    expect(answer).toEqual([0x86, 6]);
    plc.memory.ir[10] = 500;
    while (answer[0] !== 6) answer = await answerOf(ai, 6, 0, 41, 0x0f, 0xb0);
    expect(plc.memory.hr[41]).toBe(0x0fb0);
  });

  it("gives each client only what its controller may do, and nobody anything [HP-059 refuses]", async () => {
    const { plc, gateway } = await start();
    const free = client(gateway.place.ports.free);
    expect(await answerOf(free, 5, 0, 2, 0xff, 0)).toEqual([5, 0, 2, 0xff, 0]);
    expect(await answerOf(free, 6, 0, 41, 0x0f, 0xa0)).toEqual([0x86, 1]);
    expect(await answerOf(free, 4, 0, 10, 0, 1)).toEqual([4, 2, 1, 0xf4]);
    const nobody = client(gateway.place.ports.nobody);
    expect(await answerOf(nobody, 5, 0, 2, 0, 0)).toEqual([0x85, 1]);
    expect(await answerOf(nobody, 4, 0, 10, 0, 1)).toEqual([0x84, 1]);
    expect(writesOf(plc)).toEqual([5]);
  });

  it("says UNSIGNED and that the split is not enforced, in what it prints and in its status [HP-083]", async () => {
    const { gateway } = await start();
    expect(gateway.output).toContain("UNSIGNED; split: NOT ENFORCED");
    const status = await runCli(["status", "--site", gateway.place.siteFile]);
    expect(status.stdout).toContain("UNSIGNED");
    expect(status.stdout).toContain("NOT ENFORCED");
    expect(await gateway.stop()).toBe(0);
    const shown = await runCli(["evidence", "tail", gateway.place.evidence, "-n", "1000"]);
    expect(shown.stdout).toContain("unsigned");
  });

  it("ends cleanly on SIGTERM, and its evidence verifies and replays over several runs", async () => {
    const { gateway } = await start();
    const ai = await leased(gateway);
    await answerOf(ai, 6, 0, 41, 0x0f, 0xa0);
    await answerOf(ai, 6, 0, 41, 0x17, 0x70);
    expect(await gateway.stop()).toBe(0);
    gateway.start();
    await gateway.untilEnforcing();
    const again = await leased(gateway);
    expect(await answerOf(again, 6, 0, 41, 0x0c, 0x80)).toEqual([6, 0, 41, 0x0c, 0x80]);
    expect(await gateway.stop()).toBe(0);
    const verified = await runCli(["evidence", "verify", "--replay", gateway.place.evidence]);
    expect(verified.stdout).not.toContain("FAIL");
    expect(verified.stdout).toContain("2 runs");
    expect(verified.code).toBe(0);
  });

  it("revokes every lease when a person stops the AI", async () => {
    const { gateway } = await start();
    const ai = await leased(gateway);
    await answerOf(ai, 6, 0, 41, 0x0f, 0xa0);
    const stopped = await runCli(["stop-ai", "--site", gateway.place.siteFile, "--why", "test"]);
    expect(stopped.code).toBe(0);
    await gateway.until(({ controllers }) => controllers.every(({ lease }) => lease === "none"));
    expect(await answerOf(ai, 6, 0, 41, 0x0c, 0x80)).toEqual([0x86, 6]);
  });
});

describe("the gateway when something is away", () => {
  it("comes up without its PLC, says so, releases nothing, and recovers by itself [HP-045] [HP-082]", async () => {
    const [port = 0] = await freePorts(1);
    const gateway = await startGateway(port);
    const starting = await gateway.untilServing();
    expect(starting.mode).toBe("starting");
    const ai = client(gateway.place.ports.ai);
    expect(await answerOf(ai, 4, 0, 10, 0, 1)).toEqual([0x84, 0x0b]);
    expect((await answerOf(ai, 6, 0, 41, 0x0f, 0xa0))[0]).toBe(0x86);
    const plc = await startPlcOn(port);
    await gateway.untilEnforcing();
    expect(await answerOf(ai, 4, 0, 10, 0, 1)).toEqual([4, 2, 1, 0xf4]);
    expect(writesOf(plc)).toEqual([]);
  });

  it("answers reads 0x0B when the PLC is gone, and again with numbers when it is back [HP-045]", async () => {
    const { plc, gateway } = await start();
    const ai = client(gateway.place.ports.ai);
    const { port } = plc;
    await plc.close();
    await gateway.until(({ devices }) => devices[0]?.condition === "down");
    expect(await answerOf(ai, 4, 0, 10, 0, 1)).toEqual([0x84, 0x0b]);
    await startPlcOn(port);
    await gateway.until(({ devices }) => devices[0]?.condition === "up");
    expect(await answerOf(ai, 4, 0, 10, 0, 1)).toEqual([4, 2, 1, 0xf4]);
  });

  it("takes the inputs of a PLC whose program stands still for BAD, and its reads for silent [HP-045]", async () => {
    const plc = await startPlc();
    const counting = setInterval(() => {
      plc.memory.ir[99] = ((plc.memory.ir[99] ?? 0) + 1) & 0xffff;
    }, 20);
    endings.push(async () => {
      clearInterval(counting);
      await Promise.resolve();
    });
    const profile = writeProfile({ alive: "{at: ir 99 u16, changes_within: 500 ms}" });
    const gateway = await startGateway(plc.port, profile);
    await gateway.untilEnforcing();
    const ai = await leased(gateway);
    expect(await answerOf(ai, 6, 0, 41, 0x0f, 0xa0)).toEqual([6, 0, 41, 0x0f, 0xa0]);
    clearInterval(counting);
    await gateway.until(({ devices }) => devices[0]?.condition === "program-stopped");
    expect(await answerOf(ai, 6, 0, 41, 0x0f, 0xb0)).toEqual([0x86, 4]);
    expect(await answerOf(ai, 4, 0, 10, 0, 1)).toEqual([0x84, 0x0b]);
  });

  it("starts a killed door again, which then serves as before [HP-080]", async () => {
    const { gateway } = await start();
    const before = client(gateway.place.ports.ai);
    expect((await answerOf(before, 4, 0, 10, 0, 1))[0]).toBe(4);
    process.kill(await gateway.pidOf("main-door-modbus"), "SIGKILL");
    await before.rest();
    await gateway.until(({ doors }) => doors.length === 0);
    await gateway.untilServing();
    const ai = await leased(gateway);
    expect(await answerOf(ai, 6, 0, 41, 0x0f, 0xa0)).toEqual([6, 0, 41, 0x0f, 0xa0]);
  });

  it("answers 4 or 0x0B while the guard is dead, and goes on when it is back [HP-080]", async () => {
    const { gateway } = await start();
    const ai = await leased(gateway);
    await answerOf(ai, 6, 0, 41, 0x0f, 0xa0);
    const guard = await gateway.pidOf("main-guard");
    // Held, so that the command is with the guard and not answered when it dies.
    process.kill(guard, "SIGSTOP");
    ai.send(adu(1, 1, 6, 0, 41, 0x0f, 0xb0));
    // The door has gone round twice since: what came before is handed over.
    const other = client(gateway.place.ports.ai);
    for (let round = 0; round < 2; round++) await answerOf(other, 4, 0, 10, 0, 1);
    process.kill(guard, "SIGKILL");
    expect([...(await ai.take(9)).slice(7)]).toEqual([0x86, 0x0b]);
    expect(await answerOf(ai, 6, 0, 41, 0x0f, 0xc0)).toEqual([0x86, 4]);
    const back = await gateway.untilEnforcing();
    expect(back.boot).toBe(2);
    const again = await leased(gateway);
    expect(await answerOf(again, 6, 0, 41, 0x0f, 0xd0)).toEqual([6, 0, 41, 0x0f, 0xd0]);
    expect(await gateway.stop()).toBe(0);
    const verified = await runCli(["evidence", "verify", "--replay", gateway.place.evidence]);
    expect(verified.stdout).not.toContain("FAIL");
  });

  it("sends no write that waited while the guard stood still: all are refused as stale [HP-081]", async () => {
    const { plc, gateway } = await start();
    const ai = await leased(gateway);
    await answerOf(ai, 6, 0, 41, 0x0f, 0xa0);
    const guard = await gateway.pidOf("main-guard");
    process.kill(guard, "SIGSTOP");
    const frames = Array.from({ length: 8 }, (_, index) => adu(index, 1, 6, 0, 41, 0x0c, index));
    ai.send(...frames);
    // The thing itself: longer than any command may wait.
    await wait(1_500);
    process.kill(guard, "SIGCONT");
    const answers = await ai.take(8 * 9);
    for (let index = 0; index < 8; index++) {
      expect(answers.slice(index * 9, index * 9 + 9)).toEqual(adu(index, 1, 0x86, 6));
    }
    expect(writesOf(plc)).toEqual([6]);
    const status = await gateway.status();
    expect(status.reasons["stale"]).toBeGreaterThan(0);
  });

  it("refuses what lay in a stopped door as stale, too", async () => {
    const { plc, gateway } = await start();
    const ai = await leased(gateway);
    const door = await gateway.pidOf("main-door-modbus");
    process.kill(door, "SIGSTOP");
    ai.send(adu(1, 1, 6, 0, 41, 0x0c, 1));
    await wait(1_500);
    process.kill(door, "SIGCONT");
    expect(await ai.take(9)).toEqual(adu(1, 1, 0x86, 6));
    expect(writesOf(plc)).toEqual([]);
  });
});

describe("the gateway when a person has to mend something", () => {
  it("says in one line that a port is taken, and exits 2 [HP-082]", async () => {
    const plc = await startPlc();
    const place = await makePlace(plc.port);
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(place.ports.ai, "127.0.0.1", resolve);
    });
    const gateway = new GatewayProcess(place);
    endings.push(async () => {
      taken.close();
      await gateway.dispose();
    });
    gateway.start();
    expect(await gateway.ended()).toBe(2);
    const lines = gateway.output.split("\n").filter((line) => line.includes("is taken"));
    expect(lines.filter((line) => !line.includes("a door cannot serve"))).toEqual([
      `holdpoint: 127.0.0.1:${place.ports.ai} is taken by another program: stop it, or change the site's listener`,
    ]);
    expect(gateway.output).not.toMatch(/^ +at /m);
  });

  it("points at an unknown key of the site file, exits 1, and starts nothing", async () => {
    const place = await makePlace(1, (site) => site.replace("gateway:", "gatway:"));
    const gateway = new GatewayProcess(place);
    endings.push(async () => {
      await gateway.dispose();
    });
    gateway.start();
    expect(await gateway.ended()).toBe(1);
    expect(gateway.output).toMatch(/site\.yaml:2:1/);
    expect(gateway.output).not.toContain("Modbus TCP on");
    expect(gateway.output).not.toMatch(/^ +at /m);
  });

  it("points at a mistake in the profile, exits 1, and starts nothing", async () => {
    const profile = writeProfile().replace("range: 25..50 Hz", "range: 25..50 bar");
    const gateway = await startGateway(1, profile);
    expect(await gateway.ended()).toBe(1);
    expect(gateway.output).toMatch(/profile\.yaml:\d+:\d+/);
  });

  it("says in one line that the site file is not there, and exits 2 [HP-082]", async () => {
    const missing = await runCli(["run", "--site", "/nowhere/site.yaml"]);
    expect(missing.code).toBe(2);
    expect(missing.stderr.trim().split("\n")).toHaveLength(1);
  });

  it("refuses a second gateway on the same evidence", async () => {
    const { gateway } = await start();
    const second = await runCli(["run", "--site", gateway.place.siteFile]);
    expect(second.code).toBe(2);
    expect(second.stderr).not.toMatch(/^ +at /m);
    expect((await gateway.status()).mode).toBe("enforcing");
  });
});

async function startPlcOn(port: number): Promise<ModbusServer> {
  const plc = await startModbusServer(port);
  endings.push(async () => {
    await plc.close();
  });
  plc.memory.ir[0] = 1;
  plc.memory.ir[10] = 500;
  plc.memory.hr[41] = 3_000;
  return plc;
}
