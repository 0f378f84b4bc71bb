import { describe, expect, it } from "vitest";
import { ReserveFile } from "../../src/guard/evidence/reserve-file.js";
import type { EntryBody } from "../../src/kernel/record/entry.js";
import { diskError, ForgetfulDisk } from "../support/evidence-disk.js";
import {
  appendAll,
  failed,
  openOn,
  sampleLog,
  settle,
  verifyFiles,
  type Opened,
} from "../support/evidence-rig.js";
import { bytes, decisionBody } from "../support/evidence-samples.js";
import { SpaceDisk } from "../support/space-disk.js";
import { bodiesIn, fill, MB, segmentsOf, watched } from "../support/watched-log.js";

const RESERVE_BYTES = 2 * MB;

/** A run ended in order, its reserve whole; then others took all there was. */
async function leftFull(): Promise<SpaceDisk> {
  const log = await watched({ reserveBytes: RESERVE_BYTES });
  await log.second(3);
  expect(log.watch.reserve.isWhole).toBe(true);
  appendAll(log.store, sampleLog(0, 6));
  await settle();
  log.watch.stop();
  await log.store.close();
  const { space } = log;
  space.bound();
  space.othersBytes += space.freeBytes();
  return space;
}

/** As the guard begins: nobody has looked at the disk yet. */
async function startOn(
  space: SpaceDisk,
): Promise<{ readonly reserve: ReserveFile; readonly opened: Opened }> {
  const port = space.port();
  const reserve = new ReserveFile(port, RESERVE_BYTES);
  return { reserve, opened: await openOn(space.disk, { port, reserve }) };
}

/** A frame that was begun and never ended. */
function tear(disk: ForgetfulDisk): Uint8Array {
  const [name = ""] = segmentsOf(disk);
  const whole = disk.files().get(name) ?? new Uint8Array(0);
  const torn = whole.slice(0, 40);
  disk.set(name, Uint8Array.from([...whole, ...torn]));
  return torn;
}

function keptIn(disk: ForgetfulDisk): readonly Uint8Array[] {
  return [...disk.files()].flatMap(([name, kept]) => (name.startsWith("cut-") ? [kept] : []));
}

describe("a disk that is full", () => {
  it("takes from the reserve what comes, and never calls it durable [HP-161 allows]", async () => {
    const log = await watched();
    await log.second(3);
    expect(log.watch.reserve.isWhole).toBe(true);
    appendAll(log.store, sampleLog(0, 6));
    await settle();
    log.space.bound();
    log.space.othersBytes += log.space.freeBytes();
    const durable = log.durable.length;
    log.add([decisionBody(90)]);
    await settle();
    expect(log.failures).toEqual(["ENOSPC: planted"]);
    expect(log.reports).toEqual([
      "evidence: the disk is full; from here on the reserve is written to",
    ]);
    log.add([decisionBody(91), { type: "notice", what: "evidence", details: new Map() }]);
    await settle();
    expect(log.durable).toHaveLength(durable);
    log.watch.stop();
    await log.store.close();
    const report = verifyFiles(log.disk.files());
    expect(failed(report)).toEqual([]);
    expect(report).toMatchObject({ entries: 9, uncovered: 0 });
    expect(log.disk.files().has("reserve")).toBe(false);
    const again = await openOn(log.disk.crash());
    expect(again.recovered).toMatchObject({ found: "clean", nextSeq: 9 });
  });

  it("ends the writing when the reserve is used up as well; what was written stays whole", async () => {
    const log = await watched();
    await log.second(3);
    appendAll(log.store, sampleLog(0, 6));
    await settle();
    log.space.bound();
    log.space.othersBytes += log.space.freeBytes();
    log.add([decisionBody(90)]);
    await settle();
    log.space.othersBytes += log.space.freeBytes();
    log.add([decisionBody(91)]);
    await settle();
    log.add([decisionBody(92)]);
    await settle();
    log.watch.stop();
    await log.store.close();
    expect(log.failures).toHaveLength(1);
    expect(verifyFiles(log.disk.files())).toMatchObject({ ok: true, entries: 7 });
  });

  it.each(["EIO", "ENOSPC"])(
    "never writes on after a sync that failed with %s [HP-161 refuses]",
    async (code) => {
      const log = await watched();
      await log.second(3);
      appendAll(log.store, sampleLog(0, 6));
      await settle();
      log.disk.fault = (call, name) =>
        call === "sync" && name.startsWith("segment-") ? diskError(code) : null;
      log.add([decisionBody(90)]);
      await settle();
      log.disk.fault = () => null;
      const calls = log.disk.journal.length;
      log.add([decisionBody(91)]);
      await settle();
      expect(log.failures).toEqual([`${code}: planted`]);
      expect(log.disk.journal).toHaveLength(calls);
      expect(log.disk.files().has("reserve")).toBe(true);
    },
  );

  it("begins no segment in the reserve, and writes the opening of one again that found no room", async () => {
    const log = await watched();
    await log.second(3);
    log.space.bound();
    let isFirst = true;
    const bound = log.disk.fault;
    log.disk.fault = (call, name, count) => {
      if (isFirst && call === "write" && name.endsWith(".tmp")) {
        isFirst = false;
        return diskError("ENOSPC");
      }
      return bound(call, name, count);
    };
    appendAll(log.store, sampleLog(0, 40));
    await settle();
    expect(log.failures).toEqual(["ENOSPC: planted"]);
    expect(segmentsOf(log.disk)).toHaveLength(2);
    await fill(log, 4);
    expect(segmentsOf(log.disk)).toHaveLength(2);
    await log.store.close();
    expect(failed(verifyFiles(log.disk.files()))).toEqual([]);
  });
});

describe("a start on a full disk", () => {
  it("takes from the reserve that an earlier run left, before anybody has looked at it [HP-201]", async () => {
    const space = await leftFull();
    const { reserve, opened } = await startOn(space);
    const { nextSeq } = opened.recovered;
    appendAll(opened.store, sampleLog(nextSeq, 4, 2));
    await settle();
    expect(opened.failures).toEqual(["ENOSPC: planted"]);
    expect(opened.durable).toEqual([]);
    expect(opened.reports).toEqual([
      "evidence: the disk is full; from here on the reserve is written to",
    ]);
    await reserve.open();
    expect(reserve.heldBytes).toBe(0);
    await opened.store.close();
    const report = verifyFiles(space.disk.files());
    expect(failed(report)).toEqual([]);
    expect(report).toMatchObject({ entries: nextSeq + 4, uncovered: 0 });
  });

  it("keeps the unfinished end of the log in room of the reserve, which is made again later [HP-201]", async () => {
    const space = await leftFull();
    const torn = tear(space.disk);
    const { reserve, opened } = await startOn(space);
    expect(opened.recovered).toMatchObject({ found: "torn", cutBytes: torn.length });
    expect(opened.reports).toEqual([
      "evidence: the disk is full; the unfinished end of the log is kept in room of the reserve",
    ]);
    expect(keptIn(space.disk)).toEqual([torn]);
    expect(reserve.isWhole).toBe(false);
    expect(space.disk.files().get("reserve")).toHaveLength(reserve.heldBytes);
    expect(reserve.heldBytes).toBeGreaterThan(1.5 * MB);
    // What is left of it is there for entries.
    space.othersBytes += Math.max(0, space.freeBytes());
    appendAll(opened.store, sampleLog(opened.recovered.nextSeq, 2, 2));
    await settle();
    await opened.store.close();
    expect(opened.reports).toHaveLength(2);
    expect(space.disk.files().has("reserve")).toBe(false);
    expect(failed(verifyFiles(space.disk.files()))).toEqual([]);

    const later = await leftFull();
    tear(later.disk);
    const again = await startOn(later);
    later.othersBytes = 0;
    while (!again.reserve.isWhole) await again.reserve.grow();
    expect(later.disk.files().get("reserve")).toHaveLength(RESERVE_BYTES);
  });

  it("gives all of a reserve that is smaller than what is to be kept, once", async () => {
    const space = await leftFull();
    const reserve = new ReserveFile(space.port(), RESERVE_BYTES);
    expect(await reserve.lend(RESERVE_BYTES + 1)).toBe(true);
    expect(space.disk.files().has("reserve")).toBe(false);
    expect(await reserve.lend(1)).toBe(false);
    expect(await reserve.release()).toBe(false);
  });

  it.each(["ENOSPC", "EDQUOT"])(
    "records nothing, changes nothing and comes up where there is no reserve either (%s) [HP-201]",
    async (code) => {
      const space = await leftFull();
      await space.disk.port().remove("reserve");
      space.othersBytes += Math.max(0, space.freeBytes());
      space.disk.fault = (call) =>
        call === "write" && space.freeBytes() <= 0 ? diskError(code) : null;
      const torn = tear(space.disk);
      const before = space.disk.files();
      const { opened } = await startOn(space);
      appendAll(opened.store, sampleLog(opened.recovered.nextSeq, 2, 2));
      opened.store.checkpoint("boot");
      await settle();
      await opened.store.close();
      expect(opened.failures).toEqual(["the disk has no room for what a start must keep"]);
      expect(opened.durable).toEqual([]);
      expect(opened.reports.join()).toMatch(/stays as it is, and this run records nothing$/);
      expect(space.disk.files()).toEqual(before);
      // The next start finds room, and goes on as if that run had not been.
      space.othersBytes = 0;
      const again = await startOn(space);
      expect(again.opened.recovered).toMatchObject({ found: "torn", cutBytes: torn.length });
      expect(again.opened.failures).toEqual([]);
    },
  );

  it("does not take another error for a full disk", async () => {
    const space = await leftFull();
    tear(space.disk);
    space.disk.fault = (call) => (call === "write" ? diskError("EIO") : null);
    await expect(startOn(space)).rejects.toThrow("EIO");
    expect(space.disk.files().get("reserve")).toHaveLength(RESERVE_BYTES);
  });
});

describe("the high-water mark", () => {
  it("stops permits before the disk is full, says why, and gives them back a margin below [HP-160 refuses]", async () => {
    const log = await watched();
    await log.second(12);
    expect(log.withheld).toEqual([]);
    log.space.othersBytes = 89 * MB;
    await log.second(11);
    const why = "the evidence disk is 91.0 % full, and permits stop at 90 %";
    expect(log.withheld).toEqual([why]);
    expect(log.watch.report().withheld).toBe(why);
    log.space.othersBytes = 86.5 * MB;
    await log.second(11);
    expect(log.withheld).toEqual([why]);
    log.space.othersBytes = 80 * MB;
    await log.second(2);
    expect(log.withheld).toEqual([why, null]);
    expect(bodiesIn(log.disk)).toEqual([
      { type: "notice", what: "space", details: new Map([["withheld", why]]) },
      { type: "notice", what: "space", details: new Map([["withheld", null]]) },
    ]);
  });

  it("is looked at before the first permit, and gives them where there is room [HP-160 allows]", async () => {
    expect((await watched()).withheld).toEqual([]);
    const space = new SpaceDisk(new ForgetfulDisk());
    space.othersBytes = 95 * MB;
    expect((await watched({}, { space })).withheld).toHaveLength(1);
  });

  it("counts a disk as full that does not say, or whose reserve has no room", async () => {
    const silent = new SpaceDisk(new ForgetfulDisk());
    silent.gate = async () => Promise.reject(diskError("EIO"));
    expect((await watched({}, { space: silent })).withheld).toEqual([
      "the evidence disk cannot be used: EIO: planted",
    ]);
    const small = new SpaceDisk(new ForgetfulDisk(), 4 * MB);
    expect((await watched({ reserveBytes: 8 * MB }, { space: small })).withheld).toEqual([
      "the evidence disk has 4.0 MB left, less than its reserve of 8.0 MB needs",
    ]);
    const hung = await watched();
    await hung.second(12);
    hung.space.gate = async () => new Promise(() => undefined);
    await hung.second(80);
    expect(hung.withheld).toEqual(["the evidence disk does not answer"]);
  });

  it("does not come and go with a disk that says it has room and refuses the reserve", async () => {
    const space = new SpaceDisk(new ForgetfulDisk());
    space.disk.fault = (call, name) =>
      call === "write" && name === "reserve" ? diskError("EDQUOT") : null;
    const log = await watched({}, { space });
    await log.second(20);
    const why = "the evidence disk does not take its reserve: EDQUOT: planted";
    expect(log.withheld).toEqual([why]);
    space.disk.fault = () => null;
    await log.second(5);
    expect(log.withheld).toEqual([why, null]);
    expect(log.watch.reserve.isWhole).toBe(true);
  });

  it("is looked at sooner when the log grows fast", async () => {
    const log = await watched();
    await log.second(12);
    const start = log.space.asked;
    while (log.space.asked === start) await log.second();
    const before = log.space.asked;
    await log.second(3);
    expect(log.space.asked).toBe(before);
    const state = bytes(48_000, 1);
    const body: EntryBody = {
      type: "snapshot",
      semantics: 1,
      profile: bytes(32, 7),
      state,
      foldedTo: 0,
    };
    log.add(Array.from({ length: 100 }, () => body));
    await settle();
    await log.second(1);
    expect(log.space.asked).toBe(before + 1);
  });
});

describe("days left", () => {
  it("are told once for each mark, on record and as an alarm [HP-165 allows]", async () => {
    const space = new SpaceDisk(new ForgetfulDisk());
    space.disk.set("segment-0000000000000000.cborseq", new Uint8Array(0));
    const log = await watched({}, { space });
    await log.second(12);
    // An hour in which the log grew by 400 kB: 9.6 MB a day, and 9 days until 88.5 MB more are there.
    const state = bytes(40_000, 1);
    const one = { type: "snapshot", semantics: 1, profile: bytes(32, 7), foldedTo: 0 } as const;
    log.add(Array.from({ length: 10 }, () => ({ ...one, state })));
    await settle();
    log.clock.us += 3_600_000_000;
    await log.second(12);
    const [first] = log.alarms;
    expect(first).toMatch(
      /^at 9\.\d MB a day the evidence disk is full in \d days: then permits stop$/,
    );
    await log.second(30);
    expect(log.alarms).toHaveLength(1);
    space.othersBytes = 60 * MB;
    await log.second(12);
    expect(log.alarms).toHaveLength(2);
    const told = bodiesIn(log.disk).flatMap((body) =>
      body.type === "notice" && body.what === "space" ? [body.details?.get("mark")] : [],
    );
    expect(told).toEqual([30, 7]);
  });

  it("are not told while too little is known [HP-165 refuses]", async () => {
    const log = await watched();
    await fill(log);
    await log.second(30);
    expect(log.alarms).toEqual([]);
    expect(log.watch.report()).toMatchObject({ daysLeft: null, bytesPerDay: null });
  });
});
