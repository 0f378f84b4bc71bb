/** ECDSA-Sig-Value (RFC 3279 section 2.2.3) of r || s. */
export function derSignature(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const numbers = [signature.subarray(0, half), signature.subarray(half)].flatMap(derInteger);
  return Uint8Array.from([0x30, numbers.length, ...numbers]);
}

function derInteger(bytes: Uint8Array): readonly number[] {
  const digits = [...bytes];
  while (digits.length > 1 && digits[0] === 0) digits.shift();
  if ((digits[0] ?? 0) >= 0x80) digits.unshift(0);
  return [0x02, digits.length, ...digits];
}
