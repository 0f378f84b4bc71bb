/** Modbus Application Protocol V1.1b3, section 7. 7 was withdrawn from it and is not one of them. */
export const EXCEPTIONS = [
  { code: 1, says: "the function is not served" },
  { code: 2, says: "no such address" },
  { code: 3, says: "a value in the request is not allowed" },
  { code: 4, says: "the device failed while it was doing it" },
  { code: 5, says: "accepted, and still being done" },
  { code: 6, says: "the device is busy" },
  { code: 8, says: "the device found its memory corrupt" },
  { code: 0x0a, says: "the gateway has no path to the device" },
  { code: 0x0b, says: "the device behind the gateway did not answer" },
] as const;

export type ExceptionCode = (typeof EXCEPTIONS)[number]["code"];

/** Null for a code the specification does not know: such a reply is not understood. */
export function exceptionOf(code: number): (typeof EXCEPTIONS)[number] | null {
  for (const exception of EXCEPTIONS) if (exception.code === code) return exception;
  return null;
}

/**
 * True when a write answered with this exception was surely not carried out, not even in part. Not so: 4
 * (an error while writing, so some of it may stand: V1.1b3 figures 20 and 21), 5 (accepted, at work on it),
 * 0x0B (a gateway sent it on and heard nothing).
 */
export function surelyNotDone(code: ExceptionCode): boolean {
  return code !== 4 && code !== 5 && code !== 0x0b;
}

/** Reply PDU: the function with its top bit set, then the code. */
export function encodeException(functionCode: number, code: ExceptionCode): Uint8Array {
  const pdu = new Uint8Array(2);
  pdu[0] = (functionCode & 0xff) | 0x80;
  pdu[1] = code;
  return pdu;
}
