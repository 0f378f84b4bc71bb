/**
 * The fastest that checking a log could be in this runtime: every frame found by its length, and the two hashes that
 * each entry costs (its leaf, which is its checksum as well, and one node of the tree); nothing decoded, one thread.
 * usage: hash-ceiling DIR      prints one line of JSON
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FRAME_KIND, FrameReader } from "../../src/evidence/frame.js";
import { readSegmentName } from "../../src/evidence/segment.js";
import { sha256 } from "../../src/guard/evidence/sha256.js";

const directory = process.argv[2] ?? "";
/** Prefix and two children (RFC 9162 section 2.1.1). */
const node = new Uint8Array(65).fill(1, 0, 1);
const frames = new FrameReader(sha256);
const begun = performance.now();
let records = 0;
let total = 0;
for (const name of readdirSync(directory).sort()) {
  if (readSegmentName(name) === null) continue;
  const bytes = readFileSync(join(directory, name));
  total += bytes.length;
  for (let at = 0; at < bytes.length;) {
    const read = frames.read(bytes, at, bytes.length);
    if (read.kind !== "frame") throw new Error(`${name}: no whole frame at ${at}`);
    at = read.frame.end;
    if (read.frame.kind !== FRAME_KIND.leaf) continue;
    records += 1;
    node.set(read.frame.digest, 1);
    node.set(sha256(node), 33);
  }
}
console.log(
  JSON.stringify({ records, bytes: total, seconds: (performance.now() - begun) / 1_000 }),
);
