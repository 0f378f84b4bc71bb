import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readClaim } from "../../src/codec/door/claim.js";
import type { Claim, Config, Order, Request } from "../../src/codec/door/message.js";
import { writeOrder } from "../../src/codec/door/order.js";
import { FrameSplitter, FrameWriter } from "../../src/codec/door/wire.js";
import { ModbusDoor } from "../../src/doors/modbus/door.js";
import { words } from "./raw-client.js";

/** Now on the machine's monotonic clock, as doors stamp it. */
export function hostNowUs(): number {
  return Math.floor(Number(process.hrtime.bigint() / 1_000n));
}

export const CONFIG: Config = {
  kind: "config",
  version: 1,
  boot: 1,
  ownUnit: 247,
  listeners: [
    {
      host: "127.0.0.1",
      port: 0,
      units: [
        [1, 0],
        [7, 1],
      ],
      peers: [["*", 0]],
    },
    { host: "127.0.0.1", port: 0, units: [[1, 0]], peers: [["10.9.9.9", 1]] },
  ],
  blocks: [
    { device: 0, table: 3, start: 40, count: 4, areas: [[0, 4, 60_000_000]] },
    {
      device: 0,
      table: 2,
      start: 10,
      count: 4,
      areas: [
        [0, 2, 60_000_000],
        [3, 1, 60_000_000],
      ],
    },
    { device: 0, table: 0, start: 0, count: 10, areas: [[0, 10, 60_000_000]] },
    { device: 1, table: 3, start: 0, count: 2, areas: [[0, 2, 60_000_000]] },
  ],
  devices: 2,
  functions: [null, [3]],
  limits: { connections: 50, inFlight: 8, guardInFlight: 16, patienceMs: 500 },
  identity: ["Holdpoint", "gateway", "0.1.0"],
};

/** A guard that only listens and says what the test tells it to; and a door in this process that knows it. */
export class FakeGuard {
  readonly claims: Claim[] = [];
  readonly requests: Request[] = [];
  ports: readonly number[] = [];
  failures: string[] = [];
  /** Of each failure: whether a person has to mend something first. */
  mendable: boolean[] = [];
  stopped = false;
  /** False: it takes doors and tells them no config, as one that is not through with its start. */
  tellsConfig = true;
  autoReply: ((request: Request) => Uint8Array | null) | null = null;
  readonly directory: string = mkdtempSync(join(tmpdir(), "hp-door-"));
  readonly path: string = join(this.directory, "door.sock");
  readonly #config: Config;
  #server = createServer();
  #socket: Socket | null = null;
  #waits: (() => void)[] = [];
  door: ModbusDoor | null = null;

  constructor(config: Config = CONFIG) {
    this.#config = config;
  }

  async start(): Promise<void> {
    await this.listen();
    const door = new ModbusDoor({
      socketPath: this.path,
      listening: () => undefined,
      failed: (what, mendable) => {
        this.failures.push(what);
        this.mendable.push(mendable);
        this.#wake();
      },
      stopped: () => {
        this.stopped = true;
        this.#wake();
      },
    });
    this.door = door;
    door.start();
    await this.until(() => this.ports.length > 0 || this.failures.length > 0);
  }

  async listen(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
    await new Promise<void>((resolve) => {
      this.#server.listen(this.path, resolve);
    });
  }

  /** As if the process were killed. */
  async die(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = null;
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  send(...orders: readonly Order[]): void {
    const out = new FrameWriter();
    for (const order of orders) writeOrder(out, order);
    this.#socket?.write(out.take());
  }

  /** Everything device 0 holds, read now: hr 40..43 = 1..4, ir 10.. = 100.., coils alternating. */
  fillImage(takenHostUs: number = hostNowUs()): void {
    this.send(
      { kind: "device", device: 0, answering: true },
      { kind: "image", block: 0, takenHostUs, cells: words(1, 2, 3, 4) },
      { kind: "image", block: 1, takenHostUs, cells: words(100, 101, 102, 103) },
      { kind: "image", block: 2, takenHostUs, cells: Uint8Array.of(1, 0, 1, 0, 1, 0, 1, 0, 1, 1) },
    );
  }

  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      await new Promise<void>((resolve) => {
        this.#waits.push(resolve);
      });
    }
  }

  async close(): Promise<void> {
    this.door?.stop();
    await this.die();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #wake(): void {
    for (const wake of this.#waits.splice(0)) wake();
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    const splitter = new FrameSplitter(1_024, (bytes, at, end) => {
      const claim = readClaim(bytes, at, end);
      if (claim === null) throw new Error("the door sent what no guard would read");
      this.claims.push(claim);
      if (claim.kind === "listening") this.ports = claim.ports;
      if (claim.kind === "request") this.#request(claim);
      return true;
    });
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      splitter.take(new Uint8Array(chunk));
      this.#wake();
    });
    if (this.tellsConfig) this.send(this.#config);
  }

  #request(request: Request): void {
    this.requests.push(request);
    const pdu = this.autoReply?.(request) ?? null;
    if (pdu !== null) this.send({ kind: "reply", ticket: request.ticket, pdu, why: null });
  }
}
