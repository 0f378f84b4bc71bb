import { once } from "node:events";
import { connect } from "node:net";
import { encodeRequest } from "../../src/codec/modbus/encode-request.js";
import { createMbapReader, encodeMbap, feedMbap, readFrame } from "../../src/codec/modbus/mbap.js";
import { parseReply, type ParsedReply } from "../../src/codec/modbus/pdu-reply.js";
import type { ModbusRequest } from "../../src/codec/modbus/pdu-request.js";

/** One request on a connection of its own, by our codec alone; for functions that the link never sends. */
export async function exchange(
  port: number,
  unit: number,
  request: ModbusRequest,
): Promise<ParsedReply> {
  const pdu = encodeRequest(request);
  const frame = pdu === null ? null : encodeMbap(1, unit, pdu);
  if (frame === null) throw new Error("the request does not fit a frame");
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  socket.write(frame);
  const reader = createMbapReader();
  try {
    for await (const chunk of socket) {
      if (!(chunk instanceof Uint8Array)) throw new Error("the socket gave text");
      feedMbap(reader, chunk);
      const read = readFrame(reader);
      if (read.kind === "fault") throw new Error(`no Modbus frame: ${read.why}`);
      if (read.kind === "frame") return parseReply(request, read.pdu);
    }
  } finally {
    socket.destroy();
  }
  throw new Error("the peer closed without an answer");
}
