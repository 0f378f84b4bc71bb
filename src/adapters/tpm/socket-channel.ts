import { connect, type Socket } from "node:net";
import { responseLength } from "../../codec/tpm2/command.js";
import type { TpmChannel } from "./channel.js";
import { faultOf, type TpmResult } from "./result.js";

export type TpmSocketAddress =
  { readonly path: string } | { readonly host: string; readonly port: number };

/** swtpm's data socket: bare TPM frames on a stream. No resource manager, and one client at a time. */
export function openSocketChannel(address: TpmSocketAddress, timeoutMs: number): TpmChannel {
  const line = new SocketLine(address, timeoutMs);
  return {
    managed: false,
    connected: () => line.connected(),
    connect: async () => await line.connect(),
    exchange: async (command) => await line.exchange(command),
    drop: () => {
      line.drop("the connection was given up");
    },
  };
}

class SocketLine {
  readonly #address: TpmSocketAddress;
  readonly #timeoutMs: number;
  /** Events of any other socket are of the past. */
  #socket: Socket | null = null;
  #received: Uint8Array = new Uint8Array(0);
  #waiting: ((result: TpmResult<Uint8Array>) => void) | null = null;

  constructor(address: TpmSocketAddress, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  connected(): boolean {
    return this.#socket !== null;
  }

  async connect(): Promise<TpmResult<null>> {
    this.drop("another connection takes its place");
    return await new Promise((resolve) => {
      const socket = connect(this.#address);
      const fail = (why: string): void => {
        clearTimeout(limit);
        socket.destroy();
        resolve(faultOf("not-done", `the TPM at ${nameOf(this.#address)}: ${why}`));
      };
      const limit = setTimeout(() => {
        fail("no connection in time");
      }, this.#timeoutMs);
      const refused = (error: Error): void => {
        fail(error.message);
      };
      socket.once("error", refused);
      socket.once("connect", () => {
        clearTimeout(limit);
        socket.off("error", refused);
        this.#take(socket);
        resolve({ ok: true, value: null });
      });
    });
  }

  async exchange(command: Uint8Array): Promise<TpmResult<Uint8Array>> {
    const socket = this.#socket;
    if (socket === null) return faultOf("not-done", "the TPM is not connected");
    if (this.#waiting !== null) return faultOf("not-done", "the TPM is at work on another command");
    return await new Promise((resolve) => {
      const limit = setTimeout(() => {
        this.drop("the TPM did not answer in time");
      }, this.#timeoutMs);
      this.#waiting = (result) => {
        clearTimeout(limit);
        this.#waiting = null;
        resolve(result);
      };
      socket.write(command);
    });
  }

  drop(why: string, kind: "unknown" | "malformed" = "unknown"): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#received = new Uint8Array(0);
    socket?.destroy();
    this.#waiting?.(faultOf(kind, why));
  }

  #take(socket: Socket): void {
    this.#socket = socket;
    const lose = (why: string): void => {
      if (socket === this.#socket) this.drop(why);
    };
    socket.on("data", (bytes: Uint8Array) => {
      if (socket === this.#socket) this.#receive(bytes);
    });
    socket.on("error", (error) => {
      lose(`the TPM's connection failed: ${error.message}`);
    });
    socket.on("close", () => {
      lose("the TPM's connection ended");
    });
    socket.on("end", () => {
      lose("the TPM's connection ended");
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#waiting === null) {
      this.drop("the TPM sent bytes that nobody asked for");
      return;
    }
    this.#received = Buffer.concat([this.#received, bytes]);
    const length = responseLength(this.#received);
    if (length === null) return;
    if (length === "bad" || this.#received.length > length) {
      this.drop("the TPM's response has an impossible length", "malformed");
      return;
    }
    if (this.#received.length < length) return;
    const response = this.#received;
    this.#received = new Uint8Array(0);
    this.#waiting({ ok: true, value: response });
  }
}

function nameOf(address: TpmSocketAddress): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}
