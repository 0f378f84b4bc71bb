import { once } from "node:events";
import { connect } from "node:net";
import jsmodbus from "jsmodbus";
import modbusSerial from "modbus-serial";
import { describe, expect, it, onTestFinished } from "vitest";
import { startModbusServer, type ModbusServer } from "../support/modbus-server.js";
import { compileModbusPeer, pythonPeer, requireDebian, runPeer } from "../support/peer-process.js";

/** Clients that are not ours against a server of memory that speaks through our codec. */
const EXCEPTION = 112_345_678;

describe("modbus-serial as client", () => {
  it("writes and reads through the codec", async () => {
    const server = await startServer();
    const client = new modbusSerial.default();
    await client.connectTCP("127.0.0.1", { port: server.port });
    onTestFinished(() => {
      client.close(() => undefined);
    });
    client.setID(1);
    client.setTimeout(10_000);
    await client.writeCoil(7, true);
    await client.writeCoils(100, [true, false, true]);
    await client.writeRegister(7, 65_535);
    await client.writeRegisters(100, [1, 2, 65_535]);
    await client.maskWriteRegister(7, 0x00f2, 0x0025);
    expect((await client.readCoils(100, 8)).data).toEqual(bitsOf("10100000"));
    expect((await client.readDiscreteInputs(0, 8)).data).toEqual(bitsOf("01010101"));
    expect((await client.readInputRegisters(5, 3)).data).toEqual([5, 6, 7]);
    expect((await client.readHoldingRegisters(7, 1)).data).toEqual([0xf7]);
    expect((await client.readHoldingRegisters(100, 4)).data).toEqual([1, 2, 65_535, 0]);
    const identity = await client.readDeviceIdentification(2, 0);
    expect(Object.values(identity.data)).toEqual(["Holdpoint", "TEST-1", "V1.0", "memory"]);
    expect(functionsOf(server)).toEqual([5, 15, 6, 16, 22, 1, 2, 4, 3, 3, 43]);
    await expect(client.readHoldingRegisters(65_535, 2)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(client.readHoldingRegisters(0, 126)).rejects.toMatchObject({ modbusCode: 3 });
  });
});

describe("jsmodbus as client", () => {
  it("writes and reads through the codec", async () => {
    const server = await startServer();
    const client = await connectJsmodbus(server);
    await client.writeSingleCoil(7, true);
    await client.writeMultipleCoils(100, [true, false, true]);
    await client.writeSingleRegister(7, 65_535);
    await client.writeMultipleRegisters(100, [1, 2, 65_535]);
    const coils = await client.readCoils(100, 8);
    expect(coils.response.body.valuesAsArray).toEqual([1, 0, 1, 0, 0, 0, 0, 0]);
    const inputs = await client.readInputRegisters(5, 3);
    expect(inputs.response.body.valuesAsArray).toEqual([5, 6, 7]);
    const registers = await client.readHoldingRegisters(100, 4);
    expect(registers.response.body.valuesAsArray).toEqual([1, 2, 65_535, 0]);
    expect(functionsOf(server)).toEqual([5, 15, 6, 16, 1, 4, 3]);
    await expect(client.readHoldingRegisters(65_535, 2)).rejects.toMatchObject({
      err: "ModbusException",
    });
  });

  it("has sixteen requests carried out in the order it sent them", async () => {
    const server = await startServer();
    const client = await connectJsmodbus(server);
    const values = Array.from({ length: 16 }, (_, n) => n);
    await Promise.all(values.map(async (n) => client.writeSingleRegister(n, n)));
    expect(server.journal.map((request) => "address" in request && request.address)).toEqual(
      values,
    );
  });
});

describe("libmodbus as client", () => {
  it("writes and reads through the codec, and is refused what is not served", async () => {
    const server = await startServer();
    const program = await compileModbusPeer("modbus-client");
    const lines = (await runPeer(program, [String(server.port), "17"])).trim().split("\n");
    expect(lines).toEqual([
      "write-coil ok",
      "write-coils ok",
      "write-register ok",
      "write-registers ok",
      "mask-register ok",
      "coils 1 0 1 1 0 0 0 0 0 1",
      "inputs 0 1 0 1 0 1 0 1 0",
      "most-coils ok",
      "input-registers 5 6 7",
      "registers 247",
      "write-and-read 1 11 22 0",
      `beyond error ${EXCEPTION + 2}`,
      "function-8 raw 136 1",
      "function-90 raw 218 1",
      "smuggled raw 144 3",
      "coil-value raw 133 3",
      "registers-again 0 0 0",
    ]);
    expect(server.memory.co[7]).toBe(true);
  });
});

describe("mbpoll as client", () => {
  const poll = async (server: ModbusServer, ...args: readonly string[]): Promise<string> => {
    await requireDebian("mbpoll");
    const [host, ...values] = ["127.0.0.1", ...args.filter((arg) => !arg.startsWith("-"))];
    const options = args.filter((arg) => arg.startsWith("-"));
    const line = ["-m", "tcp", "-p", String(server.port), "-a", "1", "-0", "-1", ...options];
    return runPeer("mbpoll", [...line, host, ...values]);
  };

  it("writes registers and coils, one and many", async () => {
    const server = await startServer();
    expect(await poll(server, "-t4", "-r7", "1234")).toContain("Written 1 references");
    expect(await poll(server, "-t4", "-r100", "1", "2", "65535")).toContain("Written 3 references");
    expect(await poll(server, "-t0", "-r7", "1")).toContain("Written 1 references");
    expect(await poll(server, "-t0", "-r100", "1", "0", "1")).toContain("Written 3 references");
    expect(functionsOf(server)).toEqual([6, 16, 5, 15]);
    expect([...server.memory.hr.slice(100, 104)]).toEqual([1, 2, 65_535, 0]);
    expect(server.memory.hr[7]).toBe(1234);
    expect(server.memory.co.slice(99, 104)).toEqual(bitsOf("01010"));
  });

  it("reads all four tables", async () => {
    const server = await startServer();
    server.memory.hr.set([10, 20], 100);
    expect(await poll(server, "-t4", "-r100", "-c2")).toMatch(/\[100\]:\s+10\n\[101\]:\s+20/);
    expect(await poll(server, "-t3", "-r5", "-c2")).toMatch(/\[5\]:\s+5\n\[6\]:\s+6/);
    expect(await poll(server, "-t1", "-r4", "-c2")).toMatch(/\[4\]:\s+0\n\[5\]:\s+1/);
    expect(await poll(server, "-t0", "-r0", "-c2")).toMatch(/\[0\]:\s+0\n\[1\]:\s+0/);
    expect(functionsOf(server)).toEqual([3, 4, 2, 1]);
  });
});

describe("pymodbus as client", () => {
  it("writes and reads through the codec", async () => {
    await requireDebian("python3-pymodbus");
    const server = await startServer();
    const [python, script] = pythonPeer("modbus_client");
    const told: unknown = JSON.parse(await runPeer(python, [script, String(server.port)]));
    expect(told).toEqual({
      "write-coil": "ok",
      "write-coils": "ok",
      "write-register": "ok",
      "write-registers": "ok",
      "mask-register": "ok",
      coils: [1, 0, 1, 0, 0, 0, 0, 0],
      inputs: [0, 1, 0, 1, 0, 1, 0, 1],
      "input-registers": [5, 6, 7],
      registers: [0xf7],
      "write-and-read": [1, 11, 22, 0],
      beyond: { exception: 2 },
      identity: { "0": "Holdpoint", "1": "TEST-1", "2": "V1.0", "4": "memory" },
    });
  });
});

/** It learns that it is connected only from the event. */
async function connectJsmodbus(
  server: ModbusServer,
): Promise<InstanceType<typeof jsmodbus.client.TCP>> {
  const socket = connect({ host: "127.0.0.1", port: server.port });
  onTestFinished(() => void socket.destroy());
  const client = new jsmodbus.client.TCP(socket, 1, 10_000);
  await once(socket, "connect");
  return client;
}

/** Input n reads n, odd discrete inputs are set. */
async function startServer(): Promise<ModbusServer> {
  const server = await startModbusServer();
  onTestFinished(server.close);
  server.memory.ir.forEach((_, n, all) => (all[n] = n));
  server.memory.di.forEach((_, n, all) => (all[n] = n % 2 === 1));
  return server;
}

function functionsOf(server: ModbusServer): readonly number[] {
  return server.journal.map((request) => request.function);
}

function bitsOf(digits: string): readonly boolean[] {
  return Array.from(digits, (digit) => digit === "1");
}
