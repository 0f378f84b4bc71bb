import { Server } from "node:net";
import { ServerTCP } from "modbus-serial";
import type { IServiceVector } from "modbus-serial";
import { Refusal } from "../../src/cli/output.js";
import { createVector } from "./plc-vector.js";
import type { AnswerFault } from "./plc-vector.js";
import type { LiftStation } from "./station.js";

export type PlcServer = {
  readonly host: string;
  readonly port: number;
  readonly connections: () => number;
  readonly setAnswers: (fault: AnswerFault) => void;
  /** Cuts every connection; clients may come back. */
  readonly dropConnections: () => void;
  /** New connections are cut at once, as by a PLC that has no socket left. */
  readonly refuseConnections: (refused: boolean) => void;
  readonly close: () => Promise<void>;
};

export type PlcServerOptions = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The only unit answered; all others get exception 0x0B. */
  readonly unit: number;
  /** Called before each request is carried out: the place to let plant time catch up. */
  readonly beforeRequest: () => void;
};

/**
 * The station's PLC on the wire, through modbus-serial's server. That server knows FC 1-6, 15, 16 and 43 only (22 and
 * 23 are exception 1), answers each request about a millisecond later, and ignores a request whose length is wrong.
 * Rejects with a {@link Refusal} when the port cannot be had.
 */
export async function servePlc(
  station: LiftStation,
  options: PlcServerOptions,
): Promise<PlcServer> {
  let answers: AnswerFault = { kind: "none" };
  let refusing = false;
  const server = await listen(
    createVector(station, { ...options, answers: () => answers }),
    options,
  );
  const listener = innerServer(server);
  listener.on("connection", (socket) => {
    // Small replies to one-at-a-time requests: waiting to fill a segment only adds 40 ms.
    socket.setNoDelay(true);
    if (refusing) socket.destroy();
  });
  const dropConnections = (): void => {
    for (const socket of server.socks.keys()) socket.destroy();
  };
  const address = listener.address();
  return {
    host: options.host,
    port: address !== null && typeof address === "object" ? address.port : options.port,
    connections: () => server.socks.size,
    setAnswers: (fault) => (answers = fault),
    dropConnections,
    refuseConnections: (refused) => (refusing = refused),
    close: async () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

async function listen(vector: IServiceVector, options: PlcServerOptions): Promise<ServerTCP> {
  return new Promise((resolve, reject) => {
    // Its constructor takes port 0 for 502; only as text does 0 reach the socket and mean "any free port".
    const port = options.port === 0 ? "0" : options.port;
    const made: unknown = Reflect.construct(ServerTCP, [vector, { host: options.host, port }]);
    if (!(made instanceof ServerTCP)) throw new TypeError("modbus-serial made no server");
    const server = made;
    // One client's fault is its own: its connection closes, the others stay.
    server.on("socketError", () => undefined);
    server.on("error", () => undefined);
    server.on("serverError", (error) => {
      reject(new Refusal(explainListen(error, options), 2));
    });
    server.on("initialized", () => {
      resolve(server);
    });
  });
}

function explainListen(error: Error | null, { host, port }: PlcServerOptions): string {
  const code = error !== null && "code" in error ? error.code : "";
  if (code === "EADDRINUSE") {
    return `port ${port} on ${host} is taken by another program: stop it, or choose another with --port`;
  }
  if (code === "EACCES") {
    return `port ${port} on ${host} needs more rights than this user has: choose one above 1023 with --port`;
  }
  return `cannot listen on ${host}:${port}: ${error?.message ?? "unknown error"}`;
}

/** modbus-serial declares its sockets but not the server that takes them. */
function innerServer(server: ServerTCP): Server {
  const inner: unknown = Reflect.get(server, "_server");
  if (!(inner instanceof Server))
    throw new TypeError("modbus-serial keeps its server elsewhere now");
  return inner;
}
