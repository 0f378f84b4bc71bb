import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { atEnd, eventually, within } from "./live-gateway.js";

/** A client that sends whatever bytes a test wants, and takes whole frames back. */
export type ByteClient = {
  readonly socket: Socket;
  readonly send: (...bytes: readonly Uint8Array[]) => void;
  /** The next frame; fails when the connection ends first or nothing comes. */
  readonly next: () => Promise<Frame>;
  readonly take: (count: number) => Promise<readonly Frame[]>;
  /** Sends one request and takes its answer's PDU; fails when that is an answer to anything else. */
  readonly ask: (unit: number, pdu: readonly number[]) => Promise<readonly number[]>;
  /** How the other side ended the connection: "end" by FIN, or the error's code. */
  readonly ended: Promise<string>;
};

export type Frame = {
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: readonly number[];
};

export async function connectBytes(port: number): Promise<ByteClient> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  let how: string | null = null;
  let wake = (): void => undefined;
  socket.on("error", (error) => (how ??= "code" in error ? String(error.code) : error.message));
  socket.on("end", () => (how ??= "end"));
  const ended = new Promise<string>((resolve) => {
    socket.on("close", () => {
      resolve(how ?? "close");
      wake();
    });
  });
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 6 && rest.length >= 6 + rest.readUInt16BE(4)) {
      const frame = rest.subarray(0, 6 + rest.readUInt16BE(4));
      const [transaction, unit] = [frame.readUInt16BE(0), frame[6] ?? -1];
      frames.push({ transaction, unit, pdu: [...frame.subarray(7)] });
      rest = rest.subarray(frame.length);
    }
    wake();
  });
  await within("the door accepts", once(socket, "connect"));
  atEnd(() => socket.destroy());
  const next = async (): Promise<Frame> => {
    for (;;) {
      const frame = frames.shift();
      if (frame !== undefined) return frame;
      if (socket.destroyed) throw new Error(`the connection ended (${how ?? "close"})`);
      const more = new Promise<void>((resolve) => (wake = resolve));
      await within("the door answers", more);
    }
  };
  const send = (...bytes: readonly Uint8Array[]): void => {
    socket.write(Buffer.concat(bytes));
  };
  let transaction = 0;
  return {
    socket,
    send,
    next,
    take: async (count) => {
      const taken: Frame[] = [];
      while (taken.length < count) taken.push(await next());
      return taken;
    },
    ask: async (unit, pdu) => {
      transaction = (transaction + 1) & 0xffff;
      send(frameOf(transaction, unit, pdu));
      const answer = await next();
      if (answer.transaction === transaction && answer.unit === unit) return answer.pdu;
      throw new Error(`an answer to another request: ${JSON.stringify(answer)}`);
    },
    ended,
  };
}

/** One request on a connection of its own. */
export async function askOnce(port: number, pdu: readonly number[]): Promise<readonly number[]> {
  const client = await connectBytes(port);
  const answer = await client.ask(1, pdu);
  client.socket.destroy();
  return answer;
}

/** Asks again until it is done. */
export async function untilDone(port: number, pdu: readonly number[]): Promise<void> {
  let answer: readonly number[] = [];
  await eventually(
    () => `${pdu.join(" ")} is done; the last answer was ${answer.join(" ")}`,
    async () => {
      answer = await askOnce(port, pdu).catch(() => []);
      return answer[0] === pdu[0] ? true : null;
    },
  );
}

/** A frame whose length is told truly. */
export function frameOf(transaction: number, unit: number, pdu: readonly number[]): Buffer {
  return Buffer.from([...word(transaction), 0, 0, ...word(pdu.length + 1), unit, ...pdu]);
}

export function word(value: number): readonly [number, number] {
  return [(value >> 8) & 0xff, value & 0xff];
}

export function readPdu(code: 1 | 2 | 3 | 4, address: number, quantity: number): readonly number[] {
  return [code, ...word(address), ...word(quantity)];
}

export function writePdu(address: number, value: number): readonly number[] {
  return [6, ...word(address), ...word(value)];
}

export function coilPdu(address: number, on: boolean): readonly number[] {
  return [5, ...word(address), on ? 0xff : 0, 0];
}
