import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CERTIFICATES } from "../../../src/cli/certificates.js";
import { VERIFIER } from "../../support/proof-bundle.js";

const folder = mkdtempSync(join(tmpdir(), "holdpoint-certificates-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** How an authority signs, and whether both verifiers take that. */
const AUTHORITIES: readonly (readonly [string, readonly string[], readonly string[], boolean])[] = [
  ["ECDSA, P-256", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-sha256"], true],
  ["ECDSA, P-384", ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-sha384"], true],
  ["RSA, PKCS #1 v1.5", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["-sha256"], true],
  ["RSA, SHA-1", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["-sha1"], false],
  [
    "RSA-PSS",
    ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ["-sha256", "-sigopt", "rsa_padding_mode:pss"],
    false,
  ],
  ["Ed25519", ["ED25519"], [], false],
];

const OPENSSL = "openssl";
const openssl = (...args: readonly string[]): Buffer =>
  execFileSync(OPENSSL, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });

const toDer = (name: string): Uint8Array =>
  new Uint8Array(openssl("x509", "-in", name, "-outform", "DER"));

/** A root, and a certificate that it signed. */
function issue(algorithm: readonly string[], how: readonly string[]): void {
  openssl("genpkey", "-algorithm", ...algorithm, "-out", "ca.key");
  const root = ["-subj", "/CN=Root", "-days", "30", "-out", "ca.pem"];
  openssl("req", "-x509", "-key", "ca.key", ...how, ...root);
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "own.key");
  openssl("req", "-new", "-key", "own.key", "-subj", "/CN=Own", "-out", "own.csr");
  const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10"];
  openssl("x509", "-req", "-in", "own.csr", ...by, ...how, "-out", "own.pem");
}

const LINKED = `
import sys
sys.path.insert(0, sys.argv[1])
from cryptography import x509
from key_bundle import is_linked
own, root = (x509.load_pem_x509_certificate(open(path, "rb").read()) for path in sys.argv[2:])
print(is_linked(own, root))
`;

function isLinkedByPython(): boolean {
  const script = ["-c", LINKED, dirname(VERIFIER), join(folder, "own.pem"), join(folder, "ca.pem")];
  return execFileSync("/usr/bin/python3", script, { encoding: "utf8" }).trim() === "True";
}

describe("who issued a certificate", () => {
  it.each(AUTHORITIES)("is judged alike by both verifiers: %s", (_, algorithm, how, takes) => {
    issue(algorithm, how);
    expect(CERTIFICATES.isIssuedBy(toDer("own.pem"), toDer("ca.pem"))).toBe(takes);
    expect(isLinkedByPython()).toBe(takes);
    expect(CERTIFICATES.isIssuedBy(toDer("ca.pem"), toDer("own.pem"))).toBe(false);
  });
});
