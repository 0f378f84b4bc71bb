import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** One plain Modbus TCP connection for the bench's own errands: is it ready, and the lease's beat. */
export type ModbusCall = {
  /** Sends one PDU and gives the PDU of its reply. One at a time. */
  readonly ask: (unit: number, pdu: readonly number[]) => Promise<Buffer>;
  readonly close: () => void;
};

const HOST = "127.0.0.1";
const MBAP = 7;

/** Throws when nobody listens there. */
export async function openCall(port: number): Promise<ModbusCall> {
  const socket = connect({ host: HOST, port, noDelay: true });
  await once(socket, "connect");
  return {
    ask: async (unit, pdu) => {
      socket.write(Buffer.from([0, 1, 0, 0, 0, pdu.length + 1, unit, ...pdu]));
      return await nextPdu(socket);
    },
    close: () => {
      socket.destroy();
    },
  };
}

async function nextPdu(socket: Socket): Promise<Buffer> {
  return await new Promise((done, fail) => {
    let held = Buffer.alloc(0);
    const settle = (): void => {
      socket.off("data", take).off("close", lost).off("error", lost);
    };
    const lost = (): void => {
      settle();
      fail(new Error("the gateway closed the connection"));
    };
    const take = (bytes: Buffer): void => {
      held = Buffer.concat([held, bytes]);
      if (held.length < MBAP + 1 || held.length < 6 + held.readUInt16BE(4)) return;
      settle();
      done(held.subarray(MBAP));
    };
    socket.on("data", take).on("close", lost).on("error", lost);
  });
}
