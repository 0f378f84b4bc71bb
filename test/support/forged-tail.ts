import { FrameReader, FRAME_KIND, FrameWriter } from "../../src/evidence/frame.js";
import { LogReader } from "../../src/evidence/log-reader.js";
import { LogWriter } from "../../src/evidence/log-writer.js";
import { readSegmentName } from "../../src/evidence/segment.js";
import type { Stamp } from "../../src/evidence/stamp.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { ForgetfulDisk } from "./evidence-disk.js";
import { entryOf, sha256 } from "./evidence-samples.js";

/**
 * What somebody with the disk and no key puts behind a log that nobody writes to: entries in its newest run, chained and
 * under a root commit of their own.
 */
export function forgeTail(disk: ForgetfulDisk, bodies: readonly EntryBody[]): ForgetfulDisk {
  const forged = new ForgetfulDisk();
  for (const [name, content] of disk.files()) forged.set(name, content);
  const names = [...disk.files().keys()].filter((name) => readSegmentName(name) !== null).sort();
  const log = new LogReader(sha256);
  let stamp: Stamp | null = null;
  for (const name of names) stamp = readOn(disk.files().get(name), log) ?? stamp;
  const newest = names.at(-1) ?? "";
  if (stamp === null) throw new Error("no log");
  const frames = new FrameWriter();
  const writer = new LogWriter(sha256, log.tree, log.last);
  for (const body of bodies) writer.append(entryOf(body, writer.tree.size), stamp, frames);
  writer.commit(frames);
  const old = disk.files().get(newest) ?? new Uint8Array(0);
  forged.set(newest, Uint8Array.from([...old, ...frames.bytes()]));
  return forged;
}

/** Stamp of the last entry in it; null: there is none. */
function readOn(bytes: Uint8Array | undefined, log: LogReader): Stamp | null {
  const content = bytes ?? new Uint8Array(0);
  const frames = new FrameReader(sha256);
  let stamp: Stamp | null = null;
  for (let at = 0; at < content.length;) {
    const read = frames.read(content, at, content.length);
    if (read.kind !== "frame") throw new Error(`no frame at ${at}`);
    const { frame } = read;
    if (frame.kind === FRAME_KIND.leaf) stamp = log.leaf(content, frame, 0).read?.stamp ?? stamp;
    at = frame.end;
  }
  return stamp;
}
