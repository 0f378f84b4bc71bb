import {
  constants,
  createCipheriv,
  createECDH,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import type { Credential } from "../codec/tpm2/activate-credential.js";
import type { EndorsementPublic } from "../codec/tpm2/endorsement-public.js";
import { kdfAInput, kdfEInput, labelOf } from "../codec/tpm2/kdf.js";
import { spkiOf } from "../codec/tpm2/spki.js";
import { TpmWriter } from "../codec/tpm2/writer.js";
import { sha256 } from "./evidence-files.js";

/**
 * TPM2_MakeCredential without a TPM (Library Part 1, 24.4 and B.10.4, C.6.4): `value`, up to 32 bytes, comes out only of a
 * TPM that holds both the endorsement key and an object of this Name. Throws for a point that is not on its curve.
 */
export function hideValue(
  endorsementKey: EndorsementPublic,
  name: Uint8Array,
  value: Uint8Array,
): Credential {
  const { seed, secret } =
    endorsementKey.kind === "rsa"
      ? seedForRsa(keyObjectOf(endorsementKey))
      : seedForEcc(endorsementKey.x, endorsementKey.y);
  const cipherKey = hmac(seed, kdfAInput("STORAGE", name, NOTHING, 128)).subarray(0, 16);
  const cipher = createCipheriv("aes-128-cfb", cipherKey, new Uint8Array(16));
  const hidden = cipher.update(new TpmWriter().sized(value).done());
  const integrityKey = hmac(seed, kdfAInput("INTEGRITY", NOTHING, NOTHING, 256));
  const integrity = hmac(integrityKey, Buffer.concat([hidden, name]));
  return { blob: new TpmWriter().sized(integrity).raw(hidden).done(), secret };
}

/** Its public key, to hold against a certificate. Throws for numbers that are no key. */
export function keyObjectOf(endorsementKey: EndorsementPublic): KeyObject {
  if (endorsementKey.kind === "ecc") {
    return createPublicKey({
      key: Buffer.from(spkiOf(endorsementKey)),
      format: "der",
      type: "spki",
    });
  }
  const { modulus, exponent } = endorsementKey;
  const n = Buffer.from(modulus).toString("base64url");
  const e = Buffer.from(new TpmWriter().u32(exponent).done()).toString("base64url");
  return createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
}

const NOTHING = new Uint8Array(0);
const IDENTITY = "IDENTITY";

type Seed = { readonly seed: Uint8Array; readonly secret: Uint8Array };

function seedForRsa(key: KeyObject): Seed {
  const seed = randomBytes(32);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const oaepLabel = Buffer.from(labelOf(IDENTITY));
  return { seed, secret: publicEncrypt({ key, padding, oaepHash: "sha256", oaepLabel }, seed) };
}

function seedForEcc(x: Uint8Array, y: Uint8Array): Seed {
  const ephemeral = createECDH("prime256v1");
  const own = ephemeral.generateKeys();
  const z = ephemeral.computeSecret(Buffer.concat([Uint8Array.of(4), x, y]));
  const ownX = own.subarray(1, 33);
  const secret = new TpmWriter().sized(ownX).sized(own.subarray(33)).done();
  return { seed: sha256(kdfEInput(z, IDENTITY, ownX, x)), secret };
}

function hmac(key: Uint8Array, text: Uint8Array): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
