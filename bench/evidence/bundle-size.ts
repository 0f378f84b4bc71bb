import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd } from "../child-process.js";
import { numberAt, readJsonLine } from "../json-line.js";
import { CLI } from "./cli.js";

/** A proof bundle of one permit with its outcome, without profile and key bundle. */
export type BundleSize = {
  readonly bytes: number;
  readonly entries: number;
  /** Leaves under the checkpoint it is proved by. */
  readonly treeSize: number;
};

/** Permits this far from the newest: their outcomes are signed as well. */
const BEFORE_NEWEST = 50;

/** Exports one of the newest permits and gives the size of what came out. Throws when the export is not of both entries. */
export async function measureBundle(directory: string): Promise<BundleSize> {
  const query = [CLI, "evidence", "query", directory, "--verdict", "permit", "--type", "decision"];
  const found = await runToEnd(process.execPath, [
    ...[...query, "--limit", String(BEFORE_NEWEST), "--json"],
  ]);
  const seq = numberAt(readJsonLine(found.split("\n")[0] ?? ""), "seq");
  const folder = mkdtempSync(join(tmpdir(), "holdpoint-bundle-"));
  try {
    const out = join(folder, "bundle.cbor");
    const ask = ["evidence", "export", directory, "--seq", String(seq), "--out", out, "--json"];
    const line = readJsonLine(await runToEnd(process.execPath, [CLI, ...ask]));
    const entries = Array.isArray(line["entries"]) ? line["entries"].length : 0;
    if (entries < 2) throw new Error(`entry ${seq}: its outcome is not in the bundle`);
    const checkpoint = readJsonLine(JSON.stringify(line["checkpoint"]));
    return { bytes: numberAt(line, "bytes"), entries, treeSize: numberAt(checkpoint, "size") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
