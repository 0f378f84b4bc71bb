import type { ReadRequest, WriteRequest } from "../../codec/modbus/pdu-request.js";
import type { SouthRead, SouthWrite } from "../../guard/ports.js";

/**
 * The request that carries a write: FC5 for one coil, 15 for more, 6 for one register, 16 for more, 22 for a
 * mask. Null for what no function can carry (words to coils, bits or nothing to registers).
 */
export function writeRequestOf({ table, address, data }: SouthWrite): WriteRequest | null {
  switch (data.kind) {
    case "bits": {
      if (table !== "co") return null;
      const code = data.bits.length === 1 ? 5 : 15;
      return { kind: "write-bits", function: code, address, bits: data.bits };
    }
    case "words": {
      if (table !== "hr") return null;
      const code = data.words.length === 1 ? 6 : 16;
      return { kind: "write-words", function: code, address, words: data.words };
    }
    case "mask":
      if (table !== "hr") return null;
      return { kind: "mask-word", function: 22, address, and: data.and, or: data.or };
  }
}

/** FC1 coils, 2 discrete inputs, 3 holding registers, 4 input registers. */
export function readRequestOf({ table, address, quantity }: SouthRead): ReadRequest {
  switch (table) {
    case "co":
      return { kind: "read-bits", function: 1, address, quantity };
    case "di":
      return { kind: "read-bits", function: 2, address, quantity };
    case "hr":
      return { kind: "read-words", function: 3, address, quantity };
    case "ir":
      return { kind: "read-words", function: 4, address, quantity };
  }
}
