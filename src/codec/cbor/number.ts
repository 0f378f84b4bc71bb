import type { CborReader } from "./reader.js";
import { MAJOR } from "./reader.js";
import type { CborWriter } from "./writer.js";

/**
 * A finite double as `num` of evidence.cddl: a safe integer as an integer, anything else as the decimal
 * fraction (tag 4) of its shortest decimal digits, mantissa without trailing zeros. Reading it back gives the
 * same double; one double has one encoding. -0 is written as 0. NaN and infinities are refused (RangeError).
 */
export function putNumber(writer: CborWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.int(value === 0 ? 0 : value);
    return;
  }
  if (!Number.isFinite(value)) throw new RangeError(`CBOR: ${value} is not a finite number`);
  const { exponent, mantissa } = decimalOf(value);
  writer.decimal(exponent, BigInt(mantissa));
}

/** The inverse; a decimal fraction that `putNumber` would have written differently is a fault. */
export function takeNumber(reader: CborReader): number {
  if (reader.peek() !== MAJOR.tag) return reader.int();
  const start = reader.at;
  if (reader.tag() !== 4) reader.fail("type", start);
  reader.array(2);
  const exponent = reader.int();
  const mantissa = reader.wideInt().toString();
  if (reader.failed()) return 0;
  const value = Number(`${mantissa}e${exponent}`);
  if (!Number.isFinite(value) || Number.isSafeInteger(value)) {
    reader.fail("not-shortest", start);
    return 0;
  }
  const shortest = decimalOf(value);
  if (shortest.exponent !== exponent || shortest.mantissa !== mantissa) {
    reader.fail("not-shortest", start);
    return 0;
  }
  return value;
}

/** From the shortest round-trip digits ECMAScript prints: "-1.25e-7", "0.05", "1e+21". */
function decimalOf(value: number): { readonly exponent: number; readonly mantissa: string } {
  const [digits = "", power = "0"] = value.toString().split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  const sign = whole.startsWith("-") ? "-" : "";
  let mantissa = (whole + fraction).replace("-", "").replace(/^0+/, "");
  let exponent = Number(power) - fraction.length;
  const significant = mantissa.replace(/0+$/, "");
  exponent += mantissa.length - significant.length;
  mantissa = sign + significant;
  return { exponent, mantissa };
}
