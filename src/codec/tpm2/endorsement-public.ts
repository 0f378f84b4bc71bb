import { ALGORITHM, SIZE } from "./constant.js";
import { parsePublic } from "./public-area.js";
import { parseWhole, type TpmParsed } from "./reader.js";

/** An endorsement key, to the extent that a credential for it can be made. */
export type EndorsementPublic =
  | { readonly kind: "rsa"; readonly modulus: Uint8Array; readonly exponent: number }
  | { readonly kind: "ecc"; readonly x: Uint8Array; readonly y: Uint8Array };

/**
 * TPMT_PUBLIC of an endorsement key: RSA of 2,048 bits or P-256, with SHA-256 and AES-128-CFB (TCG EK Credential Profile,
 * templates L-1 and L-2). It must be bound to its TPM and able to do nothing but decrypt what the TPM itself checks.
 */
export function parseEndorsementPublic(bytes: Uint8Array): TpmParsed<EndorsementPublic> {
  const ecc = parsePublic(bytes);
  if (ecc.ok) {
    const { x, y, use, attributes } = ecc.value;
    const isRight = use === "storage" && isEndorsement(attributes);
    return isRight ? { ok: true, value: { kind: "ecc", x, y } } : NOT_ONE;
  }
  return parseWhole(bytes, (reader) => {
    reader.expect(2, ALGORITHM.rsa, "tag");
    reader.expect(2, ALGORITHM.sha256);
    if (!isEndorsement(reader.u32())) reader.fail("value");
    reader.sized(SIZE.digest);
    for (const wanted of [ALGORITHM.aes, 128, ALGORITHM.cfb, ALGORITHM.none, RSA_BITS]) {
      reader.expect(2, wanted);
    }
    const exponent = reader.u32();
    const modulus = reader.sized(RSA_BITS / 8, RSA_BITS / 8);
    return { kind: "rsa", modulus, exponent: exponent === 0 ? USUAL_EXPONENT : exponent };
  });
}

const RSA_BITS = 2048;
/** What zero stands for (Library Part 2, 12.2.3.5). */
const USUAL_EXPONENT = 65_537;
/** fixedTPM, fixedParent, sensitiveDataOrigin, restricted, decrypt; and not sign. */
const WANTED = 0x00030032;
const SIGN = 0x00040000;
const NOT_ONE: TpmParsed<never> = { ok: false, fault: { code: "value", at: 4 } };

function isEndorsement(attributes: number): boolean {
  return (attributes & WANTED) === WANTED && (attributes & SIGN) === 0;
}
