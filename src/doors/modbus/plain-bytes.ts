/** The same bytes as a plain array: a Buffer's `slice` is a view where everybody else's is a copy. */
export function plainBytes(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}
