import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import modbusSerial from "modbus-serial";
import { afterEach, describe, expect, it } from "vitest";

/**
 * Why docs/adr/0005 gives the enforcing path a codec of its own. Each test reproduces one fault of modbus-serial
 * 8.0.25; one that fails says that the fault is gone and the decision may be looked at again.
 */
const { default: ModbusClient, ServerTCP, ServerSerial } = modbusSerial;
const HOST = "127.0.0.1";
const ended: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

describe("modbus-serial as client", () => {
  it("gives the late reply of an abandoned read to the read that came 256 requests later", async () => {
    const device = await startDevice((request, socket, count) => {
      if (count === 0) return; // The first read is never answered in time.
      if (count < 256) socket.write(replyWith(request, 1));
      // The late reply to the first read: value 9999, carrying the first read's transaction id.
      else socket.write(replyWith(device.requests[0] ?? request, 9999));
    });
    const client = await connectClient(device.port, 25);
    await expect(client.readHoldingRegisters(100, 1)).rejects.toMatchObject({
      name: "TransactionTimedOutError",
    });
    client.setTimeout(10_000);
    for (let n = 1; n < 256; n += 1) await client.readHoldingRegisters(200, 1);
    const { data } = await client.readHoldingRegisters(300, 1);
    expect(data).toEqual([9999]);
    expect(device.requests[256]?.readUInt16BE(8)).toBe(300);
    expect(device.requests[256]?.readUInt16BE(0)).toBe(device.requests[0]?.readUInt16BE(0));
  });

  it("takes the echo of another write for the acknowledgement of its own", async () => {
    const device = await startDevice((request, socket) => {
      const echo = Buffer.from(request);
      echo.writeUInt16BE(7, 8);
      echo.writeUInt16BE(0xbad, 10);
      socket.write(echo);
    });
    const client = await connectClient(device.port, 10_000);
    expect(await client.writeRegister(40, 1)).toEqual({ address: 7, value: 0xbad });
  });

  it("takes a reply whose protocol id is not Modbus", async () => {
    const device = await startDevice((request, socket) => {
      const reply = replyWith(request, 5);
      reply.writeUInt16BE(0xffff, 2);
      socket.write(reply);
    });
    const client = await connectClient(device.port, 10_000);
    expect((await client.readHoldingRegisters(0, 1)).data).toEqual([5]);
  });
});

describe("modbus-serial as server", () => {
  it("acknowledges a write of three registers after the first of them", async () => {
    const written: number[] = [];
    const port = await startServer({
      setRegister: async (address: number) => {
        if (address > 10) await new Promise(() => undefined); // The second and third never get done.
        written.push(address);
      },
    });
    const client = await connectClient(port, 10_000);
    expect(await client.writeRegisters(10, [1, 2, 3])).toEqual({ address: 10, length: 3 });
    expect(written).toEqual([10]);
  });

  it("goes deaf on a connection whose frame claims a length that no frame has", async () => {
    const port = await startServer({ getHoldingRegister: () => 7 });
    const socket = connect(port, HOST);
    ended.push(() => void socket.destroy());
    await once(socket, "connect");
    let heard = 0;
    socket.on("data", (bytes) => {
      heard += bytes.length;
    });
    const read = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1]);
    const bad = Buffer.from([0, 9, 0, 0, 0xff, 0xff, 1, 3]);
    socket.write(Buffer.concat([bad, read]));
    const other = await connectClient(port, 10_000);
    for (let n = 0; n < 20; n += 1) await other.readHoldingRegisters(0, 1);
    expect(heard).toBe(0);
    expect(socket.destroyed).toBe(false);
  });

  it("answers requests of a pipelining client while the write before them is still under way", async () => {
    let finishWrite = (): void => undefined;
    const port = await startServer({
      setRegister: async () => {
        await new Promise<void>((done) => {
          finishWrite = done;
        });
      },
      getHoldingRegister: () => 0,
    });
    const socket = connect(port, HOST);
    ended.push(() => void socket.destroy());
    await once(socket, "connect");
    const write = Buffer.from([0, 1, 0, 0, 0, 6, 1, 6, 0, 40, 0, 99]);
    const read = Buffer.from([0, 2, 0, 0, 0, 6, 1, 3, 0, 40, 0, 1]);
    socket.write(Buffer.concat([write, read]));
    const first = await firstBytes(socket);
    finishWrite();
    expect(first.readUInt16BE(0)).toBe(2); // The read's reply, with the value from before the write.
  });

  it("executes a serial write whose checksum is wrong", async () => {
    const line = openLine();
    const written: (readonly [number, number])[] = [];
    // Through a variable: the published types leave `binding` out.
    const lineOptions = { path: "line", baudRate: 9600, binding: line.binding };
    const server = new ServerSerial(
      {
        setRegister: (address: number, value: number) => {
          written.push([address, value]);
        },
      },
      lineOptions,
    );
    ended.push(async () => {
      await new Promise<void>((done) => {
        server.close(() => {
          done();
        });
      });
    });
    await once(server, "initialized");
    line.feed(Buffer.from([1, 6, 0, 40, 0x13, 0x88, 0xde, 0xad]));
    const reply = await line.firstWrite;
    expect(written).toEqual([[40, 5000]]);
    expect([...reply.subarray(0, 6)]).toEqual([1, 6, 0, 40, 0x13, 0x88]);
  });
});

type Device = { readonly port: number; readonly requests: readonly Buffer[] };

/** A device of our own making that answers each whole request as it is told. */
async function startDevice(
  answer: (request: Buffer, socket: Socket, count: number) => void,
): Promise<Device> {
  const requests: Buffer[] = [];
  const server = createServer((socket) => {
    let waiting = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      while (waiting.length >= 12) {
        const request = Buffer.from(waiting.subarray(0, 12));
        waiting = waiting.subarray(12);
        requests.push(request);
        answer(request, socket, requests.length - 1);
      }
    });
  });
  const port = await listen(server);
  ended.push(() => void server.close());
  return { port, requests };
}

async function startServer(vector: Parameters<typeof makeServer>[0]): Promise<number> {
  const port = await freePort();
  const server = makeServer(vector, port);
  await once(server, "initialized");
  ended.push(async () => {
    await new Promise<void>((done) => {
      server.close(() => {
        done();
      });
    });
  });
  return port;
}

function makeServer(
  vector: ConstructorParameters<typeof ServerTCP>[0],
  port: number,
): InstanceType<typeof ServerTCP> {
  return new ServerTCP(vector, { host: HOST, port, unitID: 1 });
}

async function connectClient(
  port: number,
  timeoutMs: number,
): Promise<InstanceType<typeof ModbusClient>> {
  const client = new ModbusClient();
  await client.connectTCP(HOST, { port });
  client.setID(1);
  client.setTimeout(timeoutMs);
  ended.push(async () => {
    await new Promise<void>((done) => {
      client.destroy(() => {
        done();
      });
    });
  });
  return client;
}

/** The reply to a read of one register. */
function replyWith(request: Buffer, value: number): Buffer {
  const reply = Buffer.from([0, 0, 0, 0, 0, 5, request[6] ?? 0, request[7] ?? 0, 2, 0, 0]);
  request.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(value, 9);
  return reply;
}

async function firstBytes(socket: Socket): Promise<Buffer> {
  return await new Promise((got) => {
    socket.once("data", got);
  });
}

async function listen(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  if (!isAddressInfo(address)) throw new Error("the server has no port");
  return address.port;
}

/** modbus-serial takes port 0 for 502, so a free one is looked for and let go. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

/** A serial line without hardware: what serialport asks of its binding, no more. */
function openLine() {
  const waiting: Buffer[] = [];
  let wake = (): void => undefined;
  let isOpen = true;
  let wrote: (bytes: Buffer) => void = () => undefined;
  const firstWrite = new Promise<Buffer>((done) => {
    wrote = done;
  });
  const settled = async (): Promise<void> => {
    await Promise.resolve();
  };
  const line = {
    isOpen,
    openOptions: {},
    close: async () => {
      isOpen = false;
      line.isOpen = false;
      wake();
      await settled();
    },
    read: async (into: Buffer, offset: number, length: number) => {
      while (waiting.length === 0 && isOpen) {
        await new Promise<void>((done) => {
          wake = done;
        });
      }
      if (!isOpen) throw Object.assign(new Error("closed"), { canceled: true });
      const bytes = waiting.shift() ?? Buffer.alloc(0);
      return { buffer: into, bytesRead: bytes.copy(into, offset, 0, length) };
    },
    write: async (bytes: Buffer) => {
      wrote(Buffer.from(bytes));
      await settled();
    },
    update: settled,
    set: settled,
    flush: settled,
    drain: settled,
  };
  return {
    firstWrite,
    feed: (bytes: Buffer) => {
      waiting.push(bytes);
      wake();
    },
    binding: {
      list: async () => await Promise.resolve([]),
      open: async () => await Promise.resolve(line),
    },
  };
}
