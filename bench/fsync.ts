/**
 * What durability costs on this disk: one append of a record's size and one fdatasync, both asynchronous, the next
 * 1 ms after the last was done. usage: fsync FOLDER COUNT      prints one line of JSON
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const RECORD_BYTES = 512;
const PACE_MS = 1;
const COUNT_MAX = 100_000;

const folder = process.argv[2] ?? "";
const count = Math.min(COUNT_MAX, Math.max(1, Number(process.argv[3])));
const path = join(folder, `fsync-${process.pid}`);
const file = await open(path, "ax");
const record = new Uint8Array(RECORD_BYTES).fill(0x68);
const tookUs: number[] = [];
for (let n = 0; n < count; n += 1) {
  const begun = performance.now();
  await file.write(record);
  await file.datasync();
  tookUs.push((performance.now() - begun) * 1000);
  await wait(PACE_MS);
}
await file.close();
await rm(path);
tookUs.sort((left, right) => left - right);
const at = (share: number): number => tookUs[Math.floor(share * (tookUs.length - 1))] ?? Number.NaN;
console.log(
  JSON.stringify({ count, p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99), maxUs: at(1) }),
);
