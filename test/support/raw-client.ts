import { connect, type Socket } from "node:net";

export function words(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

export function adu(transaction: number, unit: number, ...pdu: readonly number[]): Uint8Array {
  const length = pdu.length + 1;
  return Uint8Array.of(
    transaction >> 8,
    transaction & 0xff,
    0,
    0,
    length >> 8,
    length & 0xff,
    unit,
    ...pdu,
  );
}

/** A client that sees bytes only. */
export class RawClient {
  readonly #socket: Socket;
  #bytes: Uint8Array = new Uint8Array(0);
  #waits: (() => void)[] = [];
  ended = false;
  readonly connected: Promise<void>;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.connected = new Promise((resolve) => {
      this.#socket.on("connect", () => {
        resolve();
      });
    });
    this.#socket.on("data", (chunk) => {
      const joined = new Uint8Array(this.#bytes.length + chunk.length);
      joined.set(this.#bytes);
      joined.set(chunk, this.#bytes.length);
      this.#bytes = joined;
      this.#wake();
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.ended = true;
      this.#wake();
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  async take(bytes: number): Promise<Uint8Array> {
    await this.until(() => this.#bytes.length >= bytes || this.ended);
    const taken = this.#bytes.slice(0, bytes);
    this.#bytes = this.#bytes.slice(bytes);
    return taken;
  }

  /** Everything until the other side ends the connection. */
  async rest(): Promise<Uint8Array> {
    await this.until(() => this.ended);
    return this.#bytes;
  }

  async ask(frame: Uint8Array): Promise<Uint8Array> {
    this.send(frame);
    const head = await this.take(6);
    const body = await this.take(((head[4] ?? 0) << 8) | (head[5] ?? 0));
    return Uint8Array.of(...head, ...body);
  }

  close(): void {
    this.#socket.destroy();
  }

  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      await new Promise<void>((resolve) => {
        this.#waits.push(resolve);
      });
    }
  }

  #wake(): void {
    for (const wake of this.#waits.splice(0)) wake();
  }
}
