/**
 * Big-endian fields of TPM 2.0 structures (Library Part 2). Throws RangeError for a number that does not fit its
 * field and for a byte string of more than 65,535: both are mistakes of the caller, never of what came in.
 */
export class TpmWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  u8(value: number): this {
    return this.#number(value, 1);
  }

  u16(value: number): this {
    return this.#number(value, 2);
  }

  u32(value: number): this {
    return this.#number(value, 4);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes.slice());
    this.#length += bytes.length;
    return this;
  }

  /** TPM2B: 16-bit length, then the bytes. */
  sized(bytes: Uint8Array): this {
    return this.u16(bytes.length).raw(bytes);
  }

  done(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #number(value: number, width: 1 | 2 | 4): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width))
      throw new RangeError(`TPM: ${value} does not fit ${width} bytes`);
    const bytes = new Uint8Array(width);
    for (let i = 0; i < width; i += 1)
      bytes[i] = Math.floor(value / 2 ** (8 * (width - 1 - i))) & 255;
    return this.raw(bytes);
  }
}
