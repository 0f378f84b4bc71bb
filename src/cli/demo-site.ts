import { mkdtempSync, openSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Refusal } from "./output.js";

export const OWN_UNIT = 247;

export type DemoSite = {
  readonly directory: string;
  readonly siteFile: string;
  readonly evidence: string;
  readonly logFile: string;
  readonly log: number;
};

/** A fresh one, for this user alone. */
export function makeDemoFolder(): string {
  return mkdtempSync(join(tmpdir(), "holdpoint-demo-"));
}

/**
 * The demo's site in a directory of its own: loopback devices and listeners only. `ai` comes by the first
 * port, `visitor` (for strangers such as mbpoll) by the one after it. `keys`: folder of the record of keys in a TPM.
 */
export function makeDemoSite(
  directory: string,
  profile: string,
  ports: { readonly plc: number; readonly first: number },
  keys: string | null,
): DemoSite {
  const siteFile = join(directory, "site.yaml");
  const ai = `127.0.0.1:${ports.first}`;
  const visitor = `127.0.0.1:${ports.first + 1}`;
  const lines = [
    "site: demo",
    "gateway: demo",
    `profile: ${JSON.stringify(profile)}`,
    "devices:",
    `  plc: {tcp: 127.0.0.1:${ports.plc}, unit: 1}`,
    "doors:",
    "  modbus:",
    `    listen: {${ai}: {1: plc}, ${visitor}: {1: plc}}`,
    `    clients: {${ai}: {"*": ai}, ${visitor}: {"*": visitor}}`,
    `    own_unit: ${OWN_UNIT}`,
    "evidence: {dir: ./evidence, reserve: 1 MB, high_water: 98 %}",
    // A demo goes on without its TPM, and says so.
    ...(keys === null ? [] : [`tpm: {keys: ${JSON.stringify(keys)}, need: preferred}`]),
  ];
  writeFileSync(siteFile, `${lines.join("\n")}\n`);
  const logFile = join(directory, "gateway.log");
  return {
    directory,
    siteFile,
    evidence: join(directory, "evidence"),
    logFile,
    log: openSync(logFile, "a", 0o600),
  };
}

/** A {@link Refusal} in one line when the port is taken: known before anything is started. */
export async function assertFree(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once("error", () => {
      reject(
        new Refusal(
          `127.0.0.1:${port} is taken by another program: stop it, or choose others with --port`,
          2,
        ),
      );
    });
    probe.listen(port, "127.0.0.1", () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}
