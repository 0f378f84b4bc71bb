/** A granted TimeStampResp (RFC 3161) that nobody signed, over this SHA-256, at this GeneralizedTime. */
export function unsignedStamp(imprint: Uint8Array, time = "20260101000000Z"): Uint8Array {
  const algorithm = der(0x30, der(0x06, fromHex("608648016503040201")));
  const info = der(
    0x30,
    ...[der(0x02, [1]), der(0x06, [0x2a, 3])],
    der(0x30, algorithm, der(0x04, imprint)),
    ...[der(0x02, [1]), der(0x18, Buffer.from(time, "latin1"))],
  );
  const content = der(
    0x30,
    der(0x06, fromHex("2a864886f70d0109100104")),
    der(0xa0, der(0x04, info)),
  );
  const signed = der(0x30, der(0x02, [3]), der(0x31), content);
  const token = der(0x30, der(0x06, fromHex("2a864886f70d010702")), der(0xa0, signed));
  return der(0x30, der(0x30, der(0x02, [0])), token);
}

function der(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  const short = length >= 0x80 && length < 0x100 ? [tag, 0x81, length] : head;
  return new Uint8Array(Buffer.concat([Buffer.from(short), content]));
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
