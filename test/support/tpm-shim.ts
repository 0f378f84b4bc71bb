import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A socket that passes commands on to a TPM, and spoils one when it is told to. */
export type TpmShim = {
  readonly path: string;
  /**
   * The next command of this code: `answer` it is done and its answer never comes, `command` it never reaches the TPM.
   * Fulfilled when that has happened. The connection it came by is dead from then on.
   */
  readonly swallow: (what: "answer" | "command", code: number) => Promise<void>;
  /** How many commands of this code reached the TPM. */
  readonly passed: (code: number) => number;
};

export async function startTpmShim(tpmPath: string): Promise<TpmShim> {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-shim-"));
  const path = join(folder, "sock");
  const open = new Set<Socket>();
  const passed: number[] = [];
  let spoil: Spoil | null = null;
  const server = createServer((client) => {
    const upstream = connect(tpmPath);
    let mute = false;
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
    client.on("data", (command: Buffer) => {
      const code = command.readUInt32BE(6);
      const now = spoil?.code === code ? spoil : null;
      if (now !== null) spoil = null;
      if (now?.what === "command") {
        now.done();
        return;
      }
      passed.push(code);
      if (now !== null) {
        mute = true;
        upstream.once("data", now.done);
      }
      upstream.write(command);
    });
    upstream.on("data", (answer) => {
      if (!mute) client.write(answer);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    path,
    swallow: async (what, code) => {
      await new Promise<void>((resolve) => {
        spoil = { what, code, done: resolve };
      });
    },
    passed: (code) => passed.filter((one) => one === code).length,
  };
}

type Spoil = {
  readonly what: "answer" | "command";
  readonly code: number;
  readonly done: () => void;
};
