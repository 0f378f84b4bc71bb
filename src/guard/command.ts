import type { Request } from "../codec/door/message.js";
import { parseRequest, type ModbusRequest } from "../codec/modbus/pdu-request.js";
import { writeOf } from "../evidence/write-of.js";
import type { WriteRequest } from "../kernel/command/request.js";
import type { CommandArrived } from "../kernel/step/input.js";
import type { SouthRead } from "./ports.js";

/** One request of the write class, understood as far as it can be. `write` null: `refusal` says why. */
export type Command = {
  readonly pdu: Uint8Array;
  readonly device: number;
  readonly write: WriteRequest | null;
  readonly refusal: CommandArrived["refusal"];
  /** FC23: what to read once the write is done. */
  readonly readAfter: SouthRead | null;
};

const NO_DEVICE = -1;

/**
 * Makes a command of what a door passed on. `device`: position of the device behind the unit, "own" for the
 * gateway itself, whose registers no command writes, null for a unit that is not listed.
 */
export function readCommand(
  request: Request,
  place: {
    readonly device: number | "own" | null;
    readonly mayRead: (device: number, read: SouthRead) => boolean;
  },
): Command {
  const { pdu } = request;
  const refuse = (refusal: Command["refusal"]): Command => ({
    pdu,
    device: NO_DEVICE,
    write: null,
    refusal,
    readAfter: null,
  });
  const parsed = parseRequest(pdu);
  if (!parsed.ok && parsed.code === "function") return refuse("function");
  if (place.device === null) return refuse("unit");
  if (!parsed.ok) return refuse(parsed.code === "address" ? "tag-unknown" : "malformed");
  if (place.device === "own") return refuse("tag-unknown");
  const write = writeOf(parsed.request, place.device);
  // A read here is one the door should have answered: it is not served this way.
  if (write === null) return refuse("function");
  const readAfter = readAfterOf(parsed.request);
  if (readAfter !== null && !place.mayRead(place.device, readAfter)) return refuse("tag-unknown");
  return { pdu, device: place.device, write, refusal: null, readAfter };
}

export function exceptionPdu(code: number, exception: number): Uint8Array {
  return Uint8Array.of((code & 0x7f) | 0x80, exception);
}

/**
 * What the client hears. A success repeats the request as its function demands; for FC23, `words` are
 * what was read afterwards, and null means that reading failed: 0x0B, for the write has been done.
 */
export function answerPdu(
  command: Command,
  exception: number | null,
  words: readonly number[] | null = null,
): Uint8Array {
  const code = command.pdu[0] ?? 0;
  if (exception !== null) return exceptionPdu(code, exception);
  if (code === 15 || code === 16) return command.pdu.slice(0, 5);
  if (code !== 23) return command.pdu;
  if (words === null) return exceptionPdu(code, 0x0b);
  const pdu = new Uint8Array(2 + words.length * 2);
  pdu[0] = code;
  pdu[1] = words.length * 2;
  words.forEach((word, index) => {
    pdu[2 + index * 2] = word >> 8;
    pdu[3 + index * 2] = word & 0xff;
  });
  return pdu;
}

function readAfterOf(request: ModbusRequest): SouthRead | null {
  if (request.kind !== "read-write-words") return null;
  return { table: "hr", address: request.readAddress, quantity: request.readQuantity };
}
