import { describe, expect, it } from "vitest";
import { FrameReader } from "../../src/evidence/frame.js";
import type { Found } from "../../src/evidence/scan.js";
import { nameSegment } from "../../src/evidence/segment.js";
import { ForgetfulDisk } from "../support/evidence-disk.js";
import { appendAll, openOn, sampleLog, settle, verifyFiles } from "../support/evidence-rig.js";
import { bytes, sha256 } from "../support/evidence-samples.js";
import { share } from "../support/share.js";

const SOAK = { timeout: 900_000 };
const FIRST = nameSegment(0);
const HOLE_BYTES = 512;
/** A step that shares no factor with a bit's place in its byte, nor with a sector. */
const STEP = share(1, 37);

const LOG = await smallLog();
const STARTS = frameStarts(LOG);

describe("a start finds out how a small log was damaged", SOAK, () => {
  it("whatever 512 bytes were lost, zeroed or filled with other bytes [HP-074 refuses]", async () => {
    let told = 0;
    for (let at = 0; at < LOG.length; at += STEP) {
      for (const fill of [0, 0xff]) {
        const end = Math.min(at + HOLE_BYTES, LOG.length);
        await expectTold(changed(at, bytes(end - at, fill)), `${end - at} of ${fill} at ${at}`);
        told += 1;
      }
    }
    console.log(`${told} holes in a log of ${LOG.length} bytes and ${STARTS.length} frames`);
    expect(told).toBeGreaterThan(share(2 * LOG.length - 1, 100));
  });

  it("wherever it ends, also when the rest is there as zeros [HP-074 allows]", async () => {
    for (let length = 0; length <= LOG.length; length += share(1, 13)) {
      await expectTold(LOG.slice(0, length), `cut at ${length}`);
      await expectTold(changed(length, bytes(LOG.length - length, 0)), `zeros from ${length}`);
    }
  });

  it("whichever bit was turned over [HP-074 refuses]", async () => {
    for (let bit = 0; bit < LOG.length * 8; bit += share(1, 101)) {
      const at = bit >> 3;
      const turned = (LOG[at] ?? 0) ^ (1 << (bit & 7));
      await expectTold(changed(at, Uint8Array.of(turned)), `bit ${bit & 7} of byte ${at}`);
    }
  });
});

/** What recovery says, what it does to the bytes, and what a verifier says of them, against what must be. */
async function expectTold(log: Uint8Array, how: string): Promise<void> {
  const must = foundIn(log);
  const disk = new ForgetfulDisk();
  disk.set(FIRST, log);
  const { recovered, store } = await openOn(disk);
  const { found, cutBytes } = recovered;
  expect({ how, found, cutBytes }).toEqual({ how, ...must });
  await store.close();
  const kept = disk.files().get(FIRST) ?? new Uint8Array(0);
  // A commit may follow now: over whole entries that the crash left without one.
  const stays = log.slice(0, log.length - must.cutBytes);
  expect(same(kept.slice(0, stays.length), stays), how).toBe(true);
  if (must.found !== "clean") {
    const report = verifyFiles(new Map([[FIRST, log]]));
    expect(report.ok, how).toBe(false);
    expect(report.checks[0]?.first?.place.segment, how).toBe(FIRST);
  }
}

/** Told from where the frames of the whole log stand, and from nothing that the reader makes of the bytes. */
function foundIn(log: Uint8Array): { readonly found: Found; readonly cutBytes: number } {
  const whole = STARTS.map((start, at) => {
    const end = STARTS[at + 1] ?? LOG.length;
    return end <= log.length && same(log.slice(start, end), LOG.slice(start, end));
  });
  const broken = whole.indexOf(false);
  const goodEnd = broken < 0 ? log.length : (STARTS[broken] ?? 0);
  const cutBytes = log.length - goodEnd;
  if (cutBytes === 0) return { found: "clean", cutBytes };
  if (whole.includes(true, broken)) return { found: "damaged", cutBytes: 0 };
  const zeros = log.slice(goodEnd).every((byte) => byte === 0);
  return { found: zeros ? "zero-tail" : "torn", cutBytes };
}

/** Entries, commits and a checkpoint in the middle, of more than a few sectors. */
async function smallLog(): Promise<Uint8Array> {
  const disk = new ForgetfulDisk();
  const { store, clock } = await openOn(disk);
  const log = sampleLog(0, 14);
  appendAll(store, log.slice(0, 8));
  await settle(10);
  clock.advance(1_000_000);
  await settle(10);
  appendAll(store, log.slice(8));
  await store.close();
  return disk.files().get(FIRST) ?? new Uint8Array(0);
}

function frameStarts(log: Uint8Array): readonly number[] {
  const reader = new FrameReader(sha256);
  const starts: number[] = [];
  for (let at = 0; at < log.length;) {
    const read = reader.read(log, at, log.length);
    if (read.kind !== "frame") throw new Error(`no frame at ${at}`);
    starts.push(at);
    at = read.frame.end;
  }
  return starts;
}

function changed(at: number, by: Uint8Array): Uint8Array {
  const log = LOG.slice();
  log.set(by, at);
  return log;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
