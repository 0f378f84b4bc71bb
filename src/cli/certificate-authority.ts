import { createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ATTESTATION_USAGE } from "../evidence/key-bundle.js";
import { runOpenssl } from "./openssl.js";
import { Refusal } from "./output.js";

/** File names in the folder of a certificate authority. */
export const AUTHORITY_FILES = { key: "ca.key", root: "root.pem" } as const;

/**
 * A new P-256 key that only its owner may read, and its root certificate, in a folder that is made for them. X.509 is
 * written by `openssl`. Throws a Refusal where there is one already.
 */
export async function makeAuthority(folder: string, name: string): Promise<void> {
  demandPlainName(name);
  const key = join(folder, AUTHORITY_FILES.key);
  const root = join(folder, AUTHORITY_FILES.root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  try {
    await writeFile(key, pem, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw new Refusal(isThere ? `${key} is there already` : `${key} cannot be written`, 2);
  }
  await inScratch(folder, async (scratch) => {
    const settings = join(scratch, "settings");
    await writeFile(settings, ROOT_SETTINGS);
    const made = join(scratch, "root.pem");
    const subject = ["-subj", `/CN=${name}`, "-days", DAYS];
    const how = ["-new", "-sha256", "-config", settings, "-extensions", "root"];
    await runOpenssl(["req", "-x509", ...how, "-key", key, ...subject, "-out", made]);
    await rename(made, root);
  });
}

/** What the certificate of an attestation key says. */
export type CertificateWish = {
  readonly spki: Uint8Array;
  /** The gateway. */
  readonly commonName: string;
  readonly unit: string | null;
  /** SHA-256 of the endorsement key's certificate in hexadecimal; null: none was seen. */
  readonly serialNumber: string | null;
};

/** The certificate, then the root (DER). Throws a Refusal where the folder holds no authority, or its key is open to others. */
export async function issueCertificate(
  folder: string,
  { spki, commonName, unit, serialNumber }: CertificateWish,
): Promise<readonly Uint8Array[]> {
  demandPlainName(commonName);
  const key = join(folder, AUTHORITY_FILES.key);
  const root = join(folder, AUTHORITY_FILES.root);
  await demandOwnKey(key);
  const subject = [
    `/CN=${commonName}`,
    ...(unit === null ? [] : [`/OU=${unit}`]),
    ...(serialNumber === null ? [] : [`/serialNumber=${serialNumber}`]),
  ];
  return await inScratch(folder, async (scratch) => {
    const settings = join(scratch, "settings");
    const publicKey = join(scratch, "key.pem");
    const made = join(scratch, "certificate.der");
    await writeFile(settings, LEAF_SETTINGS);
    const read = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    await writeFile(publicKey, read.export({ type: "spki", format: "pem" }));
    const by = ["-CA", root, "-CAkey", key, "-set_serial", newSerial(), "-sha256"];
    const what = ["-force_pubkey", publicKey, "-subj", subject.join(""), "-days", DAYS];
    const how = ["-extfile", settings, "-extensions", "attestation"];
    await runOpenssl(["x509", "-new", ...what, ...by, ...how, "-outform", "DER", "-out", made]);
    const rootDer = new X509Certificate(await readFile(root)).raw;
    return [new Uint8Array(await readFile(made)), new Uint8Array(rootDer)];
  });
}

/** Longer than any gateway lives: the key stays what it is, and verifiers ask no clock (ADR 0012). */
const DAYS = "36500";

const ROOT_SETTINGS = `[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`;
const LEAF_SETTINGS = `[attestation]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = ${ATTESTATION_USAGE}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`;

/** It becomes part of an argument, and is compared letter by letter. */
function demandPlainName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/.test(name)) return;
  throw new Refusal(`"${name}": a name here is up to 63 letters, digits, spaces, dots, - and _`, 2);
}

/** 63 random bits, never zero (RFC 5280 section 4.1.2.2: positive). */
function newSerial(): string {
  const bytes = randomBytes(8);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return `0x${bytes.toString("hex")}`;
}

async function demandOwnKey(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw new Refusal(
      `${path}: there is none; "holdpoint ca init" makes a certificate authority`,
      2,
    );
  }
  if ((found.mode & 0o077) === 0) return;
  throw new Refusal(
    `${path}: others may read it; chmod 600, and ask whether it is still secret`,
    2,
  );
}

async function inScratch<T>(folder: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(folder, "scratch-"));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
