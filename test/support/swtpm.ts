import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** A software TPM of its own, with its own state; gone with the test that started it. */
export type SoftwareTpm = {
  /** Its data socket. */
  readonly path: string;
  /** For tpm2-tools. It serves one client at a time: close the others first. */
  readonly tcti: string;
  /** Ends it in whatever it is doing; its state stays. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** While it is ended: the next start is another TPM, with nothing in it. What comes back brings the first one back. */
  readonly exchange: () => () => void;
  /** Stops and continues the process: it takes commands and answers none. */
  readonly freeze: () => void;
  readonly thaw: () => void;
};

export async function startSoftwareTpm(): Promise<SoftwareTpm> {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-tpm-"));
  const path = join(folder, "sock");
  let running: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    const child = running;
    running = null;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const start = async (): Promise<void> => {
    rmSync(path, { force: true });
    rmSync(`${path}.ctrl`, { force: true });
    const args = ["socket", "--tpm2", "--tpmstate", `dir=${folder}`];
    args.push("--server", `type=unixio,path=${path}`, "--ctrl", `type=unixio,path=${path}.ctrl`);
    args.push("--flags", "not-need-init,startup-clear");
    const child = spawn(PROGRAM, args, { stdio: "ignore" });
    running = child;
    const failed = once(child, "error").then(() => {
      throw new Error("this test needs the Debian package swtpm: apt-get install swtpm");
    });
    await Promise.race([failed, untilListening(path)]);
  };
  onTestFinished(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return {
    path,
    tcti: `swtpm:path=${path}`,
    kill,
    start,
    exchange: () => {
      const state = join(folder, "tpm2-00.permall");
      const kept = join(folder, "kept");
      renameSync(state, kept);
      return () => {
        renameSync(kept, state);
      };
    },
    freeze: () => running?.kill("SIGSTOP"),
    thaw: () => running?.kill("SIGCONT"),
  };
}

const PROGRAM = "swtpm";
const WITHIN_MS = 20_000;

/** The socket is there before anything listens on it. */
async function untilListening(path: string): Promise<void> {
  const until = Date.now() + WITHIN_MS;
  while (Date.now() < until) {
    if (existsSync(path) && (await canConnect(path))) return;
    await wait(10);
  }
  throw new Error(`swtpm does not listen on ${path}`);
}

async function canConnect(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => {
      resolve(false);
    });
  });
}
