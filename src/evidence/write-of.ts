import type { ModbusRequest } from "../codec/modbus/pdu-request.js";
import type { WriteRequest } from "../kernel/command/request.js";

/**
 * The write that a Modbus request asks of a device, as the kernel is given it; null: it writes nothing. The
 * guard reads what it judges by this, and a replay reads the recorded bytes by the same.
 */
export function writeOf(request: ModbusRequest, device: number): WriteRequest | null {
  switch (request.kind) {
    case "write-bits": {
      const { address, bits } = request;
      const data = { kind: "bits", bits } as const;
      return { device, table: "co", address, function: request.function, data };
    }
    case "write-words":
    case "read-write-words": {
      const { address, words } = request;
      const data = { kind: "words", words } as const;
      return { device, table: "hr", address, function: request.function, data };
    }
    case "mask-word": {
      const { address, and, or } = request;
      const data = { kind: "mask", and, or } as const;
      return { device, table: "hr", address, function: request.function, data };
    }
    case "read-bits":
    case "read-words":
    case "identify":
      return null;
  }
}
