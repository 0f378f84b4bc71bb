import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** A software TPM of one's own: swtpm with its state in a folder. It proves no hardware. */
export type SoftwareTpm = {
  /** Its data socket. */
  readonly socket: string;
  /** Certificate of its RSA endorsement key, by an authority in the same folder; null where the tools for it are not there. */
  readonly certificate: string | null;
  /** Ends it, at the latest by killing it. */
  readonly end: () => Promise<void>;
};

/**
 * Starts one on a Unix socket in `directory`, which must not have had one. It ends with this process, however that
 * ends, and not by a Ctrl-C that is meant for this process. `says`: why there is none, in a line.
 */
export async function startSoftwareTpm(
  directory: string,
): Promise<
  { readonly ok: true; readonly tpm: SoftwareTpm } | { readonly ok: false; readonly says: string }
> {
  const program = findProgram("swtpm");
  if (program === null) return { ok: false, says: "swtpm is not installed" };
  const socket = join(directory, "sock");
  if (Buffer.byteLength(socket) > SOCKET_PATH_BYTES_MAX) {
    return { ok: false, says: `swtpm takes no socket with so long a path: ${socket}` };
  }
  const state = join(directory, "state");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const certificate = await makeCertified(directory, state);
  const args = ["socket", "--tpm2", "--tpmstate", `dir=${state}`];
  args.push("--server", `type=unixio,path=${socket}`, "--flags", "not-need-init,startup-clear");
  // In a session of its own: the terminal's Ctrl-C would end it before the last signature.
  const child = spawn("/bin/sh", ["-c", KEEPER, "sh", program, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore", "pipe"],
  });
  const gone = untilGone(child);
  const ended = new AbortController();
  // Only swtpm itself holds this open.
  child.stdout?.on("close", () => {
    ended.abort();
  });
  child.stdout?.resume();
  const lifeline = child.stdio[LIFELINE];
  lifeline?.on("error", () => undefined);
  const end = async (): Promise<void> => {
    lifeline?.destroy();
    await endWithin(child, gone);
  };
  if (await listens(socket, ended.signal)) return { ok: true, tpm: { socket, certificate, end } };
  await end();
  return { ok: false, says: "swtpm is installed and does not start" };
}

/**
 * Keeps swtpm while the other end of descriptor 3 is open. As nobody waits for swtpm before that, its process id is not
 * given to another one.
 */
const KEEPER = `"$@" 3<&- &
exec >&-
read -r line <&3
kill -9 $!
wait`;
const LIFELINE = 3;
/** Of sockaddr_un, without its last zero. */
const SOCKET_PATH_BYTES_MAX = 107;
const LISTENS_WITHIN_MS = 5_000;
const CERTIFIED_WITHIN_MS = 10_000;
const ENDS_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 10;

/** Null, and no state left behind, where the certificate cannot be had. */
async function makeCertified(directory: string, state: string): Promise<string | null> {
  const setup = findProgram("swtpm_setup");
  const tool = findProgram("swtpm_localca");
  if (setup === null || tool === null) return null;
  const authority = join(directory, "authority");
  mkdirSync(authority, { recursive: true, mode: 0o700 });
  const file = (name: string, ...lines: readonly string[]): string => {
    const path = join(authority, name);
    writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
    return path;
  };
  const config = file(
    "localca.conf",
    `statedir = ${authority}`,
    `signingkey = ${join(authority, "signkey.pem")}`,
    `issuercert = ${join(authority, "issuercert.pem")}`,
    `certserial = ${join(authority, "certserial")}`,
  );
  const platform = ["manufacturer Holdpoint", "version 1", "model demo"];
  const options = file("localca.options", ...platform.map((each) => `--platform-${each}`));
  const conf = file(
    "setup.conf",
    `create_certs_tool = ${tool}`,
    `create_certs_tool_config = ${config}`,
    `create_certs_tool_options = ${options}`,
  );
  const args = ["--tpm2", "--tpmstate", state, "--create-ek-cert", "--config", conf];
  const child = spawn(setup, [...args, "--write-ek-cert-files", directory], { stdio: "ignore" });
  await Promise.race([untilGone(child), wait(CERTIFIED_WITHIN_MS, null, { ref: false })]);
  const certificate = join(directory, "ek-rsa2048.crt");
  if (child.exitCode === 0 && isReadable(certificate)) return certificate;
  child.kill("SIGKILL");
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { mode: 0o700 });
  return null;
}

async function listens(socket: string, ended: AbortSignal): Promise<boolean> {
  const until = performance.now() + LISTENS_WITHIN_MS;
  while (performance.now() < until && !ended.aborted) {
    if (await canConnect(socket)) return true;
    await wait(LOOK_EVERY_MS);
  }
  return false;
}

async function canConnect(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => {
      resolve(false);
    });
  });
}

/** The keeper is its own group's first: what it started goes with it. */
async function endWithin(child: ChildProcess, gone: Promise<void>): Promise<void> {
  const late = wait(ENDS_WITHIN_MS, "late", { ref: false });
  const how = await Promise.race([gone, late]);
  if (how !== "late" || child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    return;
  }
}

/** Ended, or never begun. */
async function untilGone(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    child.once("exit", () => {
      resolve();
    });
    child.once("error", () => {
      resolve();
    });
  });
}

function findProgram(name: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  return isAllowed(path, constants.X_OK);
}

function isReadable(path: string): boolean {
  return isAllowed(path, constants.R_OK);
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
