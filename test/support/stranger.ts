import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import jsmodbus from "jsmodbus";
import modbusSerial from "modbus-serial";
import { compileModbusPeer, pythonPeer, requireDebian, runPeer } from "./peer-process.js";

/** One request: reads have one value, their quantity; 22 has its AND and OR mask; 5 and 15 have 0s and 1s. */
export type Step = readonly [code: number, address: number, ...values: readonly number[]];

/** Somebody else's client: carries out steps in order and tells of each "ok", the values read, or "exception N". */
export type Stranger = {
  readonly name: string;
  /** Functions it can ask. */
  readonly speaks: readonly number[];
  readonly run: (port: number, unit: number, steps: readonly Step[]) => Promise<readonly string[]>;
};

const TIMEOUT_MS = 25_000;

export const strangers: readonly Stranger[] = [
  { name: "modbus-serial", speaks: [1, 2, 3, 4, 5, 6, 15, 16, 22, 90], run: runModbusSerial },
  { name: "jsmodbus", speaks: [1, 2, 3, 4, 5, 6, 15, 16], run: runJsmodbus },
  { name: "libmodbus", speaks: [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 8, 17, 90], run: runLibmodbus },
  { name: "mbpoll", speaks: [1, 2, 3, 4, 5, 6, 15, 16], run: runMbpoll },
  { name: "pymodbus", speaks: [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 8, 17], run: runPymodbus },
];

async function runModbusSerial(
  port: number,
  unit: number,
  steps: readonly Step[],
): Promise<readonly string[]> {
  const client = new modbusSerial.default();
  await client.connectTCP("127.0.0.1", { port });
  client.setID(unit);
  client.setTimeout(TIMEOUT_MS);
  const told: string[] = [];
  for (const step of steps) {
    told.push(
      await askModbusSerial(client, step).catch((error: unknown) =>
        tell(exceptionIn(error, "modbusCode")),
      ),
    );
  }
  await new Promise<void>((resolve) => {
    client.close(() => {
      resolve();
    });
  });
  return told;
}

async function askModbusSerial(
  client: InstanceType<typeof modbusSerial.default>,
  [code, address, ...values]: Step,
): Promise<string> {
  const [first = 0, second = 0] = values;
  switch (code) {
    case 1:
      return bitsTold((await client.readCoils(address, first)).data, first);
    case 2:
      return bitsTold((await client.readDiscreteInputs(address, first)).data, first);
    case 3:
      return (await client.readHoldingRegisters(address, first)).data.join(" ");
    case 4:
      return (await client.readInputRegisters(address, first)).data.join(" ");
    case 5:
      return okAfter(await client.writeCoil(address, first !== 0));
    case 6:
      return okAfter(await client.writeRegister(address, first));
    case 15:
      return okAfter(await client.writeCoils(address, values.map(Boolean)));
    case 16:
      return okAfter(await client.writeRegisters(address, [...values]));
    case 22:
      return okAfter(await client.maskWriteRegister(address, first, second));
    default:
      return okAfter(await client.customFunction(code, [...values]));
  }
}

async function runJsmodbus(
  port: number,
  unit: number,
  steps: readonly Step[],
): Promise<readonly string[]> {
  const socket = connect({ host: "127.0.0.1", port });
  const client = new jsmodbus.client.TCP(socket, unit, TIMEOUT_MS);
  await once(socket, "connect");
  const told: string[] = [];
  for (const step of steps) {
    told.push(await askJsmodbus(client, step).catch((error: unknown) => tell(codeOf(error))));
  }
  socket.destroy();
  return told;
}

async function askJsmodbus(
  client: InstanceType<typeof jsmodbus.client.TCP>,
  [code, address, ...values]: Step,
): Promise<string> {
  const [first = 0] = values;
  switch (code) {
    case 1: {
      const { response } = await client.readCoils(address, first);
      return [...response.body.valuesAsArray].slice(0, first).join(" ");
    }
    case 2: {
      const { response } = await client.readDiscreteInputs(address, first);
      return [...response.body.valuesAsArray].slice(0, first).join(" ");
    }
    case 3:
      return (await client.readHoldingRegisters(address, first)).response.body.valuesAsArray.join(
        " ",
      );
    case 4:
      return (await client.readInputRegisters(address, first)).response.body.valuesAsArray.join(
        " ",
      );
    case 5:
      return okAfter(await client.writeSingleCoil(address, first !== 0));
    case 6:
      return okAfter(await client.writeSingleRegister(address, first));
    case 15:
      return okAfter(await client.writeMultipleCoils(address, values.map(Boolean)));
    default:
      return okAfter(await client.writeMultipleRegisters(address, [...values]));
  }
}

async function runLibmodbus(
  port: number,
  unit: number,
  steps: readonly Step[],
): Promise<readonly string[]> {
  const program = await compileModbusPeer("gateway-client");
  return linesOf(await runPeer(program, [String(port), String(unit), ...steps.map(written)]));
}

async function runPymodbus(
  port: number,
  unit: number,
  steps: readonly Step[],
): Promise<readonly string[]> {
  await requireDebian("python3-pymodbus");
  const [python, script] = pythonPeer("gateway_client");
  const args = [script, String(port), String(unit), ...steps.map(written)];
  return linesOf(await runPeer(python, args));
}

/** Table of mbpoll's -t for each function. */
const TABLES: Readonly<Record<number, string>> = {
  1: "0",
  2: "1",
  3: "4",
  4: "3",
  5: "0",
  6: "4",
  15: "0",
  16: "4",
};
const MBPOLL_EXCEPTIONS: Readonly<Record<string, number>> = {
  "Illegal function": 1,
  "Illegal data address": 2,
  "Illegal data value": 3,
  "Slave device or server failure": 4,
  "Slave device or server is busy": 6,
  "Gateway path unavailable": 10,
  "Target device failed to respond": 11,
};

async function runMbpoll(
  port: number,
  unit: number,
  steps: readonly Step[],
): Promise<readonly string[]> {
  await requireDebian("mbpoll");
  const told: string[] = [];
  for (const [code, address, ...values] of steps) {
    const place = ["-t", TABLES[code] ?? "", "-r", String(address)];
    const line = [
      "-m",
      "tcp",
      "-p",
      String(port),
      "-a",
      String(unit),
      "-0",
      "-1",
      "-o",
      "9",
      ...place,
    ];
    const isRead = code <= 4;
    const more = isRead
      ? ["-c", String(values[0]), "127.0.0.1"]
      : ["127.0.0.1", ...values.map(String)];
    told.push(mbpollTold(await runAnyhow("mbpoll", [...line, ...more]), isRead));
  }
  return told;
}

function mbpollTold(output: string, isRead: boolean): string {
  const [, failure] = /failed: (.*)/.exec(output) ?? [];
  if (failure !== undefined) return tell(MBPOLL_EXCEPTIONS[failure.trim()] ?? failure);
  if (!isRead) return /Written \d+ references/.test(output) ? "ok" : output;
  return [...output.matchAll(/^\[\d+\]:\s+(\d+)/gm)].map(([, value]) => value).join(" ");
}

/** What it printed, however it ended. */
async function runAnyhow(program: string, args: readonly string[]): Promise<string> {
  return await new Promise((resolve) => {
    execFile(program, [...args], { timeout: TIMEOUT_MS }, (_, stdout, stderr) => {
      resolve(`${stdout}\n${stderr}`);
    });
  });
}

function written([code, address, ...values]: Step): string {
  return `${code}:${address}:${values.join(",")}`;
}

function linesOf(output: string): readonly string[] {
  return output.trim().split("\n");
}

function bitsTold(bits: readonly boolean[], count: number): string {
  return bits.slice(0, count).map(Number).join(" ");
}

function okAfter(answer: object): string {
  return typeof answer === "object" ? "ok" : "nothing";
}

function tell(exception: number | string): string {
  return typeof exception === "number" ? `exception ${exception}` : exception;
}

function exceptionIn(error: unknown, key: string): number | string {
  const value: unknown =
    typeof error === "object" && error !== null
      ? Object.entries(error).find(([name]) => name === key)?.[1]
      : null;
  return typeof value === "number" ? value : String(error);
}

/** jsmodbus keeps the answer that bears the exception. */
function codeOf(error: unknown): number | string {
  const text = JSON.stringify(error);
  const [, code] = /"_code":(\d+)/.exec(text) ?? [];
  return code === undefined ? text : Number(code);
}
