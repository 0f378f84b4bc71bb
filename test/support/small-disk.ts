import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./live-gateway.js";

/** Part of every Debian. */
const PROGRAM = "unshare";

/** A tmpfs of its own in a mount namespace that goes with the test. */
export type SmallDisk = {
  /** Its folder, as every process may name it. */
  readonly path: string;
  /** Others take this many bytes of it, or all there are. */
  readonly fill: (bytes: number) => void;
};

/** Null where this machine does not let its users mount in a namespace of their own. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk | null> {
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-disk-"));
  const mount = `mount -t tmpfs -o size=${megabytes}m tmpfs ${folder} && echo mounted && exec cat`;
  const child = spawn(PROGRAM, ["-rm", "sh", "-c", mount], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "close");
  atEnd(async () => {
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const said = await Promise.race([once(child.stdout, "data"), ended.then(() => null)]);
  if (said === null) return null;
  const path = `/proc/${child.pid ?? 0}/root${folder}`;
  return {
    path,
    fill: (bytes) => {
      const file = openSync(join(path, "of-others"), "a");
      const piece = Buffer.alloc(4_096, 7);
      try {
        for (let at = 0; at < bytes; at += piece.length) writeSync(file, piece);
      } catch (error) {
        const isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
        if (!isFull) throw error;
      } finally {
        closeSync(file);
      }
    },
  };
}
