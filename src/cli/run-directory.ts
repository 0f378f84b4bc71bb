import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
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
