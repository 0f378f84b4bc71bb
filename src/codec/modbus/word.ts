/** Big-endian 16 bit at `at`. Reading past the end gives 0 there: lengths are the caller's check. */
export function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Only 0..65535 can be written; see `isWord`. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 8;
  bytes[at + 1] = word & 0xff;
}

/** False also for NaN, fractions and negatives: masking those to 16 bits would send another value. */
export function isWord(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff;
}

export function areWords(values: readonly number[]): boolean {
  for (const value of values) if (!isWord(value)) return false;
  return true;
}

export function readWords(bytes: Uint8Array, at: number, quantity: number): number[] {
  const words: number[] = [];
  for (let n = 0; n < quantity; n += 1) words.push(readWord(bytes, at + 2 * n));
  return words;
}

export function writeWords(bytes: Uint8Array, at: number, words: readonly number[]): void {
  let to = at;
  for (const word of words) {
    writeWord(bytes, to, word);
    to += 2;
  }
}

/** First bit in the least significant place of the first byte (V1.1b3 section 6.1). */
export function readBits(bytes: Uint8Array, at: number, quantity: number): boolean[] {
  const bits: boolean[] = [];
  for (let n = 0; n < quantity; n += 1) {
    bits.push((((bytes[at + (n >> 3)] ?? 0) >> (n & 7)) & 1) === 1);
  }
  return bits;
}

/** Bits beyond the last one stay as they are: give it zeroed bytes. */
export function writeBits(bytes: Uint8Array, at: number, bits: readonly boolean[]): void {
  for (const [n, bit] of bits.entries()) {
    const byte = at + (n >> 3);
    if (bit) bytes[byte] = (bytes[byte] ?? 0) | (1 << (n & 7));
  }
}
