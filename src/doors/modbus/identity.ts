import { encodeIdentity, identify } from "../../codec/modbus/device-identification.js";
import { encodeException } from "../../codec/modbus/exception.js";
import { parseRequest } from "../../codec/modbus/pdu-request.js";

/**
 * Answers FC43/14 (Modbus application protocol 6.21) with the gateway's own basic objects: vendor,
 * product, revision. `null`: not this function at all.
 */
export function answerIdentity(
  pdu: Uint8Array,
  identity: readonly [string, string, string],
): Uint8Array | null {
  const parsed = parseRequest(pdu);
  if (!parsed.ok) return parsed.code === "malformed" ? encodeException(43, 3) : null;
  if (parsed.request.kind !== "identify") return null;
  const objects = identity.map((text, id) => ({ id, value: ascii(text) }));
  const found = identify(parsed.request, objects);
  return (found === null ? null : encodeIdentity(found)) ?? encodeException(43, 2);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text.slice(0, 64), (letter) => letter.charCodeAt(0) & 0x7f);
}
