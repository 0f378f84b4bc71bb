import { createPublicKey, ECDH, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { p256 } from "@noble/curves/nist.js";
import {
  readKeyFile,
  sha256,
  verifySignature,
} from "../../../../clients/verifier-page/signature.js";
import { sha256 as sha256ByCommand } from "../../../../src/cli/evidence-files.js";
import { signatureVerifier } from "../../../../src/cli/evidence-keys.js";
import { encodeKeyBundle } from "../../../../src/evidence/bundle.js";
import { makeLogKey } from "../../../support/proof-bundle.js";

const byCommand = signatureVerifier();
const key = makeLogKey();
const said = new TextEncoder().encode("what was signed");
const signature = new Uint8Array(key.sign(said));

/** The order of P-256 (SEC 2 section 2.4.2). */
const ORDER = p256.Point.CURVE().n;

/** The other signature that says the same: a TPM gives either. */
function mirror(bytes: Uint8Array): Uint8Array {
  const s = ORDER - BigInt(`0x${Buffer.from(bytes.subarray(32)).toString("hex")}`);
  const other = Buffer.from(s.toString(16).padStart(64, "0"), "hex");
  return Uint8Array.from([...bytes.subarray(0, 32), ...other]);
}

/** SubjectPublicKeyInfo with the point in its short form. */
function compress(spki: Uint8Array): Uint8Array {
  const point = ECDH.convertKey(
    spki.subarray(26),
    "prime256v1",
    undefined,
    undefined,
    "compressed",
  );
  if (typeof point === "string") throw new Error("bytes were asked for");
  const short = Uint8Array.from([...spki.subarray(0, 26), ...point]);
  short[1] = short.length - 2;
  short[24] = point.length + 1;
  return short;
}

describe("signatures in the verifier page", () => {
  it("take what the key signed, with either s and either form of the point, as the command line does", () => {
    for (const spki of [key.spki, compress(key.spki)]) {
      for (const given of [signature, mirror(signature)]) {
        expect(verifySignature(spki, said, given)).toBe(true);
        expect(byCommand(spki, said, given)).toBe(true);
      }
    }
  });

  it("refuse everything else, as the command line does, and never throw", () => {
    const other = makeLogKey();
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    const zeros = new Uint8Array(64);
    const cases: readonly (readonly [Uint8Array, Uint8Array, Uint8Array])[] = [
      [other.spki, said, signature],
      [key.spki, said.subarray(1), signature],
      [key.spki, said, signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte))],
      [key.spki, said, zeros],
      [key.spki, said, new Uint8Array(64).fill(0xff)],
      [key.spki, said, signature.subarray(1)],
      [key.spki, said, new Uint8Array(0)],
      [new Uint8Array(0), said, signature],
      [key.spki.map((byte, i) => (i === 60 ? byte ^ 1 : byte)), said, signature],
      [makeLogKey("P-384").spki, said, signature],
      [makeLogKey("secp256k1").spki, said, signature],
      [new Uint8Array(rsa.export({ type: "spki", format: "der" })), said, signature],
    ];
    for (const [at, [spki, bytes, given]] of cases.entries()) {
      expect(verifySignature(spki, bytes, given), `case ${at}`).toBe(false);
      expect(byCommand(spki, bytes, given), `case ${at}`).toBe(false);
    }
  });

  it("hash as the command line does", () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 65_536]) {
      const bytes = new Uint8Array(length).fill(length % 251);
      expect(new Uint8Array(sha256(bytes))).toEqual(sha256ByCommand(bytes));
    }
  });
});

describe("a file that names a key", () => {
  const pemOf = (spki: Uint8Array): string =>
    createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" })
      .export({ type: "spki", format: "pem" })
      .toString();
  const pem = pemOf(key.spki);
  const bytes = (text: string | Buffer): Uint8Array => Uint8Array.from(Buffer.from(text));
  const bundle = encodeKeyBundle({
    spki: key.spki,
    certificates: [],
    endorsement: [],
    attestation: null,
    validSeq: null,
    software: true,
  });

  it("is taken as PEM, as DER and as a key bundle", () => {
    for (const file of [bytes(pem), key.spki, bundle]) {
      expect(readKeyFile(file)).toEqual({ ok: true, spkis: [key.spki] });
    }
  });

  it("names any number of them in PEM, in their order, with words around them", () => {
    const other = makeLogKey().spki;
    const both = `given up in May:\n${pemOf(other)}the new one:\n${pem}`;
    expect(readKeyFile(bytes(both))).toEqual({ ok: true, spkis: [other, key.spki] });
  });

  it("is refused whole when one of them cannot be read", () => {
    const broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    for (const file of [`${pem}${broken}`, `${pem}${pemOf(makeLogKey("P-384").spki)}`]) {
      expect(readKeyFile(bytes(file))).toMatchObject({ ok: false });
    }
  });

  it("is refused in words when it is anything else", () => {
    const wrong = (file: Uint8Array): string => {
      const read = readKeyFile(file);
      return read.ok ? "" : read.why;
    };
    const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    expect(wrong(bytes(certificate))).toContain("certificates, which this page does not read");
    const others = [
      new Uint8Array(0),
      bytes("-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----"),
      bytes("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
      makeLogKey("P-384").spki,
      Uint8Array.from([...key.spki, 0]),
      bundle.subarray(0, 40),
      new Uint8Array(1_000_000).fill(0x2d),
    ];
    for (const file of others) expect(wrong(file)).toContain("no public key on P-256");
  });
});
