import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { OperatorAct } from "../kernel/step/input.js";

const LINE_BYTES_MAX = 4_096;
const CLIENTS_MAX = 8;
/** Somebody who watches and does not read misses lines; they are told how many. */
const UNREAD_BYTES_MAX = 1_048_576;

/** Until people's keys exist an act names whoever typed it, and the record says UNSIGNED. */
export type OperatorAsk =
  | { readonly ask: "status" }
  | { readonly ask: "watch" }
  | { readonly ask: "act"; readonly act: OperatorAct };

export type OperatorNeeds = {
  readonly path: string;
  readonly status: () => object;
  readonly act: (act: OperatorAct) => void;
};

/**
 * `operator.sock`: one JSON object a line, each way. What comes is read as hostile input; a line that is
 * no ask ends the connection. The file's permissions only open the socket, they name nobody.
 */
export class OperatorServer {
  readonly #needs: OperatorNeeds;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #watchers = new Map<Socket, { missed: number }>();

  constructor(needs: OperatorNeeds) {
    this.#needs = needs;
    this.#server = createServer((socket) => {
      if (this.#clients.size >= CLIENTS_MAX) socket.destroy();
      else this.#accept(socket);
    });
  }

  async listen(): Promise<void> {
    rmSync(this.#needs.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ path: this.#needs.path }, resolve);
    });
  }

  /** Whether {@link tell} would reach anybody: what nobody sees need not be made. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** Tells everyone who watches; nobody waits for them. */
  tell(what: object): void {
    if (this.#watchers.size === 0) return;
    const line = `${JSON.stringify(what)}\n`;
    for (const [socket, watcher] of this.#watchers) {
      if (socket.writableLength > UNREAD_BYTES_MAX) {
        watcher.missed += 1;
        continue;
      }
      if (watcher.missed > 0) socket.write(`${JSON.stringify({ missed: watcher.missed })}\n`);
      watcher.missed = 0;
      socket.write(line);
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#clients) socket.end();
    rmSync(this.#needs.path, { force: true });
  }

  /** For a fault of ours: nobody is told that something was done any more. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#clients) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#clients.add(socket);
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      const lines = (rest + String(text)).split("\n");
      rest = lines.pop() ?? "";
      const sound =
        rest.length <= LINE_BYTES_MAX && lines.every((line) => this.#obey(socket, line));
      if (!sound) socket.destroy();
    });
    socket.on("error", () => {
      socket.destroy();
    });
    socket.on("close", () => {
      this.#clients.delete(socket);
      this.#watchers.delete(socket);
    });
  }

  #obey(socket: Socket, line: string): boolean {
    const ask = line.length <= LINE_BYTES_MAX ? readAsk(line) : null;
    if (ask === null) return false;
    if (ask.ask === "status") socket.write(`${JSON.stringify(this.#needs.status())}\n`);
    else if (ask.ask === "watch") this.#watchers.set(socket, { missed: 0 });
    else {
      this.#needs.act(ask.act);
      socket.write('{"done":true}\n');
    }
    return true;
  }
}

/** Null: no ask, or not exactly one. */
export function readAsk(line: string): OperatorAsk | null {
  const value = parse(line);
  if (typeof value !== "object" || value === null || !("ask" in value)) return null;
  if (value.ask === "status" || value.ask === "watch") return { ask: value.ask };
  if (value.ask !== "act" || !("act" in value)) return null;
  const person = textOf(value, "person");
  const why = textOf(value, "why");
  if (person === null || why === null) return null;
  const act = readAct(value, value.act);
  return act === null ? null : { ask: "act", act: { kind: "operator", person, why, act } };
}

function readAct(value: object, act: unknown): OperatorAct["act"] | null {
  switch (act) {
    case "stop-ai":
      return { kind: "stop-ai", safe: "safe" in value && value.safe === true };
    case "reset": {
      const trip = textOf(value, "trip");
      return trip === null ? null : { kind: "reset", trip };
    }
    case "accept-log":
      return { kind: "accept-log" };
    default:
      return null;
  }
}

function textOf(value: object, key: string): string | null {
  const text: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
  if (typeof text !== "string" || text.length === 0 || text.length > 256) return null;
  // Half a character has no UTF-8, so evidence could not hold it.
  return /\p{Surrogate}/u.test(text) ? null : text;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
