import { exceptionOf, surelyNotDone } from "../../codec/modbus/exception.js";
import type { ParsedReply } from "../../codec/modbus/pdu-reply.js";
import type { ReadResult, Us, WriteResult } from "../../guard/ports.js";

/**
 * What a matching reply says of a write. An exception that leaves open whether something was done is
 * `unknown`, as silence would be. `pdu` is copied.
 */
export function writeResultOf(reply: ParsedReply, pdu: Uint8Array): WriteResult {
  switch (reply.kind) {
    case "written":
      return { kind: "acknowledged", reply: copyOf(pdu) };
    case "exception":
      return surelyNotDone(reply.code)
        ? { kind: "exception", code: reply.code, reply: copyOf(pdu) }
        : {
            kind: "unknown",
            why: `exception ${reply.code}: ${exceptionOf(reply.code)?.says ?? ""}`,
          };
    case "bits":
    case "words":
    case "identity":
    case "mismatch":
      return { kind: "unknown", why: "the reply does not fit its request" };
  }
}

/** Bits become 0 and 1. */
export function readResultOf(reply: ParsedReply, sentUs: Us): ReadResult {
  switch (reply.kind) {
    case "words":
      return { kind: "read", sentUs, words: reply.words };
    case "bits":
      return { kind: "read", sentUs, words: reply.bits.map(Number) };
    case "exception":
      return { kind: "exception", code: reply.code };
    case "written":
    case "identity":
    case "mismatch":
      return { kind: "failed", why: "malformed" };
  }
}

/** Bytes of its own: the PDU is a view of the receive buffer. */
function copyOf(pdu: Uint8Array): Uint8Array {
  return Uint8Array.from(pdu);
}
