import { createServer, type Server, type Socket } from "node:net";
import { controllerOf, type Config, type Order } from "../../codec/door/message.js";
import { Connection } from "./connection.js";
import { ModbusDesk } from "./desk.js";
import { GuardLink } from "./guard-link.js";
import { LoopWatch } from "./loop-watch.js";
import { plainBytes } from "./plain-bytes.js";

const SWEEP_MS = 250;
const COUNTS_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;

export type DoorNeeds = {
  readonly socketPath: string;
  /** Really bound, in the order of the site's listeners. */
  readonly listening: (addresses: readonly string[]) => void;
  /** The door cannot do its work and has let go of everything. `mendable`: by a person; a restart will not help. */
  readonly failed: (what: string, mendable: boolean) => void;
  /** The guard asked it to end, and it has let go of everything. */
  readonly stopped: () => void;
};

/**
 * The Modbus TCP door: one process of its own, without access to device, evidence or key. It knows what
 * the guard's config tells it and survives the guard, answering 4 (surely not done) or 0x0B meanwhile.
 */
export class ModbusDoor {
  readonly #needs: DoorNeeds;
  readonly #link: GuardLink;
  readonly #watch: LoopWatch = new LoopWatch();
  readonly #connections = new Map<number, Seat>();
  readonly #timers: NodeJS.Timeout[] = [];
  #config: Config | null = null;
  #desk: ModbusDesk | null = null;
  #servers: Server[] = [];
  #ports: number[] = [];
  #nextConnection = 0;
  /** The guard at the other end has told its config: what it is asked now, it can place. */
  #ready = false;

  constructor(needs: DoorNeeds) {
    this.#needs = needs;
    this.#link = new GuardLink(needs.socketPath, {
      order: (order) => {
        this.#obey(order);
      },
      pause: () => {
        this.#desk?.settleTurns();
      },
      lost: () => {
        this.#ready = false;
        this.#desk?.abandon();
      },
    });
  }

  start(): void {
    this.#watch.start();
    this.#link.open();
    this.#timers.push(
      setInterval(() => {
        this.#sweep();
      }, SWEEP_MS),
      setInterval(() => {
        this.#count();
      }, COUNTS_MS),
    );
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#watch.stop();
    for (const server of this.#servers) server.close();
    for (const { connection } of this.#connections.values()) connection.close(false);
    this.#link.close();
  }

  #obey(order: Order): void {
    if (order.kind === "stop") {
      this.stop();
      this.#needs.stopped();
    } else if (order.kind === "config") this.#configure(order);
    else this.#desk?.obey(order);
  }

  /** A restarted guard sends its config anew; other listeners than those bound need a door started anew. */
  #configure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    this.#ready = true;
    this.#desk = new ModbusDesk(config, {
      hostNowUs: () => this.#watch.nowHostUs(),
      send: (claim) => {
        if (!this.#ready) return false;
        this.#link.send(claim);
        return true;
      },
      closed: (who) => {
        this.#forget(who);
      },
    });
    if (before === null) {
      this.#listen(config);
    } else if (sameListeners(before, config)) {
      // Their desk is gone with the old guard; a client connects again and meets the new one.
      for (const { connection } of this.#connections.values()) connection.close(false);
      this.#link.send({ kind: "listening", ports: this.#ports });
    } else {
      this.#fail("the guard has other listeners now than this door", false);
    }
  }

  #listen(config: Config): void {
    let bound = 0;
    config.listeners.forEach((listener, position) => {
      const server = createServer({ noDelay: true }, (socket) => {
        this.#welcome(socket, position);
      });
      this.#servers.push(server);
      server.on("error", (error: NodeJS.ErrnoException) => {
        const { host, port } = listener;
        // Of one that listens already: a connection could not be taken, for want of what the machine has too little of.
        if (server.listening) this.#fail(explainAccept(host, port, error.code), false);
        else this.#fail(explainListen(host, port, error.code), true);
      });
      server.listen(listener.port, listener.host, () => {
        const address = server.address();
        this.#ports[position] = typeof address === "object" && address !== null ? address.port : 0;
        bound += 1;
        if (bound === config.listeners.length) this.#announce(config);
      });
    });
  }

  #announce(config: Config): void {
    this.#link.send({ kind: "listening", ports: this.#ports });
    this.#needs.listening(
      config.listeners.map(({ host }, index) => `${host}:${this.#ports[index] ?? 0}`),
    );
  }

  #welcome(socket: Socket, listener: number): void {
    const config = this.#config;
    const desk = this.#desk;
    const map = config?.listeners[listener];
    if (config === null || desk === null || map === undefined) {
      socket.destroy();
      return;
    }
    if (this.#connections.size >= config.limits.connections) {
      // Politely: a clean end, not a reset, and nothing read.
      desk.countRefusal();
      socket.on("error", () => {
        socket.destroy();
      });
      socket.end(() => {
        socket.destroy();
      });
      return;
    }
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const id = this.#nextConnection;
    this.#nextConnection = (id + 1) % 0x1_0000_0000;
    const peer = plainAddress(socket.remoteAddress ?? "");
    const controller = controllerOf(map, peer);
    const connection = new Connection(socket, desk, { id, listener, peer, controller });
    connection.gapsSeen = this.#watch.gapsBeforeWelcome();
    this.#connections.set(id, { connection, moves: 0, stuckForMs: 0 });
    this.#link.send({ kind: "open", connection: id, listener, peer });
    socket.on("data", (chunk) => {
      const receivedHostUs = this.#watch.receivedHostUs(connection.gapsSeen);
      connection.gapsSeen = this.#watch.gaps;
      connection.take(plainBytes(chunk), receivedHostUs);
    });
  }

  #forget(who: Connection): void {
    this.#connections.delete(who.caller.id);
    this.#link.send({ kind: "gone", connection: who.caller.id });
  }

  #sweep(): void {
    const patienceMs = this.#config?.limits.patienceMs ?? 0;
    for (const seat of this.#connections.values()) {
      const { connection } = seat;
      connection.look();
      const still = connection.stuck && connection.moves === seat.moves;
      seat.moves = connection.moves;
      seat.stuckForMs = still ? seat.stuckForMs + SWEEP_MS : 0;
      if (seat.stuckForMs >= patienceMs) connection.close(true);
    }
  }

  #count(): void {
    if (this.#desk === null) return;
    this.#link.send({ kind: "counts", counts: this.#desk.takeCounts(this.#connections.size) });
  }

  #fail(what: string, mendable: boolean): void {
    this.#link.send({ kind: "fault", text: what });
    this.stop();
    this.#needs.failed(what, mendable);
  }
}

type Seat = { readonly connection: Connection; moves: number; stuckForMs: number };

function sameListeners(left: Config, right: Config): boolean {
  const places = (config: Config): string =>
    config.listeners.map(({ host, port }) => `${host}:${port}`).join(" ");
  return places(left) === places(right);
}

/** An IPv4 client of a dual-stack listener is known by its IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

function explainListen(host: string, port: number, code: string | undefined): string {
  const place = `${host}:${port}`;
  if (code === "EADDRINUSE")
    return `${place} is taken by another program: stop it, or change the site's listener`;
  if (code === "EACCES")
    return `this user may not listen on ${place}: use a port above 1023, or grant the right`;
  if (code === "EADDRNOTAVAIL")
    return `${place} is no address of this machine: correct the site's listener`;
  return `cannot listen on ${place} (${code ?? "unknown fault"})`;
}

function explainAccept(host: string, port: number, code: string | undefined): string {
  return `cannot take connections on ${host}:${port} any more (${code ?? "unknown fault"})`;
}
