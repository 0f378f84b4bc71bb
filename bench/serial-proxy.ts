/**
 * The usual way: modbus-serial's server, which passes each request to modbus-serial's client.
 * usage: serial-proxy DEVICE_PORT      prints {"port": N} when it listens
 */
import { once } from "node:events";
import { createServer } from "node:net";
import modbusSerial from "modbus-serial";

const { default: ModbusClient, ServerTCP } = modbusSerial;
const HOST = "127.0.0.1";
const TIMEOUT_MS = 5_000;

type Done = (error: Error | null, values: number[]) => void;

const client = new ModbusClient();
await client.connectTCP(HOST, { port: Number(process.argv[2]) });
client.setID(1);
client.setTimeout(TIMEOUT_MS);

const port = await freePort();
const server = new ServerTCP(
  {
    // Four parameters: with fewer, modbus-serial takes the promise itself for the list of values.
    getMultipleHoldingRegisters: (address: number, quantity: number, _unit: number, done: Done) => {
      client.readHoldingRegisters(address, quantity).then(
        ({ data }) => {
          done(null, data);
        },
        (error: unknown) => {
          done(error instanceof Error ? error : new Error(String(error)), []);
        },
      );
    },
    getHoldingRegister: async (address: number) =>
      (await client.readHoldingRegisters(address, 1)).data[0] ?? 0,
    setRegister: async (address: number, value: number) => {
      await client.writeRegister(address, value);
    },
    setRegisterArray: async (address: number, values: number[]) => {
      await client.writeRegisters(address, values);
    },
  },
  { host: HOST, port, unitID: 255 },
);
await once(server, "initialized");
console.log(JSON.stringify({ port }));
process.on("SIGTERM", () => process.exit(0));

/** modbus-serial takes port 0 for 502, so a free one is looked for and let go. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
