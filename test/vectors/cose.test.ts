import { createPublicKey, verify, type JsonWebKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  decodeSign1,
  EDDSA,
  ES256,
  sigStructure,
  verifySign1,
} from "../../src/codec/cose/sign1.js";
import { countVectors, vectorsDir } from "../support/vectors.js";

type Sign0 = {
  readonly key: Record<string, string>;
  readonly external?: string;
  readonly alg: string;
};
type Example = {
  readonly title: string;
  readonly fail?: boolean;
  readonly input: { readonly sign0: Sign0 };
  readonly intermediates: { readonly ToBeSign_hex: string };
  readonly output: { readonly cbor: string };
};

function isExample(value: unknown): value is Example {
  return typeof value === "object" && value !== null && "input" in value && "output" in value;
}

const unhex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

function keyOf({ kty, crv, x, y, x_hex: xHex }: Record<string, string>): JsonWebKey {
  if (kty === "OKP") {
    return { kty, crv: crv ?? "", x: Buffer.from(xHex ?? "", "hex").toString("base64url") };
  }
  return { kty: "EC", crv: crv ?? "", x: x ?? "", y: y ?? "" };
}

describe("the examples of the COSE working group", () => {
  it("verify where they pass, are refused where they fail, and sign the very bytes we build", () => {
    const root = vectorsDir();
    if (root === undefined) {
      countVectors("cose", 0);
      return;
    }
    let ran = 0;
    for (const folder of ["sign1-tests", "ecdsa-examples", "eddsa-examples"]) {
      for (const name of readdirSync(join(root, "cose", folder))) {
        const parsed: unknown = JSON.parse(readFileSync(join(root, "cose", folder, name), "utf8"));
        if (!isExample(parsed)) throw new Error(`${name} is no example`);
        expect(accepts(parsed), `${name}: ${parsed.title}`).toBe(parsed.fail !== true);
        ran += 1;
      }
    }
    expect(ran).toBe(11);
    countVectors("cose", ran);
  });
});

function accepts(example: Example): boolean {
  const { key: parts, alg, external } = example.input.sign0;
  const bytes = unhex(example.output.cbor);
  const decoded = decodeSign1(bytes, bytes[0] === 0x84 ? "untagged" : "tagged");
  if (!decoded.ok) return false;
  const { sign1 } = decoded;
  const key = createPublicKey({ key: keyOf(parts), format: "jwk" });
  const aad = unhex(external ?? "");
  if (example.fail !== true && sign1.payload !== null) {
    const built = sigStructure(sign1.protectedBytes, sign1.payload, aad);
    expect(Buffer.from(built).toString("hex").toUpperCase()).toBe(
      example.intermediates.ToBeSign_hex.toUpperCase(),
    );
  }
  return verifySign1(sign1, {
    algorithm: alg === "EdDSA" ? EDDSA : ES256,
    external: aad,
    verify: (toBeSigned, signature) =>
      alg === "EdDSA"
        ? verify(null, toBeSigned, key, signature)
        : verify("sha256", toBeSigned, { key, dsaEncoding: "ieee-p1363" }, signature),
  });
}
