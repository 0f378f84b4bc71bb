import { connect } from "node:net";
import type { Outcome } from "./frame.js";

export type Target = { readonly host: string; readonly port: number; readonly timeoutMs: number };

const MBAP_LENGTH = 7;
/** Any: each frame has a connection of its own. */
const TRANSACTION = 0x5151;

/** One PDU on a connection of its own, for functions that client libraries do not send. Settles within the timeout. */
export async function sendRaw(
  target: Target,
  unit: number,
  pdu: readonly number[],
): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    let received = Buffer.alloc(0);
    const settle = (outcome: Outcome): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(outcome);
    };
    const deadline = setTimeout(() => {
      settle({ kind: "failed", why: "no answer in time" });
    }, target.timeoutMs);
    socket.on("connect", () => socket.write(wrap(unit, pdu)));
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      const outcome = readReply(received, pdu[0] ?? 0);
      if (outcome !== null) settle(outcome);
    });
    socket.on("error", (error) => {
      settle({ kind: "failed", why: error.message });
    });
    socket.on("close", () => {
      settle({ kind: "failed", why: "connection closed without an answer" });
    });
  });
}

function wrap(unit: number, pdu: readonly number[]): Buffer {
  const frame = Buffer.alloc(MBAP_LENGTH + pdu.length);
  frame.writeUInt16BE(TRANSACTION, 0);
  frame.writeUInt16BE(pdu.length + 1, 4);
  frame.writeUInt8(unit, 6);
  frame.set(pdu, MBAP_LENGTH);
  return frame;
}

/** Null while the frame is not whole. */
function readReply(bytes: Buffer, asked: number): Outcome | null {
  if (bytes.length < MBAP_LENGTH + 1) return null;
  const whole = 6 + bytes.readUInt16BE(4);
  if (bytes.length < whole) return null;
  const answered = bytes.readUInt8(MBAP_LENGTH);
  if (answered === asked) return { kind: "done" };
  if (answered === (asked | 0x80) && whole > MBAP_LENGTH + 1) {
    return { kind: "exception", code: bytes.readUInt8(MBAP_LENGTH + 1) };
  }
  return { kind: "failed", why: `answered with function ${answered}` };
}
