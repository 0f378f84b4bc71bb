import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { listen } from "./modbus-server.js";

/** A device that does with each request what the test says. Requests are whole MBAP frames. */
export type RogueDevice = {
  readonly port: number;
  readonly requests: readonly Buffer[];
  /** How each connection that ended did so: "end" by FIN, or the code of its error. */
  readonly endings: readonly string[];
  readonly connections: () => number;
  /** Settles when `count` connections have ended. */
  readonly ended: (count: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function startRogue(
  onRequest: (request: Buffer, socket: Socket, count: number) => void,
  onConnect: (socket: Socket, count: number) => void = () => undefined,
): Promise<RogueDevice> {
  const requests: Buffer[] = [];
  const endings: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    let ending = "close";
    socket.on("error", (error) => (ending = "code" in error ? String(error.code) : error.message));
    socket.on("end", () => (ending = "end"));
    socket.on("close", () => {
      sockets.delete(socket);
      endings.push(ending);
      server.emit("rogue-ended");
    });
    let rest = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 6 && rest.length >= 6 + rest.readUInt16BE(4)) {
        const request = Buffer.from(rest.subarray(0, 6 + rest.readUInt16BE(4)));
        rest = rest.subarray(request.length);
        requests.push(request);
        onRequest(request, socket, requests.length - 1);
      }
    });
    onConnect(socket, connections - 1);
  });
  return {
    port: await listen(server),
    requests,
    endings,
    connections: () => connections,
    ended: async (count) => {
      while (endings.length < count) await once(server, "rogue-ended");
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A frame with the id and unit of `request` and this PDU, its length told truly. */
export function replyTo(request: Buffer, pdu: readonly number[]): Buffer {
  const head = Buffer.from(request.subarray(0, 7));
  head.writeUInt16BE(pdu.length + 1, 4);
  return Buffer.concat([head, Buffer.from(pdu)]);
}

/** The right answer to FC3 with these words, or the echo of FC5, 6, 15, 16 and 22. */
export function rightReply(request: Buffer, words: readonly number[] = []): Buffer {
  const pdu = [...request.subarray(7)];
  const [code = 0] = pdu;
  if (code === 3 || code === 4) {
    return replyTo(request, [code, words.length * 2, ...words.flatMap((w) => [w >> 8, w & 0xff])]);
  }
  return replyTo(request, code === 15 || code === 16 ? pdu.slice(0, 5) : pdu);
}
