import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { runToEnd } from "../child-process.js";
import { CLI } from "./cli.js";

/** A software TPM with Holdpoint's keys in it. */
export type Chip = {
  /** Lines of a site file that sign by it. */
  readonly site: readonly string[];
  /** Folder of the record of those keys. */
  readonly keys: string;
  /** From now on every signature takes so long. */
  readonly slow: (ms: number) => void;
  readonly stop: () => Promise<void>;
};

const TPM2_SIGN = 0x15d;
/** Tag, size and code of a command (TPM 2.0 part 1, section 18). */
const HEADER_BYTES = 10;
const COMMAND_BYTES_MAX = 4_096;
const READY_WITHIN_MS = 20_000;

/** Starts swtpm in `dir`, behind a socket that can hold signatures back, and provisions it. Needs Debian's swtpm. */
export async function startChip(dir: string): Promise<Chip> {
  const [state, chip, front] = [join(dir, "state"), join(dir, "chip"), join(dir, "front")];
  mkdirSync(state, { recursive: true });
  const args = ["socket", "--tpm2", "--tpmstate", `dir=${state}`];
  args.push("--server", `type=unixio,path=${chip}`, "--ctrl", `type=unixio,path=${chip}.ctrl`);
  args.push("--flags", "not-need-init,startup-clear");
  const child = spawn("swtpm", args, { stdio: "ignore" });
  const failed = once(child, "error").then(() => {
    throw new Error("the bench needs Debian's swtpm: apt-get install swtpm");
  });
  await Promise.race([failed, untilThere(chip)]);
  const shim = await listen(front, chip);
  const keys = join(dir, "keys");
  await runToEnd(process.execPath, [
    ...[CLI, "key", "provision", "--tpm", `swtpm:${front}`, "--out", keys],
  ]);
  return {
    keys,
    site: [`tpm: {keys: ${keys}, need: preferred}`],
    slow: shim.slow,
    stop: async () => {
      shim.close();
      await end(child);
    },
  };
}

async function untilThere(path: string): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (!existsSync(path)) {
    if (performance.now() > until) throw new Error(`swtpm does not listen on ${path}`);
    await wait(10);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Passes commands on whole, one at a time, as a TPM takes them. */
async function listen(
  path: string,
  chip: string,
): Promise<{ readonly slow: (ms: number) => void; readonly close: () => void }> {
  let signMs = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(chip);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    let held: Buffer = Buffer.alloc(0);
    client.on("data", (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      if (held.length > COMMAND_BYTES_MAX) client.destroy();
      if (held.length < HEADER_BYTES || held.length < held.readUInt32BE(2)) return;
      const command = held;
      held = Buffer.alloc(0);
      const delayMs = command.readUInt32BE(6) === TPM2_SIGN ? signMs : 0;
      if (delayMs === 0) upstream.write(command);
      else setTimeout(() => upstream.write(command), delayMs);
    });
    upstream.on("data", (answer) => client.write(answer));
  });
  server.listen(path);
  await once(server, "listening");
  return {
    slow: (ms) => {
      signMs = ms;
    },
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
