import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TimeAuthority = {
  readonly folder: string;
  /** Root certificate, PEM. */
  readonly roots: string;
  /** Answers a request file (RFC 3161). */
  readonly answer: (request: string, response: string) => void;
  readonly remove: () => void;
};

/** A time authority of its own, made of `openssl`: a root, and a certificate for time stamps alone. */
export function startTimeAuthority(name: string): TimeAuthority {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-tsa-"));
  const at = (file: string): string => join(folder, file);
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
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
  return {
    folder,
    roots: at("root.pem"),
    answer: (request, response) => {
      const by = ["-config", at("settings"), "-section", "authority"];
      openssl("ts", "-reply", "-queryfile", request, ...by, "-out", response);
    },
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
