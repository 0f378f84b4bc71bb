/**
 * Text of well-formed UTF-8 (RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF);
 * otherwise the offset of the first byte that is not.
 */
export function readUtf8(source: Uint8Array, start: number, end: number): string | number {
  let text = "";
  let at = start;
  while (at < end) {
    const first = source[at] ?? 0;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      at += 1;
      continue;
    }
    const length = sequenceLength(first);
    if (length === 0 || at + length > end) return at;
    let code = first & (0x7f >> length);
    for (let i = 1; i < length; i += 1) {
      const next = source[at + i] ?? 0;
      if ((next & 0xc0) !== 0x80) return at;
      code = (code << 6) | (next & 0x3f);
    }
    if (code < (LEAST_CODE[length] ?? 0) || code > 0x10_ffff) return at;
    if (code >= 0xd800 && code <= 0xdfff) return at;
    text += String.fromCodePoint(code);
    at += length;
  }
  return text;
}

function sequenceLength(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/** Smallest code point a sequence of so many bytes may carry. */
const LEAST_CODE: Readonly<Record<number, number>> = { 2: 0x80, 3: 0x800, 4: 0x1_0000 };
