import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { identify, type IdentityObject } from "../../src/codec/modbus/device-identification.js";
import { createMbapReader, encodeMbap, feedMbap, readFrame } from "../../src/codec/modbus/mbap.js";
import { encodeReply, type ModbusReply } from "../../src/codec/modbus/pdu-reply.js";
import { parseRequest, type ModbusRequest } from "../../src/codec/modbus/pdu-request.js";

/** A device of plain memory that speaks through our codec. Every address of every table exists. */
export type ModbusServer = {
  readonly port: number;
  readonly memory: Memory;
  /** Every well-formed request, in the order it was carried out. */
  readonly journal: readonly ModbusRequest[];
  /** Every request PDU as it came, whatever became of it. */
  readonly received: readonly Uint8Array[];
  /** While true, requests are carried out and not answered. */
  readonly setSilent: (silent: boolean) => void;
  /** Ends every connection; it can be connected to again. */
  readonly drop: () => void;
  readonly close: () => Promise<void>;
};

export type Memory = {
  readonly co: boolean[];
  readonly di: boolean[];
  readonly hr: Uint16Array;
  readonly ir: Uint16Array;
};

const ADDRESSES = 65_536;
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
export const IDENTITY: readonly IdentityObject[] = [
  { id: 0, value: ascii("Holdpoint") },
  { id: 1, value: ascii("TEST-1") },
  { id: 2, value: ascii("V1.0") },
  { id: 4, value: ascii("memory") },
];

/** Serves on a port of 127.0.0.1, a free one where none is named; any unit id. */
export async function startModbusServer(onPort = 0): Promise<ModbusServer> {
  const memory = createMemory();
  const journal: ModbusRequest[] = [];
  const received: Uint8Array[] = [];
  const sockets = new Set<Socket>();
  let silent = false;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(socket, (pdu) => {
      received.push(pdu.slice());
      const reply = answer(memory, journal, pdu);
      return silent ? null : reply;
    });
  });
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: await listen(server, onPort),
    memory,
    journal,
    received,
    setSilent: (now) => {
      silent = now;
    },
    drop,
    close: async () => {
      drop();
      server.close();
      await once(server, "close");
    },
  };
}

export function createMemory(): Memory {
  return {
    co: new Array<boolean>(ADDRESSES).fill(false),
    di: new Array<boolean>(ADDRESSES).fill(false),
    hr: new Uint16Array(ADDRESSES),
    ir: new Uint16Array(ADDRESSES),
  };
}

/** Binds a server to a free port of 127.0.0.1 and tells which. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

function serve(socket: Socket, reply: (pdu: Uint8Array) => Uint8Array | null): void {
  const reader = createMbapReader();
  socket.on("data", (chunk) => {
    feedMbap(reader, chunk);
    for (let read = readFrame(reader); read.kind !== "more"; read = readFrame(reader)) {
      if (read.kind === "fault") {
        socket.destroy();
        return;
      }
      const pdu = reply(read.pdu);
      const frame = pdu === null ? null : encodeMbap(read.transaction, read.unit, pdu);
      if (frame !== null) socket.write(frame);
    }
  });
}

/** Carries out one request PDU on the memory and gives the reply PDU. */
export function answer(memory: Memory, journal: ModbusRequest[], pdu: Uint8Array): Uint8Array {
  const parsed = parseRequest(pdu);
  const reply: ModbusReply = parsed.ok
    ? perform(memory, parsed.request)
    : { kind: "exception", function: parsed.function, code: parsed.exception };
  if (parsed.ok) journal.push(parsed.request);
  const encoded = encodeReply(reply);
  if (encoded === null) throw new Error("a reply that fits no PDU");
  return encoded;
}

function perform(memory: Memory, request: ModbusRequest): ModbusReply {
  const { co, di, hr, ir } = memory;
  switch (request.kind) {
    case "read-bits": {
      const table = request.function === 1 ? co : di;
      const bits = table.slice(request.address, request.address + request.quantity);
      return { kind: "bits", function: request.function, bits };
    }
    case "read-words": {
      const table = request.function === 3 ? hr : ir;
      const words = table.slice(request.address, request.address + request.quantity);
      return { kind: "words", function: request.function, words: [...words] };
    }
    case "write-bits":
      request.bits.forEach((bit, n) => (co[request.address + n] = bit));
      return { kind: "written", request };
    case "write-words":
      hr.set(request.words, request.address);
      return { kind: "written", request };
    case "mask-word": {
      const now = hr[request.address] ?? 0;
      hr[request.address] = (now & request.and) | (request.or & ~request.and);
      return { kind: "written", request };
    }
    case "read-write-words": {
      hr.set(request.words, request.address);
      const end = request.readAddress + request.readQuantity;
      return { kind: "words", function: 23, words: [...hr.slice(request.readAddress, end)] };
    }
    case "identify":
      return identify(request, IDENTITY) ?? { kind: "exception", function: 43, code: 2 };
  }
}
