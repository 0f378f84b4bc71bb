import { describe, expect, it } from "vitest";
import { recordSegment } from "../../src/evidence/segment-tape.js";
import { LogVerifier, type VerifyReport } from "../../src/evidence/verify.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { verifyTestCommit } from "../support/commit-keys.js";
import { diskError, ForgetfulDisk } from "../support/evidence-disk.js";
import { appendAll, failed, openOn, sampleLog, verifyFiles } from "../support/evidence-rig.js";
import { bytes, sha256 } from "../support/evidence-samples.js";
import { SpaceDisk } from "../support/space-disk.js";
import {
  bodiesIn,
  DAY_US,
  fill,
  MB,
  retentionsIn,
  segmentsOf,
  watched,
} from "../support/watched-log.js";

/** The same as threads do it: each segment for itself, then what needs them all. */
function verifyTapes(disk: ForgetfulDisk): VerifyReport {
  const verifier = new LogVerifier({
    verifyCommit: verifyTestCommit,
    sha256,
    verifySignature: () => true,
    trusted: null,
  });
  segmentsOf(disk).forEach((name, place) => {
    const content = disk.files().get(name) ?? new Uint8Array(0);
    const tape = recordSegment({ name, bytes: content, isFirst: place === 0 }, sha256);
    expect(verifier.checked(tape)).toBe(true);
  });
  return verifier.finish();
}

describe("retention", () => {
  it("deletes the oldest segments when room is wanted, each only after its record is signed [HP-162 allows]", async () => {
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log);
    const before = segmentsOf(log.disk);
    expect(before.length).toBeGreaterThan(3);
    log.disk.journal.length = 0;
    log.space.othersBytes = 87 * MB;
    await log.second(40);
    expect(segmentsOf(log.disk).at(-1)).toBe(before.at(-1));
    expect(segmentsOf(log.disk).length).toBeLessThan(before.length);
    expect(log.watch.report().retention.dropped).toBeGreaterThan(0);
    const [first] = retentionsIn(log.disk);
    expect(first).toMatchObject({ segment: before[0], firstSeq: 0, why: "full" });
    const removes = log.disk.journal.filter((line) => line.startsWith("remove"));
    expect(removes.map((line) => line.slice(7))).toEqual(before.slice(0, removes.length));
    await log.store.close();
    const report = verifyFiles(log.disk.files());
    expect(failed(report)).toEqual([]);
    const beginning = report.checks.find(({ id }) => id === "beginning");
    expect(beginning).toMatchObject({ status: "PASS" });
    expect(beginning?.note).toMatch(
      /^entries 0 to \d+ are not here: retention took them, as entry \d+ records/,
    );
    expect(verifyTapes(log.disk)).toEqual(report);
    // The next start goes on, though what came before is gone.
    const again = await openOn(log.disk.crash());
    expect(again.recovered).toMatchObject({
      found: "clean",
      nextSeq: report.entries + (report.firstSeq ?? 0),
    });
  });

  it("deletes what is older than it is kept, no more than one in a minute [HP-162 refuses]", async () => {
    const log = await watched({ keepUs: 400 * DAY_US });
    await fill(log);
    const before = segmentsOf(log.disk);
    await log.second(20);
    expect(segmentsOf(log.disk)).toEqual(before);
    const { clock } = log;
    clock.us += 401 * DAY_US;
    await log.second(25);
    expect(segmentsOf(log.disk)).toEqual(before.slice(1));
    expect(retentionsIn(log.disk).map(({ why }) => why)).toEqual(["age"]);
    await log.second(60);
    expect(segmentsOf(log.disk)).toEqual(before.slice(2));
  });

  it("deletes nothing without being told to, whatever the disk and the clock say", async () => {
    const log = await watched();
    await fill(log);
    const before = segmentsOf(log.disk);
    log.space.othersBytes = 99 * MB;
    log.clock.us += 4_000 * DAY_US;
    await log.second(30);
    expect(segmentsOf(log.disk)).toEqual(before);
  });

  it("waits for a checkpoint over the segment, and for one over the record", async () => {
    const space = new SpaceDisk(new ForgetfulDisk());
    const log = await watched({ whenFull: "drop-oldest" }, { space });
    await fill(log);
    const before = segmentsOf(log.disk);
    // No signature reaches the disk any more: the record is made, and nothing is deleted.
    const settled = log.store.signedSize;
    Object.defineProperty(log.store, "signedSize", { get: () => settled });
    space.othersBytes = 87 * MB;
    await log.second(30);
    expect(retentionsIn(log.disk)).toHaveLength(1);
    expect(segmentsOf(log.disk).slice(0, before.length)).toEqual(before);
  });

  it("says what stands in its way, stops no permit for it, and goes on when that is gone", async () => {
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log);
    const before = segmentsOf(log.disk);
    log.disk.fault = (call) => (call === "remove" ? diskError("EACCES") : null);
    log.space.othersBytes = 87 * MB;
    await log.second(20);
    expect(segmentsOf(log.disk)[0]).toBe(before[0]);
    expect(log.watch.report().retention).toMatchObject({ dropped: 0 });
    expect(log.watch.report().retention.waits).toContain("EACCES");
    expect(retentionsIn(log.disk)).toHaveLength(1);
    expect(log.withheld).toEqual([]);
    log.disk.fault = () => null;
    await log.second(20);
    expect(log.watch.report().retention.dropped).toBeGreaterThan(0);
    await log.store.close();
    expect(failed(verifyFiles(log.disk.files()))).toEqual([]);
  });

  it("records again a profile that only the segment holds, so that what remains can be replayed", async () => {
    const profileBytes = bytes(300, 3);
    const profile: EntryBody = {
      type: "profile",
      digest: sha256(profileBytes),
      bytes: profileBytes,
      signatures: [],
      event: "activated",
      previous: null,
      proof: null,
      why: null,
    };
    const log = await watched({ whenFull: "drop-oldest" });
    await fill(log, 6, profile);
    log.space.othersBytes = 87 * MB;
    await log.second(40);
    const held = bodiesIn(log.disk).filter((body) => body.type === "profile");
    expect(held.map(({ bytes: whole, event }) => [whole, event])).toEqual([
      [profileBytes, "loaded"],
    ]);
    await log.store.close();
    expect(failed(verifyFiles(log.disk.files()))).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])(
    "leaves a log that verifies where the power fails %i calls into it [HP-200 allows]",
    async (calls) => {
      const log = await watched({ whenFull: "drop-oldest" });
      await fill(log);
      let left = calls;
      log.disk.fault = () => ((left -= 1) < 0 ? diskError("EDIED") : null);
      log.space.othersBytes = 87 * MB;
      await log.second(25);
      const after = log.disk.crash((unsynced) => Math.floor(unsynced / 2));
      const again = await openOn(after);
      expect(again.recovered.found).not.toBe("damaged");
      appendAll(again.store, sampleLog(again.recovered.nextSeq, 2, 2));
      await again.store.close();
      expect(failed(verifyFiles(after.files()))).toEqual([]);
    },
  );
});
