import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, realpathSync, rmdirSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { Refusal } from "./output.js";

/**
 * Where the sockets of a site's processes are: short, for a Unix socket's path may have 107 bytes, this
 * user's own, and the same for every command that names the same site file.
 */
export function runDirectoryOf(siteFile: string): string {
  let path: string;
  try {
    path = realpathSync(siteFile);
  } catch {
    throw new Refusal(`site file ${siteFile} cannot be read: name an existing file`, 2);
  }
  const name = createHash("sha256").update(path).digest("hex").slice(0, 12);
  const base = process.env["XDG_RUNTIME_DIR"] ?? tmpdir();
  return join(base, `holdpoint-${userInfo().uid}-${name}`);
}

/** Whoever can write here could stand in for the guard: this user's own, or nothing. */
export function makeRunDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = statSync(path);
  if (found.uid !== process.getuid?.()) throw new Refusal(`${path} belongs to another user`, 2);
  chmodSync(path, 0o700);
}

/** Its sockets are closed and gone. What somebody else put there stays, and the directory with it. */
export function leaveRunDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    return;
  }
}
