import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
/** A peer that hangs fails its own test, well before the test's own timeout. */
const PEER_TIMEOUT_MS = 30_000;

/** Debian package a peer needs, and how to see whether it is there. */
const NEEDS = {
  gcc: async () => run("gcc", ["--version"]),
  "pkg-config": async () => run("pkg-config", ["--version"]),
  "libmodbus-dev": async () => run("pkg-config", ["--exists", "libmodbus"]),
  mbpoll: async () => run("mbpoll", ["-V"]),
  "python3-pymodbus": async () => run(PYTHON, ["-c", "import pymodbus"]),
} as const;

/** Throws, naming the package to install, when one is not there. A peer that is missing is a failure. */
export async function requireDebian(...packages: readonly (keyof typeof NEEDS)[]): Promise<void> {
  for (const name of packages) {
    await NEEDS[name]().catch(() => {
      throw new Error(`this test needs the Debian package ${name}: apt-get install ${name}`);
    });
  }
}

/** Compiles test/support/c/NAME.c against libmodbus; gone with the test. */
export async function compileModbusPeer(name: string): Promise<string> {
  await requireDebian("gcc", "pkg-config", "libmodbus-dev");
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-peer-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const { stdout } = await run("pkg-config", ["--cflags", "--libs", "libmodbus"]);
  const program = join(folder, name);
  const source = supportFile(`c/${name}.c`);
  const flags = stdout.trim().split(/\s+/);
  await run("gcc", ["-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source, ...flags]);
  return program;
}

export function pythonPeer(name: string): readonly [string, string] {
  return [PYTHON, supportFile(`python/${name}.py`)];
}

/** Runs a peer to its end and gives what it printed; throws when it fails. */
export async function runPeer(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, [...args], { timeout: PEER_TIMEOUT_MS });
  return stdout;
}

/** Starts a server that says "port N" on its first line; ended with the test. */
export async function startPeer(program: string, args: readonly string[] = []): Promise<number> {
  const peer = spawn(program, [...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(peer, "exit");
  onTestFinished(async () => {
    peer.kill("SIGKILL");
    await exited;
  });
  for await (const line of createInterface({ input: peer.stdout })) {
    const port = Number(/^port (\d+)$/.exec(line)?.[1]);
    if (port > 0) return port;
  }
  throw new Error(`${program} ended without naming its port`);
}

function supportFile(path: string): string {
  const file = fileURLToPath(new URL(path, import.meta.url));
  if (!existsSync(file)) throw new Error(`${file} is not there`);
  return file;
}
