/** Lower case, two digits a byte. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  // In pieces that become one flat string each: digits put together one by one stay a long chain in memory.
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    const codes: number[] = [];
    for (let i = start; i < Math.min(bytes.length, start + PIECE_BYTES); i += 1) {
      const byte = bytes[i] ?? 0;
      codes.push(digit(byte >> 4), digit(byte & 15));
    }
    text += String.fromCharCode(...codes);
  }
  return text;
}

const PIECE_BYTES = 64;

/** Code of one of 0-9a-f. */
function digit(value: number): number {
  return value < 10 ? 48 + value : 87 + value;
}
