import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TimeAuthority = {
  readonly folder: string;
  /** Root certificate, PEM. */
  readonly roots: string;
  /** Answers a request file (RFC 3161). */
  readonly answer: (request: string, response: string) => void;
  /** Its response to a request over a file, by the digest that `openssl ts` calls so. */
  readonly stamp: (data: string, digest?: string) => Uint8Array;
  /** A response in words. */
  readonly show: (response: string) => string;
  readonly remove: () => void;
};

/** Debian's; what it prints. */
const OPENSSL = "openssl";

function runOpenssl(folder: string, args: readonly string[]): string {
  return execFileSync(OPENSSL, args, { cwd: folder, stdio: "pipe" }).toString();
}

/** A time authority of its own, made of `openssl`: a root, and a certificate for time stamps alone. */
export function startTimeAuthority(name: string): TimeAuthority {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-tsa-"));
  const at = (file: string): string => join(folder, file);
  const openssl = (...args: readonly string[]): string => runOpenssl(folder, args);
  writeFileSync(at("settings"), settingsIn(folder));
  writeFileSync(at("serial"), "01\n");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const how = ["-config", at("settings"), "-days", "3650"];
  const root = ["-keyout", "root.key", "-out", "root.pem", "-extensions", "root"];
  openssl("req", "-x509", ...key, ...how, "-subj", `/CN=${name} root`, ...root);
  openssl(
    ...["req", ...key, "-config", at("settings"), "-subj", `/CN=${name}`],
    ...["-keyout", "tsa.key", "-out", "tsa.csr"],
  );
  openssl(
    ...["x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key"],
    ...["-set_serial", "2", "-days", "3650", "-extfile", at("settings"), "-extensions", "tsa"],
    ...["-out", "tsa.pem"],
  );
  const answer: TimeAuthority["answer"] = (request, response) => {
    const by = ["-config", at("settings"), "-section", "authority"];
    openssl("ts", "-reply", "-queryfile", request, ...by, "-out", response);
  };
  return {
    folder,
    roots: at("root.pem"),
    answer,
    stamp: (data, digest = "-sha256") => {
      openssl("ts", "-query", "-data", data, digest, "-cert", "-out", at("request"));
      answer(at("request"), at("response"));
      return new Uint8Array(readFileSync(at("response")));
    },
    show: (response) => openssl("ts", "-reply", "-text", "-in", response),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function settingsIn(folder: string): string {
  return `[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[authority]
serial = ${join(folder, "serial")}
signer_cert = ${join(folder, "tsa.pem")}
signer_key = ${join(folder, "tsa.key")}
certs = ${join(folder, "root.pem")}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
`;
}
